"""A snapshot as families of metrics. Names follow Prometheus: base units, counters that end in ``_total``.

Labels are ids of nodes and zones, which are as many as the commune has, and words of fixed lists. What a node tells is
listed in codec.wire.report, and a gauge that is new there is a metric here.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily

from codec.wire.report import COUNTERS, GAUGES, STATES
from controller.alerts.kinds import SEVERITY
from controller.link.presence import ONLINE
from controller.metrics.snapshot import NodeNow, Snapshot

UNITS = {
    "us": ("seconds", 1_000_000),
    "s": ("seconds", 1),
    "ppb": ("ratio", 1_000_000_000),
    "mc": ("celsius", 1000),
    "ma": ("amperes", 1000),
    "mv": ("volts", 1000),
    "cdb": ("decibels", 100),
}
"""Of the unit that a gauge's name ends in: what it is called here, and how many are one. Others stay as they are."""
ENGINE_COUNTERS = {
    "frames": "Frames that were mixed and sent.",
    "late_frames": "Frames whose last packet left more than 5 ms late.",
    "skipped_blocks": "Blocks that were too late to be sent at all.",
    "packets": "Audio packets that were sent.",
    "send_errors": "Audio packets that the network did not take.",
    "failures": "Blocks that failed in encoding or sending.",
    "time_answered": "Time exchanges that were answered.",
    "time_ignored": "Time exchanges that were not.",
    "time_forged": "Time exchanges with a wrong tag.",
    "asked": "Frames that nodes asked for again.",
    "retransmitted": "Frames that were sent again.",
    "copies": "Requests for a frame that was sent again a moment before.",
    "refused": "Requests for a frame beyond what a node may ask for.",
}
"""Of the engine's figures, docs/architecture.md."""


def families(now: Snapshot) -> Iterator[Metric]:
    """Yield every family of a snapshot; those of nodes of whose value nothing is known without samples."""
    yield from _nodes(now.nodes)
    yield _gauge("loaxa_nodes", "Nodes in service, by state.", "state", now.states)
    yield _single("loaxa_strangers", "Nodes at the broker that are none of ours, 200 at most.", now.strangers)
    yield _single("loaxa_zones", "Zones.", now.zones)
    yield _single("loaxa_zones_on_air", "Zones in which something is on air.", now.zones_on_air)
    yield _gauge("loaxa_sessions", "Sessions that are not over, by priority.", "priority", now.sessions)
    alerts = GaugeMetricFamily("loaxa_alerts", "Alerts that last, by kind.", labels=["kind", "severity"])
    for kind, count in now.alerts.items():
        alerts.add_metric([kind, SEVERITY[kind]], count)
    yield alerts
    yield _single("loaxa_broker_up", "1 while the controller is at its broker.", int(now.broker_up))
    yield _count("loaxa_broker_restarts", "Restarts of the controller's own broker.", now.broker_restarts)
    yield _count("loaxa_malformed_messages", "Messages of nodes that could not be read.", now.malformed)
    yield from _engine(now)


def node_metric(gauge: str) -> tuple[str, float]:
    """Return the metric of a node's gauge, and what its value is divided by."""
    stem, _, unit = gauge.rpartition("_")
    if stem and unit in UNITS:
        called, many = UNITS[unit]
        return f"loaxa_node_{stem}_{called}", many
    return f"loaxa_node_{gauge}", 1


def _nodes(nodes: list[NodeNow]) -> Iterator[Metric]:
    up = GaugeMetricFamily("loaxa_node_up", "1 for a node that is on line, else 0.", labels=["node", "zone"])
    info = InfoMetricFamily("loaxa_node", "What a node is.", labels=["node"])
    for node in nodes:
        up.add_metric([node.id, node.zone], int(node.state == ONLINE))
        info.add_metric([node.id], {"zone": node.zone, "title": node.title})
    yield up
    yield info
    there = [(node.id, node.health) for node in nodes if node.state == ONLINE and node.health is not None]
    playing = GaugeMetricFamily("loaxa_node_playing", "1 for a node that plays something.", labels=["node"])
    for node_id, health in there:
        playing.add_metric([node_id], int(health.get("on_air") is not None))
    yield playing
    for gauge, _, _ in GAUGES:
        name, many = node_metric(gauge)
        family = GaugeMetricFamily(name, f"{gauge} as nodes that are on line told it last.", labels=["node"])
        for node_id, health in there:
            value = health["gauges"].get(gauge)
            if value is not None:
                family.add_metric([node_id], value / many if many > 1 else value)
        yield family
    for counter in COUNTERS:
        counted = CounterMetricFamily(
            f"loaxa_node_{counter}", f"{counter} of codec.wire.report since the node's boot.", labels=["node"]
        )
        for node_id, health in there:
            counted.add_metric([node_id], health["counters"].get(counter, 0))
        yield counted
    for name, words in STATES:
        said = GaugeMetricFamily(f"loaxa_node_{name}", f"1 for what {name} is.", labels=["node", name])
        for node_id, health in there:
            word = (health.get("states") or {}).get(name)
            if word in words:
                said.add_metric([node_id, word], 1)
        yield said


def _engine(now: Snapshot) -> Iterator[Metric]:
    yield _single("loaxa_engine_up", "1 while an engine serves.", int(now.engine_up))
    yield _count("loaxa_engine_restarts", "How often the engine had to be started again.", now.engine_restarts)
    figures = now.engine
    for name, text in ENGINE_COUNTERS.items():
        yield _count(f"loaxa_engine_{name}", text, figures.get(name))
    yield _count("loaxa_engine_cpu_seconds", "Processor time of the engine.", figures.get("cpu_s"))
    late_us = figures.get("worst_late_us")
    yield _single(
        "loaxa_engine_worst_late_seconds",
        "The latest packet of the last second, after its instant.",
        None if late_us is None else late_us / 1_000_000,
    )
    yield _single("loaxa_engine_members", "Receivers that the engine sends to.", figures.get("members"))


def _single(name: str, text: str, value: float | None) -> Metric:
    family = GaugeMetricFamily(name, text)
    if value is not None:
        family.add_metric([], value)
    return family


def _count(name: str, text: str, value: float | None) -> Metric:
    family = CounterMetricFamily(name, text)
    if value is not None:
        family.add_metric([], value)
    return family


def _gauge(name: str, text: str, label: str, values: dict[str, Any]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[label])
    for word, value in values.items():
        family.add_metric([word], value)
    return family


class Collected:
    """A snapshot as a collector of prometheus_client."""

    def __init__(self, now: Snapshot) -> None:
        self._now = now

    def collect(self) -> Iterable[Metric]:
        """Yield its families."""
        return families(self._now)
