"""A node as lines for people."""

from typing import Any

from codec.wire import report
from loaxa.showing import node_details, node_table

GAUGES = {
    "uptime_s": 93_784, "wifi_dbm": -61, "mobile_dbm": -97, "speaker_ma": 17, "supply_mv": 11_940, "gain_cdb": -150,
    "temperature_mc": 61_400, "storage_free_bytes": 1_200_000, "storage_total_bytes": 2_097_152, "muted": 1,
    "door_open": 1, "tilted": 0,
}  # fmt: skip


def node(states: dict[str, str | None] | None = None, gauges: dict[str, int | None] | None = None) -> dict[str, Any]:
    raw = report.build_health({}, gauges or {}, None, "no key is known", states)
    counters, found_gauges, on_air, silent, found_states = report.parse_health(raw)
    health = {"counters": counters, "gauges": found_gauges, "states": found_states, "on_air": on_air, "silent": silent}
    status = {"state": "online", "firmware": "loaxa\x1b[2J 0.1", "board": "esp32", "restart_cause": "power"}
    fixed = {"id": "cum-3", "title": "Chợ", "zone": "thon-1", "state": "online", "seen_at": "2026-11-28T05:30:00Z"}
    return {**fixed, "delay_us": 500, "gain_db": -1.5, "health": health, "status": status}


def test_all_that_a_node_told() -> None:
    shown = node_details(node({"link": "mobile", "speaker": "open", "fm": "no_carrier"}, dict(GAUGES)))
    for line in (
        "link          mobile -97 dBm",
        "speaker       open, 17 mA",
        "supply        11.9 V",
        "temperature   61 °C",
        "storage free  1.2 MB of 2.1 MB",
        "gain          -1.5 dB",
        "muted         yes",
        "box           open",
        "pole          upright",
        "FM receiver   no carrier",
        "up for        26 h 3 min",
        "playing       no key is known",
    ):
        assert line in shown.splitlines(), shown
    assert "\x1b" not in shown, "a board does not command a terminal"


def test_what_a_node_does_not_tell_is_left_out() -> None:
    names = [line.split("  ")[0] for line in node_details(node()).splitlines()]
    assert names == ["node", "title", "zone", "state", "seen", "firmware", "restarted by", "playing"]
    new = {**node(), "health": None, "status": None, "seen_at": None}
    assert node_details(new).endswith("seen   never")


def test_the_list_shows_link_and_speaker() -> None:
    broken = node({"link": "wifi", "speaker": "short"}, {"wifi_dbm": -88})
    answer = {
        "nodes": [broken, {**broken, "id": "cum-4", "health": None}],
        "unknown": [{"id": "x", "seen_at": "yesterday"}],
    }
    heads, first, second, stranger = node_table(answer).splitlines()
    assert heads.split()[:6] == ["node", "title", "zone", "state", "link", "speaker"]
    assert "wifi -88 dBm  short" in first
    assert "dBm" not in second
    assert stranger.split() == ["x", "unknown", "yesterday"]
