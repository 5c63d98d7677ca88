"""One alert, and its public form."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True)
class Alert:
    """Something that is or was wrong; the fields are those of storage.alerts.AlertRow."""

    id: str
    node: str | None
    kind: str
    severity: str
    since_wall_us: int
    cleared_wall_us: int | None = None
    acknowledged_wall_us: int | None = None
    acknowledged_by: str | None = None
    note: str = ""
    detail: dict[str, Any] | None = None

    def public(self) -> dict[str, Any]:
        """Return it as the REST interface, events and webhooks have it; times are RFC 3339 in UTC."""
        return {
            "id": self.id,
            "node": self.node,
            "kind": self.kind,
            "severity": self.severity,
            "since": _time(self.since_wall_us),
            "cleared_at": _time(self.cleared_wall_us),
            "acknowledged_at": _time(self.acknowledged_wall_us),
            "acknowledged_by": self.acknowledged_by,
            "note": self.note,
            "detail": self.detail or {},
        }


def new_id() -> str:
    """Return an id that no alert has."""
    return f"a-{secrets.token_hex(8)}"


def _time(wall_us: int | None) -> str | None:
    if wall_us is None:
        return None
    return datetime.fromtimestamp(wall_us / 1e6, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
