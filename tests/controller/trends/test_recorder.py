"""The recorder by itself: every minute once, from start to stop, also while the database is away."""

import asyncio

import pytest
from sqlalchemy import select

from controller.clock import wall_us
from controller.link.presence import OFFLINE
from controller.storage.database import Database
from controller.storage.trends import TrendChunk, TrendMinute
from controller.trends import recorder as recording
from controller.trends.recorder import Recorder

MINUTE_US = 150_000
"""A minute of these tests."""


@pytest.fixture
def recorder(database: Database, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    monkeypatch.setattr(recording, "MINUTE_US", MINUTE_US)
    return Recorder(database, lambda: {"cum-1": (OFFLINE, None)}, 30)


async def minutes(database: Database) -> list[int]:
    """Return what was recorded, packed or not: the hour may end in between."""
    async with database.read() as session:
        packed = await session.scalar(select(TrendChunk.start).limit(1))
        assert packed is None or packed % 60 == 0
        return list(await session.scalars(select(TrendMinute.minute).order_by(TrendMinute.minute)))


async def until(database: Database, count: int) -> list[int]:
    async with asyncio.timeout(20):
        while len(found := await minutes(database)) < count:
            await asyncio.sleep(0.05)
    return found


async def test_every_minute_is_kept_from_start_to_stop(database: Database, recorder: Recorder) -> None:
    began = wall_us() // MINUTE_US
    recorder.start()
    found = await until(database, 5)
    await recorder.stop()
    assert began <= found[0] and found[-1] <= wall_us() // MINUTE_US
    assert len(set(found)) == len(found)
    left = await minutes(database)
    await asyncio.sleep(3 * MINUTE_US / 1e6)
    assert await minutes(database) == left


async def test_a_database_that_is_away_costs_its_minutes_alone(
    database: Database, recorder: Recorder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away() -> None:
        raise OSError("no disk")

    recorder.start()
    await until(database, 1)
    with monkeypatch.context() as patch:
        patch.setattr(database, "write", away)
        await asyncio.sleep(3 * MINUTE_US / 1e6)
    before = len(await minutes(database))
    await until(database, before + 2)
    await recorder.stop()
    assert "is not kept" in caplog.text
