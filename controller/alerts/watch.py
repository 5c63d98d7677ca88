"""Watches all nodes and the controller: which alerts begin and end. No clock, no I/O; times are CLOCK_MONOTONIC.

A node is judged when it reported, when what is expected of it changed, or when something has lasted long enough; a
look at 2,000 nodes of which nothing is new costs some milliseconds.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from controller.alerts.hold import Hold
from controller.alerts.loss import Loss
from controller.alerts.rules import GOOD, RULES, UNKNOWN, Rule, Sight, Verdict, disk_full
from controller.alerts.settings import Limits
from controller.link.presence import ONLINE

NEVER_US = 1 << 62

Key = tuple[str | None, str]
"""The node, or None for the controller, and the kind."""


@dataclass(frozen=True)
class Placed:
    """A node that is watched. zone: where it belongs. muted: it is to be silent."""

    id: str
    zone: str
    muted: bool


@dataclass(frozen=True)
class Scene:
    """What there is at one instant. states, healths: of each node, by id; a new report is a new object. on_air: zones
    with a stream. failing: channels of notification that do not get through, and why. free_bytes: of the folder, None
    where nobody knows. since_us: returns since when a node is in its state, None where nobody knows."""

    nodes: list[Placed]
    states: dict[str, str]
    healths: dict[str, dict[str, Any]] = field(default_factory=dict)
    on_air: frozenset[str] = frozenset()
    engine: bool = True
    broker: bool = True
    free_bytes: int | None = None
    failing: dict[str, str] = field(default_factory=dict)
    since_us: Callable[[str], int | None] = lambda node_id: None


@dataclass(frozen=True)
class Change:
    """An alert begins (raised) or ends; since_us: when what it tells of began."""

    node: str | None
    kind: str
    raised: bool
    since_us: int
    detail: dict[str, Any]


class _Seen:
    """What is remembered of one node."""

    __slots__ = ("context", "due_us", "health", "holds", "loss", "news")

    def __init__(self, raised: Iterable[str] = ()) -> None:
        self.holds = {kind: Hold(raised=True) for kind in raised}
        self.loss = Loss()
        self.health: dict[str, Any] = {}
        self.context: tuple[str | None, bool | None] | None = None
        self.due_us = NEVER_US
        self.news = True


class Watch:
    """raised: alerts of an earlier life of this process, which go on until the opposite is seen."""

    def __init__(self, limits: Limits, raised: Iterable[Key], now_us: int) -> None:
        self._limits = limits
        self._seen: dict[str, _Seen] = {}
        self._own: dict[str, Hold] = {}
        self._trusted_us = now_us + limits.grace_s * 1_000_000
        """Until then nodes that are away may be on their way back."""
        for node, kind in raised:
            if node is None:
                self._own[kind] = Hold(raised=True)
            else:
                self._seen.setdefault(node, _Seen()).holds[kind] = Hold(raised=True)

    def look(self, scene: Scene, now_us: int) -> list[Change]:
        """Return what began and what ended since the last look."""
        changes = self._look_at_controller(scene, now_us)
        grace_us = self._limits.grace_s * 1_000_000
        if not scene.broker:
            self._trusted_us = now_us + grace_us
        trusted = now_us >= self._trusted_us
        for node in scene.nodes:
            seen = self._seen.get(node.id)
            if seen is None:
                seen = self._seen[node.id] = _Seen()
            health = scene.healths.get(node.id)
            if health is not None and health is not seen.health:
                seen.health = health
                seen.loss.add(now_us, health.get("counters", {}))
                seen.news = True
            state: str | None = scene.states.get(node.id)
            if not scene.broker or (state != ONLINE and not trusted):
                state = None
            expected = None if not scene.engine else node.zone in scene.on_air and not node.muted
            context = (state, expected)
            if seen.news or now_us >= seen.due_us or context != seen.context:
                seen.context = context
                self._judge(node.id, seen, now_us, changes, scene.since_us)
        if len(self._seen) != len(scene.nodes):
            self._forget({node.id for node in scene.nodes}, now_us, changes)
        return changes

    def _judge(
        self,
        node_id: str,
        seen: _Seen,
        now_us: int,
        changes: list[Change],
        state_since_us: Callable[[str], int | None],
    ) -> None:
        seen.news = False
        seen.due_us = NEVER_US
        state, expected = seen.context or (None, None)
        bad = frozenset(kind for kind, hold in seen.holds.items() if hold.bad)
        sight = Sight(state, seen.health, seen.loss.minute(), seen.loss.last(), expected, bad)
        for rule in RULES:
            verdict = rule.judge(sight, self._limits)
            hold = seen.holds.get(rule.kind)
            if hold is None:
                if verdict is GOOD or verdict is UNKNOWN:
                    continue  # most of them, most of the time
                hold = seen.holds[rule.kind] = Hold()
            raise_us, clear_us = _times_us(rule, self._limits)
            if hold.see(_bad(verdict), now_us, raise_us, clear_us, rule.flaps):
                detail = _detail(verdict)
                if rule.flaps and hold.raised and hold.restless:
                    detail["reason"] = "comes_and_goes"
                since_us = hold.since_us
                if rule.kind == "offline":  # it was so before it could be judged: while the controller was away
                    since_us = min(since_us, state_since_us(node_id) or since_us)
                changes.append(Change(node_id, rule.kind, hold.raised, since_us, detail))
            seen.due_us = min(seen.due_us, hold.due_us(raise_us, clear_us) or NEVER_US)

    def _look_at_controller(self, scene: Scene, now_us: int) -> list[Change]:
        limits = self._limits
        full = self._own.get("disk_full")
        failing: Verdict = {"channels": dict(scene.failing)} if scene.failing else GOOD
        verdicts: tuple[tuple[str, Verdict, int], ...] = (
            ("engine_away", GOOD if scene.engine else {}, limits.away_s),
            ("broker_away", GOOD if scene.broker else {}, limits.away_s),
            ("disk_full", disk_full(scene.free_bytes, limits, full is not None and full.bad), 0),
            ("notify_failing", failing, limits.lasts_s),
        )
        changes = []
        for kind, verdict, raise_s in verdicts:
            hold = self._own.setdefault(kind, Hold())
            if hold.see(_bad(verdict), now_us, raise_s * 1_000_000, limits.clear_s * 1_000_000):
                changes.append(Change(None, kind, hold.raised, hold.since_us, _detail(verdict)))
        return changes

    def _forget(self, there: set[str], now_us: int, changes: list[Change]) -> None:
        """Nodes that were removed or retired: their alerts are over."""
        for node_id in self._seen.keys() - there:
            for kind, hold in self._seen.pop(node_id).holds.items():
                if hold.raised:
                    changes.append(Change(node_id, kind, False, now_us, {"reason": "removed"}))


def _bad(verdict: Verdict) -> bool | None:
    return True if isinstance(verdict, dict) else verdict


def _detail(verdict: Verdict) -> dict[str, Any]:
    return dict(verdict) if isinstance(verdict, dict) else {}


def _times_us(rule: Rule, limits: Limits) -> tuple[int, int]:
    return rule.raise_s(limits) * 1_000_000, rule.clear_s(limits) * 1_000_000
