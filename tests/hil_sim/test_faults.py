"""Horns that fail in a real village: real current of what is really played, told to the real controller."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hil_sim import scenario
from hil_sim.scenario import Event
from hil_sim.village import ZONE, Village
from tests.controller.running import ROOT

WITHIN_S = 15.0


def until(village: Village, right: Callable[[dict[str, dict[str, Any]]], bool]) -> float:
    """Return how long it took until what the nodes told, by name, was right."""
    began_s = time.monotonic()
    while True:
        told = {node["id"]: node["health"] or {} for node in village.office.get("/api/nodes")["nodes"]}
        if all(told.values()) and right(told):
            return time.monotonic() - began_s
        assert time.monotonic() - began_s < WITHIN_S, told
        village.tend()
        time.sleep(0.2)


@pytest.mark.timeout(150)
def test_broken_horns_are_told_of_while_a_programme_plays(tmp_path: Path) -> None:
    given = scenario.load(ROOT / "scenarios" / "speaker.toml")
    assert [event.do for event in given.events] == ["speaker_open", "speaker_short", "repair"]

    def speakers(*words: str | None) -> Callable[[dict[str, dict[str, Any]]], bool]:
        return lambda told: tuple(told[name]["states"]["speaker"] for name in sorted(told)) == words

    with Village(given, tmp_path / "village") as village:
        village.wait_online()
        until(village, speakers(None, None, None))
        source = {"kind": "text", "text": given.source.text}
        village.office.post("/api/sessions", {"source": source, "zones": [ZONE], "priority": "live"})
        until(village, speakers("ok", "ok", "ok"))
        for event in given.events[:2]:
            village.happen(event)
        print(f"both told after {until(village, speakers('ok', 'open', 'short')):.1f} s")
        village.happen(given.events[2])
        print(f"mended after {until(village, speakers('ok', 'ok', 'ok')):.1f} s")
        village.fail(1, door_open=1, wifi_dbm=-93, supply_mv=9000)

        def opened(told: dict[str, dict[str, Any]]) -> bool:
            gauges = told["node-01"]["gauges"]
            return bool(gauges["door_open"] == 1 and gauges["wifi_dbm"] == -93 and gauges["supply_mv"] < 9200)

        print(f"an open box told after {until(village, opened):.1f} s")
        with pytest.raises(ValueError, match="a board has no roof"):
            village.fail(1, roof=1)
        village.happen(Event(0.0, "repair"))
        until(village, lambda told: told["node-01"]["gauges"]["door_open"] == 0)
        assert village.mishaps == []
        for node in village.office.get("/api/nodes")["nodes"]:
            assert node["health"]["gauges"]["free_heap_bytes"] > 10_000
            assert node["health"]["counters"]["no_memory"] == 0
