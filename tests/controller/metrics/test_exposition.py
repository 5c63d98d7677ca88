"""The page that Prometheus reads: what is known, in base units, and nothing that a name could break."""

from typing import Any

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from codec.wire.report import COUNTERS, GAUGES
from controller.link.presence import OFFLINE, ONLINE
from controller.metrics.exposition import write
from controller.metrics.families import node_metric
from controller.metrics.snapshot import NodeNow, Snapshot


def health(**gauges: int | None) -> dict[str, Any]:
    return {
        "counters": {**dict.fromkeys(COUNTERS, 0), "lost": 7},
        "gauges": {**{name: None for name, _, _ in GAUGES}, **gauges},
        "states": {"link": "wifi", "speaker": "from the moon", "fm": None},
        "on_air": 5,
    }


def snapshot(nodes: list[NodeNow], engine: dict[str, Any] | None = None) -> Snapshot:
    return Snapshot(
        nodes=nodes,
        states={"online": 1, "offline": 1},
        strangers=0,
        zones=1,
        zones_on_air=1,
        engine_up=engine is not None,
        engine_restarts=2,
        engine=engine or {},
        broker_up=True,
        broker_restarts=0,
        malformed=3,
        sessions={"emergency": 1},
        alerts={"hot": 4, "offline": 1},
    )


def read(now: Snapshot) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return every sample by name and labels, as Prometheus reads them."""
    plain, _ = write(now)
    found: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
    families: list[Metric] = list(text_string_to_metric_families(plain.decode()))
    assert len({family.name for family in families}) == len(families)
    for family in families:
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found
            found[key] = sample.value
    return found


def labels(**values: str) -> frozenset[tuple[str, str]]:
    return frozenset(values.items())


def test_what_nodes_told_is_in_base_units() -> None:
    told = health(temperature_mc=31_250, supply_mv=12_480, round_trip_us=80_500, mobile_dbm=-97, drift_ppb=-1500)
    found = read(
        snapshot([NodeNow("cum-1", "thon-1", "", ONLINE, told), NodeNow("cum-2", "thon-1", "", OFFLINE, told)])
    )
    one = labels(node="cum-1")
    assert found["loaxa_node_temperature_celsius", one] == 31.25
    assert found["loaxa_node_supply_volts", one] == 12.48
    assert found["loaxa_node_round_trip_seconds", one] == 0.0805
    assert found["loaxa_node_mobile_dbm", one] == -97
    assert found["loaxa_node_drift_ratio", one] == -1.5e-6
    assert found["loaxa_node_lost_total", one] == 7
    assert found["loaxa_node_playing", one] == 1
    assert found["loaxa_node_link", labels(node="cum-1", link="wifi")] == 1
    assert found["loaxa_node_up", labels(node="cum-1", zone="thon-1")] == 1
    assert found["loaxa_node_up", labels(node="cum-2", zone="thon-1")] == 0
    of_two = {name for name, given in found if ("node", "cum-2") in given}
    assert of_two == {"loaxa_node_up", "loaxa_node_info"}, "what it told before it went is not what is"
    assert not any(name == "loaxa_node_speaker" for name, _ in found), "a word of no list is no label"
    assert ("loaxa_node_wifi_dbm", one) not in found


def test_the_controller_and_its_engine() -> None:
    found = read(snapshot([], {"late_frames": 2, "worst_late_us": 1500, "cpu_s": 1.25}))
    assert found["loaxa_engine_up", labels()] == 1
    assert found["loaxa_engine_late_frames_total", labels()] == 2
    assert found["loaxa_engine_worst_late_seconds", labels()] == 0.0015
    assert found["loaxa_engine_cpu_seconds_total", labels()] == 1.25
    assert found["loaxa_alerts", labels(kind="hot", severity="warning")] == 4
    assert found["loaxa_sessions", labels(priority="emergency")] == 1
    assert found["process_resident_memory_bytes", labels()] > 1e6
    away = read(snapshot([]))
    assert away["loaxa_engine_up", labels()] == 0
    assert ("loaxa_engine_late_frames_total", labels()) not in away


def test_no_title_breaks_the_page() -> None:
    title = 'Thôn "Đông"\\n\\\nloaxa_engine_up 9'
    found = read(snapshot([NodeNow("cum-1", "thon-1", title, ONLINE, None)]))
    assert ("loaxa_node_info", labels(node="cum-1", zone="thon-1", title=title)) in found
    assert found["loaxa_engine_up", labels()] == 0


def test_every_gauge_has_a_metric_of_its_own() -> None:
    names = [node_metric(name)[0] for name, _, _ in GAUGES]
    assert len(set(names)) == len(names)
    assert node_metric("invented_mv") == ("loaxa_node_invented_volts", 1000)
    assert node_metric("muted") == ("loaxa_node_muted", 1)
