"""Zones and nodes: what is reported of one node costs nothing for the others."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from controller.stations import Stations, tag
from controller.storage.database import Database, sqlite_url

NODES = 40


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    found = Database(sqlite_url(tmp_path))
    await found.migrate()
    yield found
    await found.close()


@pytest.fixture
async def stations(database: Database) -> Stations:
    found = Stations(database)
    await found.add_zone({"id": "thon-1"})
    for number in range(NODES):
        await found.add_node({"id": f"cum-{number}", "zone": "thon-1"})
    return found


async def test_an_address_is_kept_without_reading_every_node(stations: Stations, database: Database) -> None:
    await stations.roster()
    whole_table: list[str] = []

    def watch(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if "FROM nodes" in statement and "WHERE" not in statement:
            whole_table.append(statement)

    event.listen(database._engine.sync_engine, "before_cursor_execute", watch)
    for number in range(NODES):
        await stations.keep_address(tag(f"cum-{number}"), ["192.0.2.7", 40_000 + number])
        assert (await stations.roster()).by_tag[tag(f"cum-{number}")].address == ["192.0.2.7", 40_000 + number]
    assert whole_table == []
    fresh = await Stations(database).nodes()
    assert sorted(node.address[1] for node in fresh if node.address) == [40_000 + n for n in range(NODES)]


async def test_a_strangers_address_is_not_kept(stations: Stations) -> None:
    await stations.keep_address(tag("khach"), ["192.0.2.7", 40_000])
    assert all(node.address is None for node in await stations.nodes())


async def test_a_report_that_comes_while_all_is_read_is_not_lost(stations: Stations) -> None:
    await stations.change_zone("thon-1", {"gain_db": -1.0})
    await stations.keep_reports({"cum-0": {"seen_wall_us": 5}, "gone": {"seen_wall_us": 5}})
    assert (await stations.roster()).by_tag[tag("cum-0")].seen_wall_us == 5
    await stations.keep_reports({"cum-0": {"seen_wall_us": 6}})
    assert [node.seen_wall_us for node in await stations.nodes() if node.id == "cum-0"] == [6]
    assert (await stations.node("cum-0")).seen_wall_us == 6
