"""One minute's rows: what is new, what was counted, and nothing that is not known."""

from typing import Any

from codec.wire.report import COUNTERS, GAUGES
from controller.link.presence import NEW, OFFLINE, ONLINE, SILENT
from controller.trends.frame import NOTHING, Frame
from controller.trends.sample import PARTS, Sampler, differences, part_of


def health(uptime_s: int = 100, on_air: int | None = None, lost: int = 0, **gauges: int | None) -> dict[str, Any]:
    return {
        "counters": {**dict.fromkeys(COUNTERS, 0), "lost": lost},
        "gauges": {**{name: None for name, _, _ in GAUGES}, "uptime_s": uptime_s, **gauges},
        "on_air": on_air,
        "states": {"link": "wifi", "speaker": None},
    }


def row(parts: dict[int, Frame], node: str) -> dict[str, Any]:
    """Return what is known of a node in a minute."""
    frame = parts[part_of(node)]
    at = frame.words["node"].vocabulary.index(node)
    numbers = {name: int(each[at]) for name, each in frame.numbers.items() if each[at] != NOTHING}
    words = {name: each.vocabulary[each.codes[at]] for name, each in frame.words.items() if each.codes[at] != NOTHING}
    return {**numbers, **words}


def test_a_node_in_its_minutes() -> None:
    sampler = Sampler()
    first = health(100, lost=5, temperature_mc=31_250)
    assert sampler.sample({"a": (NEW, None)}) == {}
    shown = row(sampler.sample({"a": (ONLINE, first)}), "a")
    assert shown == {
        "node": "a",
        "state": "online",
        "uptime_s": 100,
        "temperature_mc": 31_250,
        "playing": 0,
        "link": "wifi",
    }
    second = health(160, on_air=7, lost=12)
    shown = row(sampler.sample({"a": (ONLINE, second)}), "a")
    assert (shown["lost"], shown["received"], shown["playing"]) == (7, 0, 1)
    assert "temperature_mc" not in shown
    # No new report: what was true a minute ago is not known to be true now.
    assert row(sampler.sample({"a": (ONLINE, second)}), "a") == {"node": "a", "state": "online"}
    assert row(sampler.sample({"a": (SILENT, second)}), "a") == {"node": "a", "state": "silent"}
    assert row(sampler.sample({"a": (OFFLINE, second)}), "a") == {"node": "a", "state": "offline"}
    rebooted = row(sampler.sample({"a": (ONLINE, health(10, lost=3))}), "a")
    assert rebooted["lost"] == 3


def test_a_node_that_is_gone_and_back_counts_anew() -> None:
    sampler = Sampler()
    sampler.sample({"a": (ONLINE, health(100, lost=5))})
    assert sampler.sample({}) == {}
    assert "lost" not in row(sampler.sample({"a": (ONLINE, health(160, lost=9))}), "a")


def test_counters_of_a_board_that_booted_are_all_new() -> None:
    last, now = health(500, lost=5), health(30, lost=9)
    assert differences(last, now)["lost"] == 9
    assert differences(health(500, lost=5), health(560, lost=4))["lost"] == 4, "counts less: it has booted"
    assert differences({"counters": {}}, {"counters": {"new": 3}}) == {"new": 3}


def test_a_gauge_that_nobody_knew_is_a_column() -> None:
    shown = row(Sampler().sample({"a": (ONLINE, health(invented_mv=12))}), "a")
    assert shown["invented_mv"] == 12


def test_nodes_share_the_parts() -> None:
    parts = Sampler().sample({f"cum-{number}": (OFFLINE, None) for number in range(320)})
    assert set(parts) == set(range(PARTS))
    assert sum(frame.rows for frame in parts.values()) == 320
    assert max(frame.rows for frame in parts.values()) < 40
