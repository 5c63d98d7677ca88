"""Nodes at a glance: one event for the changes of 100 ms, none for what shows nothing new."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from codec.wire.report import COUNTERS, GAUGES
from controller.events import Bus, Watcher
from controller.memory import Memory, StreamOnAir
from controller.overview import PERIOD_S, Overview
from controller.reports import Reports
from controller.rows import COLUMNS, EVENT_COLUMNS
from controller.stations import Stations
from controller.storage.database import Database

NODES = 30
STATUS = {"state": "online", "firmware": "1", "board": "x", "restart_cause": ""}


class House:
    """As much of a controller as the overview is made from."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.bus = Bus()
        self.memory = Memory(folder / "memory.json")
        self.stations = Stations(database)
        self.reports = Reports(self.stations, self.memory.now_media_us)
        self.overview = Overview(self.stations, self.reports, self.memory, self.bus)

    async def health(self, node_id: str, on_air: int | None = None, link: str | None = None, **gauges: int) -> None:
        values = {name: gauges.get(name) for name, _, _ in GAUGES}
        await self.reports.on_health(node_id, dict.fromkeys(COUNTERS, 0), values, on_air, None, {"link": link})

    def row(self, node_id: str) -> dict[str, Any]:
        for raw in self.overview.rows():
            row = dict(zip(COLUMNS, json.loads(raw), strict=True))
            if row["id"] == node_id:
                return row
        raise AssertionError(node_id)


@pytest.fixture
async def house(database: Database, tmp_path: Path) -> AsyncIterator[House]:
    found = House(database, tmp_path)
    await found.stations.add_zone({"id": "thon-1"})
    for number in range(NODES):
        await found.stations.add_node({"id": f"cum-{number:02}", "zone": "thon-1"})
    await found.reports.start()
    await found.overview.start()
    yield found
    found.overview.stop()
    await found.reports.stop()


def told(watcher: Watcher) -> list[tuple[str, Any]]:
    """Return the events that came until now."""
    events = []
    while not watcher.waiting.empty():
        raw = watcher.waiting.get_nowait()
        assert raw is not None and raw.endswith(b"\n\n")
        kind, data = raw.decode().strip().split("\n")
        events.append((kind.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return events


async def test_changes_of_a_moment_are_one_event_and_no_news_is_none(house: House) -> None:
    with house.bus.watch() as watcher, house.bus.watch() as other:
        for number in range(NODES):
            await house.reports.on_status(f"cum-{number:02}", STATUS)
        await asyncio.sleep(2 * PERIOD_S)
        ((kind, body),) = told(watcher)
        assert kind == "nodes"
        assert sorted(row[0] for row in body["rows"]) == [f"cum-{number:02}" for number in range(NODES)]
        assert {row[EVENT_COLUMNS.index("state")] for row in body["rows"]} == {"online"}
        assert told(other) == [(kind, body)]
        version = house.overview.version
        await house.health("cum-00")
        await asyncio.sleep(2 * PERIOD_S)
        assert told(watcher) == [], "a report that says nothing new"
        assert house.overview.version == version, "nor is the answer made anew"


async def test_a_warmer_node_is_in_the_answer_and_tells_nobody(house: House) -> None:
    await house.reports.on_status("cum-01", STATUS)
    await asyncio.sleep(2 * PERIOD_S)
    with house.bus.watch() as watcher:
        await house.health("cum-01", None, "mobile", temperature_mc=48_600, wifi_dbm=-30, mobile_dbm=-71)
        await asyncio.sleep(2 * PERIOD_S)
        assert told(watcher) == []
    row = house.row("cum-01")
    assert (row["temperature_c"], row["link"], row["signal_dbm"]) == (49, "mobile", -71), "of the link in use"


async def test_on_air_and_playing(house: House) -> None:
    await house.reports.on_status("cum-02", STATUS)
    await asyncio.sleep(2 * PERIOD_S)
    with house.bus.watch() as watcher:
        house.memory.streams["thon-1"] = StreamOnAir(7, 0, 20_000, 150_000, 3)
        house.overview.touch_zone("thon-1")
        await asyncio.sleep(2 * PERIOD_S)
        ((_, body),) = told(watcher)
        assert len(body["rows"]) == NODES and all(row[EVENT_COLUMNS.index("on_air")] for row in body["rows"])
        await house.health("cum-02", on_air=6)
        await house.health("cum-02", on_air=7)
        await asyncio.sleep(2 * PERIOD_S)
        ((_, body),) = told(watcher)
        assert [(row[0], row[-1]) for row in body["rows"]] == [("cum-02", True)]
        await house.reports.on_status("cum-02", {**STATUS, "state": "offline"})
        await asyncio.sleep(2 * PERIOD_S)
        ((_, body),) = told(watcher)
        assert body["rows"][0][-1] is False, "who is not there plays nothing, whatever it said last"


async def test_a_gain_tells_its_row_and_a_title_has_everything_read_anew(house: House) -> None:
    with house.bus.watch() as watcher:
        await house.stations.change_node("cum-03", {"gain_db": -6.0})
        ((kind, body),) = told(watcher)
        assert (kind, [row[0] for row in body["rows"]]) == ("nodes", ["cum-03"])
        await house.stations.change_node("cum-03", {"title": "Nhà văn hóa"})
        assert told(watcher) == [("zone", {})]
        await house.stations.remove_node("cum-03")
        assert told(watcher) == [("zone", {})]
    assert len(house.overview.rows()) == NODES - 1


async def test_an_alert_is_told_when_its_node_is_touched(house: House) -> None:
    house.overview.worst_alerts = lambda: {"cum-04": "hot"}
    with house.bus.watch() as watcher:
        house.overview.touch("cum-04")
        house.overview.touch("nobody")
        await asyncio.sleep(2 * PERIOD_S)
        ((_, body),) = told(watcher)
    assert [row[:4] for row in body["rows"]] == [["cum-04", "new", None, "hot"]]


async def test_since_when_does_not_move(house: House) -> None:
    await house.reports.on_status("cum-05", STATUS)
    await asyncio.sleep(2 * PERIOD_S)
    since_ms = house.row("cum-05")["since_ms"]
    await house.health("cum-05", temperature_mc=1)
    await asyncio.sleep(2 * PERIOD_S)
    assert house.row("cum-05")["since_ms"] == since_ms
    await house.stations.change_node("cum-05", {"retired_wall_us": 5_000_000})
    assert (house.row("cum-05")["state"], house.row("cum-05")["since_ms"]) == ("retired", 5000)
