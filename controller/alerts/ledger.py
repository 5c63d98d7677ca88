"""Which alerts there are: what begins again soon is the same alert, not a new one. No clock, no I/O; times are wall."""

from dataclasses import dataclass, replace

from controller.alerts.alert import Alert, new_id
from controller.alerts.kinds import SEVERITY, WARNING
from controller.alerts.watch import Change, Key

RAISED = "raised"
AGAIN = "again"
CLEARED = "cleared"
_ORDER = {kind: place for place, kind in enumerate(SEVERITY)}


@dataclass(frozen=True)
class Step:
    """What happened to an alert, RAISED, AGAIN or CLEARED, and how it is since."""

    alert: Alert
    what: str


class Ledger:
    """active: alerts that are not over, by node and kind. worst_kinds: of each node that has one, the worst.

    again_us: how long an alert that is over may begin again.
    """

    def __init__(self, again_us: int) -> None:
        self.active: dict[Key, Alert] = {}
        self.worst_kinds: dict[str, str] = {}
        self._recent: dict[Key, Alert] = {}
        self._again_us = again_us
        self._kinds: dict[str, set[str]] = {}

    def put(self, alert: Alert) -> None:
        """Take an alert as the database, or a person who acknowledged it, has it."""
        key = (alert.node, alert.kind)
        if alert.node is not None:
            self._know(alert.node, alert.kind, alert.cleared_wall_us is None)
        if alert.cleared_wall_us is None:
            self.active[key] = alert
            self._recent.pop(key, None)
        else:
            self.active.pop(key, None)
            self._recent[key] = alert

    def apply(self, change: Change, since_wall_us: int, now_wall_us: int) -> Step | None:
        """Take what the watch saw; None where it is so already."""
        key = (change.node, change.kind)
        known = self.active.get(key)
        if not change.raised:
            if known is None:
                return None
            over = replace(known, cleared_wall_us=now_wall_us, detail={**(known.detail or {}), **change.detail})
            self.put(over)
            return Step(over, CLEARED)
        if known is not None:
            return None
        before = self._recent.get(key)
        if before is not None and now_wall_us - (before.cleared_wall_us or 0) <= self._again_us:
            count = (before.detail or {}).get("count", 1) + 1
            alert, what = replace(before, cleared_wall_us=None, detail={**change.detail, "count": count}), AGAIN
        else:
            detail = {**change.detail, "count": 1}
            severity = SEVERITY[change.kind]
            alert = Alert(new_id(), change.node, change.kind, severity, since_wall_us, detail=detail)
            what = RAISED
        self.put(alert)
        return Step(alert, what)

    def find(self, alert_id: str) -> Alert | None:
        """Return an alert that is active or was a moment ago, or None."""
        for alerts in (self.active, self._recent):
            for alert in alerts.values():
                if alert.id == alert_id:
                    return alert
        return None

    def worst(self, node_id: str) -> str | None:
        """Return the severity of the worst active alert of a node, or None."""
        kind = self.worst_kinds.get(node_id)
        return None if kind is None else SEVERITY.get(kind, WARNING)

    def _know(self, node_id: str, kind: str, active: bool) -> None:
        kinds = self._kinds.setdefault(node_id, set())
        (kinds.add if active else kinds.discard)(kind)
        if kinds:
            self.worst_kinds[node_id] = min(kinds, key=lambda each: _ORDER.get(each, len(_ORDER)))
        else:
            del self._kinds[node_id]
            self.worst_kinds.pop(node_id, None)

    def forget(self, now_wall_us: int) -> None:
        """Let go of what can begin again no more."""
        for key, alert in tuple(self._recent.items()):
            if now_wall_us - (alert.cleared_wall_us or 0) > self._again_us:
                del self._recent[key]
