"""Sessions that are over: the newest are kept, and what is on air is not touched."""

import pytest
from sqlalchemy import select

from controller.states import ENDED, FAILED, ON_AIR
from controller.storage import history
from controller.storage.database import Database
from controller.storage.history import prune
from controller.storage.tables import Session


async def _store(database: Database, *states: str) -> None:
    async with database.write() as session:
        for number, state in enumerate(states):
            session.add(
                Session(
                    id=f"s-{number}", source={}, zones=[], priority=1, state=state, accepted_wall_us=1_000_000 + number
                )
            )


async def _left(database: Database) -> list[str]:
    async with database.read() as session:
        return list(await session.scalars(select(Session.id).order_by(Session.accepted_wall_us)))


async def test_the_newest_are_kept(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "BATCH", 2)
    await _store(database, ENDED, FAILED, ENDED, ENDED, FAILED, ENDED, ENDED)
    assert await prune(database, 8) == 0
    assert await prune(database, 7) == 0
    assert await prune(database, 2) == 5
    assert await _left(database) == ["s-5", "s-6"]
    assert await prune(database, 2) == 0


async def test_what_is_on_air_is_kept_however_old(database: Database) -> None:
    await _store(database, ON_AIR, ENDED, ENDED, ENDED)
    assert await prune(database, 1) == 2
    assert await _left(database) == ["s-0", "s-3"]
