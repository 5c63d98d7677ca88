"""The rules: from what is known of a node, or of the controller, to what is wrong. Pure; no clock, no I/O.

A verdict is a dict, the details of what is wrong; GOOD; or UNKNOWN, which neither raises nor clears.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from controller.alerts.settings import Limits
from controller.link.presence import OFFLINE, ONLINE, SILENT

Verdict = dict[str, Any] | bool | None
GOOD = False
UNKNOWN = None

SIGNAL_HYSTERESIS_DB = 4
HOT_HYSTERESIS_C = 5
STORAGE_HYSTERESIS = 1.2
SUPPLY_HYSTERESIS = 1.03
DISK_HYSTERESIS = 1.2
CLEAR_SHARE = 0.5
"""Loss, drift and uncertainty are over when they are half of what raises them."""


@dataclass(frozen=True)
class Sight:
    """What is known of one node. state: one of presence.STATES, None where nobody can know.

    health: its last report. loss_minute, loss_last: see `loss.Loss`. expected: something is on air in its zone that it
    should play; None where the engine is away. bad: kinds whose conditions hold, for which less clears.
    """

    state: str | None = None
    health: dict[str, Any] = field(default_factory=dict)
    loss_minute: float | None = None
    loss_last: float | None = None
    expected: bool | None = False
    bad: frozenset[str] = frozenset()

    def gauge(self, name: str) -> int | None:
        """Return a gauge of the last report, None where it is not known or the node is not there."""
        if self.state != ONLINE:
            return None
        value = self.health.get("gauges", {}).get(name)
        return None if value is None else int(value)

    def word(self, name: str) -> str | None:
        """Return a state word of the last report, None where it is not known or the node is not there."""
        if self.state != ONLINE:
            return None
        value = self.health.get("states", {}).get(name)
        return None if value is None else str(value)


@dataclass(frozen=True)
class Rule:
    """raise_s, clear_s: how long it must last. flaps: whether what comes and goes is wrong by itself."""

    kind: str
    judge: Callable[[Sight, Limits], Verdict]
    raise_s: Callable[[Limits], int] = lambda limits: limits.lasts_s
    clear_s: Callable[[Limits], int] = lambda limits: limits.clear_s
    flaps: bool = False


def _offline(sight: Sight, limits: Limits) -> Verdict:
    if sight.state == OFFLINE:
        return {"reason": "gone"}
    if sight.state == SILENT:
        return {"reason": "silent"}
    return GOOD if sight.state == ONLINE else UNKNOWN


def _speaker(fault: str) -> Callable[[Sight, Limits], Verdict]:
    def judge(sight: Sight, limits: Limits) -> Verdict:
        word = sight.word("speaker")
        if word is None:
            return UNKNOWN
        if word != fault:
            return GOOD
        return {"speaker_ma": sight.gauge("speaker_ma")}

    return judge


def _no_signal(sight: Sight, limits: Limits) -> Verdict:
    if sight.expected is None:
        return UNKNOWN
    if not sight.expected or sight.state in (OFFLINE, SILENT):
        return GOOD  # where it is away, that is what is wrong
    if sight.state != ONLINE or not sight.health:
        return UNKNOWN
    if sight.health.get("on_air") is not None:
        return GOOD
    return {"silent": sight.health.get("silent")}


def _weak_signal(sight: Sight, limits: Limits) -> Verdict:
    link = sight.word("link")
    if link == "ethernet":
        return GOOD
    known = False
    spare_db = SIGNAL_HYSTERESIS_DB if "weak_signal" in sight.bad else 0
    for radio, least_dbm in (("wifi", limits.wifi_dbm), ("mobile", limits.mobile_dbm)):
        dbm = sight.gauge(f"{radio}_dbm")
        if dbm is None or link not in (None, radio):
            continue
        known = True
        if dbm < least_dbm + spare_db:
            return {"radio": radio, "dbm": dbm, "least_dbm": least_dbm}
    return GOOD if known else UNKNOWN


def _high_loss(sight: Sight, limits: Limits) -> Verdict:
    most = limits.loss_percent / 100
    if sight.state != ONLINE or sight.loss_last is None:
        return UNKNOWN
    # The newest stretch alone says that it is over: a minute would remember what was repaired for a minute.
    if "high_loss" in sight.bad:
        share = sight.loss_last if sight.loss_last > most * CLEAR_SHARE else None
    else:
        share = sight.loss_minute if min(sight.loss_minute or 0.0, sight.loss_last) > most else None
    return GOOD if share is None else {"loss_percent": round(100 * share, 1), "most_percent": limits.loss_percent}


def _hot(sight: Sight, limits: Limits) -> Verdict:
    millidegrees = sight.gauge("temperature_mc")
    if millidegrees is None:
        return UNKNOWN
    most_c = limits.hot_c - (HOT_HYSTERESIS_C if "hot" in sight.bad else 0)
    return (
        {"temperature_c": round(millidegrees / 1000, 1), "most_c": limits.hot_c}
        if (millidegrees > 1000 * most_c)
        else GOOD
    )


def _storage_low(sight: Sight, limits: Limits) -> Verdict:
    free, total = sight.gauge("storage_free_bytes"), sight.gauge("storage_total_bytes")
    if free is None or not total:
        return UNKNOWN
    least = limits.storage_percent * (STORAGE_HYSTERESIS if "storage_low" in sight.bad else 1)
    return {"free_bytes": free, "total_bytes": total} if 100 * free < least * total else GOOD


def _supply_low(sight: Sight, limits: Limits) -> Verdict:
    supply_mv = sight.gauge("supply_mv")
    if supply_mv is None:
        return UNKNOWN
    least_mv = limits.supply_mv * (SUPPLY_HYSTERESIS if "supply_low" in sight.bad else 1)
    return {"supply_mv": supply_mv, "least_mv": limits.supply_mv} if supply_mv < least_mv else GOOD


def _clock_off(sight: Sight, limits: Limits) -> Verdict:
    if sight.state != ONLINE or not sight.health or sight.expected is None:
        return UNKNOWN
    share = CLEAR_SHARE if "clock_off" in sight.bad else 1.0
    uncertainty_us, drift_ppb = sight.gauge("offset_uncertainty_us"), sight.gauge("drift_ppb")
    if uncertainty_us is None:
        return {"reason": "no_time"}
    if uncertainty_us > 1000 * limits.clock_uncertainty_ms * share:
        return {"reason": "uncertain", "uncertainty_ms": round(uncertainty_us / 1000, 1)}
    if drift_ppb is not None and abs(drift_ppb) > 1000 * limits.clock_drift_ppm * share:
        return {"reason": "drift", "drift_ppm": round(drift_ppb / 1000, 1)}
    return GOOD


def _tampered(sight: Sight, limits: Limits) -> Verdict:
    found = {"door": sight.gauge("door_open"), "tilt": sight.gauge("tilted")}
    if all(value is None for value in found.values()):
        return UNKNOWN
    moved = [name for name, value in found.items() if value]
    return {"sensors": moved} if moved else GOOD


def _at_once(limits: Limits) -> int:
    return 0


RULES = (
    Rule("offline", _offline, lambda limits: limits.offline_s, flaps=True),
    Rule("speaker_open", _speaker("open"), lambda limits: limits.clear_s),
    Rule("speaker_short", _speaker("short"), _at_once),
    Rule("no_signal", _no_signal, lambda limits: limits.no_signal_s, _at_once),
    Rule("clock_off", _clock_off),
    Rule("tampered", _tampered, _at_once),
    Rule("weak_signal", _weak_signal),
    Rule("high_loss", _high_loss, _at_once, _at_once),
    Rule("hot", _hot),
    Rule("storage_low", _storage_low),
    Rule("supply_low", _supply_low),
)
"""Of nodes. Loss is measured over a minute: it has lasted, and a clean stretch of 8 s or more says that it is over."""


def disk_full(free_bytes: int | None, limits: Limits, bad: bool) -> Verdict:
    """Judge the free space of the controller's folder; None where it cannot be asked for."""
    if free_bytes is None:
        return UNKNOWN
    least_mb = limits.disk_mb * (DISK_HYSTERESIS if bad else 1)
    free_mb = free_bytes // (1024 * 1024)
    return {"free_mb": free_mb, "least_mb": limits.disk_mb} if free_mb < least_mb else GOOD
