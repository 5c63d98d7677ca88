"""What is measured at one instant, by reference: made in the loop in a few milliseconds, read in a thread."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from codec.wire.announcement import PRIORITY_NAMES
from controller.alerts.kinds import SEVERITY
from controller.link.presence import STATES

if TYPE_CHECKING:
    from controller.office import Office


@dataclass(frozen=True)
class NodeNow:
    """One node in service. health: its last report since the controller began, which is not changed any more."""

    id: str
    zone: str
    title: str
    state: str
    health: Mapping[str, Any] | None


@dataclass(frozen=True)
class Snapshot:
    """All of it. engine: its own figures of the last second, none while it is away. sessions: that are not over, by
    priority; alerts: that last, by kind; both with all names there are."""

    nodes: list[NodeNow]
    states: dict[str, int]
    strangers: int
    zones: int
    zones_on_air: int
    engine_up: bool
    engine_restarts: int
    engine: Mapping[str, Any]
    broker_up: bool
    broker_restarts: int
    malformed: int
    sessions: dict[str, int]
    alerts: dict[str, int]


async def gather(office: "Office") -> Snapshot:
    """Return what there is to say now."""
    roster = await office.stations.roster()
    heard = office.reports.heard()
    nodes = []
    for members in roster.members.values():
        for node in members:
            state, health = heard.get(node.id, (STATES[0], None))
            nodes.append(NodeNow(node.id, node.zone, node.title, state, health))
    return Snapshot(
        nodes=nodes,
        states=_all(STATES, Counter(node.state for node in nodes)),
        strangers=len(office.reports.unknown),
        zones=len(roster.zones),
        zones_on_air=len(office.memory.streams),
        engine_up=office.air.ready,
        engine_restarts=office.air.restarts,
        engine=office.air.stats,
        broker_up=office.link.connected,
        broker_restarts=office.broker.restarts if office.broker else 0,
        malformed=office.link.malformed,
        sessions=_all(PRIORITY_NAMES, Counter(PRIORITY_NAMES[each.priority] for each in office.broadcasts.active)),
        alerts=_all(SEVERITY, Counter(alert.kind for alert in office.alerts.active())),
    )


def _all(names: Mapping[str, Any] | tuple[str, ...], counted: Counter[str]) -> dict[str, int]:
    return {name: counted[name] for name in names}
