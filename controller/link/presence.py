"""Who is there, from what nodes say and no longer say. No I/O; times are CLOCK_MONOTONIC microseconds."""

from dataclasses import dataclass

SILENT_AFTER_US = 25_000_000
"""Two and a half periods of the health report: one may be lost on the way."""

NEW = "new"
ONLINE = "online"
SILENT = "silent"
OFFLINE = "offline"
STATES = (NEW, ONLINE, SILENT, OFFLINE)
"""Never seen; there; the broker thinks it is there but its health is missing; gone."""


@dataclass
class _Sign:
    online: bool
    heard_us: int
    since_us: int
    shown: str = NEW


class Presence:
    """The state of each node that ever gave a sign."""

    def __init__(self) -> None:
        self._signs: dict[str, _Sign] = {}

    def remember(self, node_id: str, seen_us: int = 0) -> None:
        """A node that was last seen in an earlier life of this process, at `seen_us`, which may be negative: offline
        since then until it says otherwise."""
        self._signs.setdefault(node_id, _Sign(online=False, heard_us=0, since_us=seen_us, shown=OFFLINE))

    def status(self, node_id: str, online: bool, now_us: int) -> None:
        """The node, or the broker in its name, said whether it is there."""
        sign = self._signs.setdefault(node_id, _Sign(online, now_us, now_us))
        if self.state(node_id, now_us) != (ONLINE if online else OFFLINE):
            sign.since_us = now_us
        sign.online, sign.heard_us = online, now_us

    def health(self, node_id: str, now_us: int) -> bool:
        """The node reported its health; True when it was not known to be there until now."""
        # A broker may drop a retained status (some keep none for wildcards); a node that reports is there.
        arrived = self.state(node_id, now_us) != ONLINE
        self.status(node_id, True, now_us)
        return arrived

    def forget(self, node_id: str) -> None:
        """The node was removed."""
        self._signs.pop(node_id, None)

    def state(self, node_id: str, now_us: int) -> str:
        """Return one of STATES."""
        sign = self._signs.get(node_id)
        if sign is None:
            return NEW
        if not sign.online:
            return OFFLINE
        return ONLINE if now_us - sign.heard_us <= SILENT_AFTER_US else SILENT

    def since_us(self, node_id: str, now_us: int) -> int | None:
        """Return since when the node is in its state, or None for one that never gave a sign."""
        sign = self._signs.get(node_id)
        if sign is None:
            return None
        return sign.heard_us + SILENT_AFTER_US if self.state(node_id, now_us) == SILENT else sign.since_us

    def changed(self, now_us: int) -> list[str]:
        """Return the nodes whose state is another than when this was asked last."""
        nodes = []
        for node_id, sign in self._signs.items():
            state = self.state(node_id, now_us)
            if state != sign.shown:
                sign.shown = state
                nodes.append(node_id)
        return nodes
