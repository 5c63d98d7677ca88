"""The plan that the engine is told, from zones, nodes and sessions; its form is in docs/architecture.md."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from controller.stations import Roster, tag
from controller.storage.tables import Node, Zone

DUCK_DB = -18.0
"""What a programme is lowered to while one of higher priority speaks over it."""


@dataclass(frozen=True)
class Programme:
    """A session as the mixer sees it; priority 0-4, see codec.wire.announcement."""

    id: str
    zones: tuple[str, ...]
    priority: int
    gain_db: float


def build(roster: Roster, programmes: Iterable[Programme]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the plan's zones, each without ``stream``, and its sessions."""
    sessions = [
        {
            "id": programme.id,
            "zones": [zone for zone in programme.zones if zone in roster.zones],
            "priority": programme.priority,
            "gain_db": programme.gain_db,
            "duck_db": DUCK_DB,
        }
        for programme in programmes
    ]
    zones = [_zone(zone, roster.members[zone.id]) for zone in roster.zones.values()]
    return zones, sessions


def _zone(zone: Zone, members: list[Node]) -> dict[str, Any]:
    return {
        "id": zone.id,
        "profile": zone.profile,
        "gain_db": zone.gain_db,
        "multicast": zone.multicast,
        "members": [
            {"tag": tag(node.id), "address": node.rtp_address, "fixed": True}
            if node.rtp_address
            else {"tag": tag(node.id), "address": node.address, "fixed": False, "key": node.key.hex()}
            for node in members
        ],
    }
