"""Zones and nodes: what is reported of one node costs nothing for the others."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from sqlalchemy import event

from codec.wire import command
from controller.reports import Reports
from controller.stations import Stations, tag
from controller.storage.database import Database

NODES = 40


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


class SlowReads:
    """A database whose first read has read, and holds before it ends until `go`."""

    def __init__(self, database: Database) -> None:
        self.write = database.write
        self._read = database.read
        self.has_read = asyncio.Event()
        self.go = asyncio.Event()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Any]:
        async with self._read() as session:
            yield session
        self.has_read.set()
        await self.go.wait()


@pytest.mark.parametrize("what", ["report", "address"])
async def test_what_comes_while_all_is_read_is_not_lost(stations: Stations, database: Database, what: str) -> None:
    slow = SlowReads(database)
    reading = Stations(slow)
    rosters = asyncio.create_task(reading.roster())
    await slow.has_read.wait()
    if what == "report":
        await reading.keep_reports({"cum-0": {"seen_wall_us": 5}, "gone": {"seen_wall_us": 5}})
    else:
        keeping = asyncio.create_task(reading.keep_address(tag("cum-0"), ["192.0.2.7", 40_000]))
        await asyncio.sleep(0.05)
    slow.go.set()
    await rosters
    if what == "address":
        await keeping
    found = (await reading.roster()).by_tag[tag("cum-0")]
    assert (found.seen_wall_us if what == "report" else found.address) == (
        5 if what == "report" else ["192.0.2.7", 40_000]
    )


async def test_reports_are_read_back(stations: Stations) -> None:
    await stations.roster()
    await stations.keep_reports({"cum-0": {"seen_wall_us": 6}})
    assert [node.seen_wall_us for node in await stations.nodes() if node.id == "cum-0"] == [6]
    assert (await stations.node("cum-0")).seen_wall_us == 6


async def test_changes_at_once_share_a_round_and_none_is_missed(database: Database) -> None:
    stations = Stations(database)
    await stations.add_zone({"id": "thon-1"})
    told: list[set[str]] = []

    async def tell() -> None:
        seen = {node.id for node in await stations.nodes()}
        await asyncio.sleep(0.01)  # others come meanwhile
        told.append(seen)

    stations.changed.append(tell)

    async def add(number: int) -> None:
        await stations.add_node({"id": f"cum-{number}", "zone": "thon-1"})
        assert any(f"cum-{number}" in seen for seen in told), "returned before everybody had learnt of it"

    await asyncio.gather(*(add(number) for number in range(40)))
    assert len(told[-1]) == 40
    assert len(told) < 40


async def test_numbers_for_many_are_one_commit(stations: Stations, database: Database) -> None:
    alone = await stations.next_counter("cum-3")
    commits: list[Any] = []
    event.listen(database._engine.sync_engine, "commit", commits.append)
    names = [f"cum-{number}" for number in range(NODES)]
    counters = await stations.next_counters([*names, "nobody"], {"gain_db": -3.0})
    assert len(commits) == 1
    assert counters.keys() == set(names)
    assert counters["cum-3"] == alone + 1
    assert await stations.next_counter("cum-3") == alone + 2
    assert {node.gain_db for node in await stations.nodes()} == {-3.0}


async def test_all_nodes_are_told_what_is_on_air_with_one_commit(stations: Stations, database: Database) -> None:
    sent: list[tuple[str, int, object]] = []

    class Line:
        async def send(self, node_id: str, raw: bytes) -> None:
            found = json.loads(raw[command.TAG_BYTES :])
            sent.append((node_id, found["n"], found["op"]))

    reports = Reports(stations, lambda: 0)
    reports.link = cast(Any, Line())
    reports.air = lambda _roster, _node: {"session": "of all"}
    await stations.change_node("cum-1", {"rtp_address": ["127.0.0.1", 5004]})
    reports.presence.status("cum-2", False, 0)
    nodes = await stations.nodes()
    commits: list[Any] = []
    event.listen(database._engine.sync_engine, "commit", commits.append)
    await reports.tell_air_all(nodes)
    assert len(commits) == 1
    assert sorted(name for name, _, _ in sent) == sorted({node.id for node in nodes} - {"cum-1", "cum-2"})
    assert {(counter, operation) for _, counter, operation in sent} == {(1, "air")}
