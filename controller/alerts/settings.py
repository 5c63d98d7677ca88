"""`[alerts]` of the settings: when something is wrong, when it is right again, how long both must last."""

from dataclasses import dataclass, fields
from typing import Any

SHOWN_S = 100
"""EN 54-16: a fault is shown so soon after its beginning. Presence takes up to 35 s of it, a report 10 s."""


@dataclass(frozen=True)
class Limits:
    """Limits of the rules. What clears is a little less strict than what raises (hysteresis, see `rules`).

    offline_s: how long a node must be away. grace_s: after a start, or an outage of the broker, nodes have so long to
    come back before they count as away. no_signal_s: how long a node plays nothing while something is on air.
    away_s: how long engine or broker must be away. clear_s: how long all must be well before an alert is cleared.
    again_s: what comes back within this time is the same alert, and is not told to people again and again.
    loss_percent: of the frames of a minute. hot_c: of the board. storage_percent: least free storage. supply_mv: least
    supply voltage; 0: not looked at, as boards differ. wifi_dbm, mobile_dbm: least signal. clock_uncertainty_ms,
    clock_drift_ppm: most. lasts_s: how long any of these must last. disk_mb: least free space of the controller's
    folder. history_days: how long alerts that are over are kept.
    """

    offline_s: int = 20
    grace_s: int = 45
    no_signal_s: int = 20
    away_s: int = 5
    clear_s: int = 5
    again_s: int = 600
    loss_percent: float = 5.0
    hot_c: float = 80.0
    storage_percent: float = 10.0
    supply_mv: int = 0
    wifi_dbm: float = -80.0
    mobile_dbm: float = -110.0
    clock_uncertainty_ms: float = 100.0
    clock_drift_ppm: float = 300.0
    lasts_s: int = 30
    disk_mb: int = 500
    history_days: int = 365


_RANGES: dict[str, tuple[float, float]] = {
    "offline_s": (1, 60),
    "grace_s": (0, 60),
    "no_signal_s": (5, 80),
    "away_s": (1, 60),
    "clear_s": (0, 8),
    "again_s": (0, 43_200),
    "loss_percent": (0.1, 100),
    "hot_c": (20, 150),
    "storage_percent": (0, 90),
    "supply_mv": (0, 1_000_000),
    "wifi_dbm": (-150, 0),
    "mobile_dbm": (-150, 0),
    "clock_uncertainty_ms": (0.1, 10_000),
    "clock_drift_ppm": (1, 10_000),
    "lasts_s": (0, 80),
    "disk_mb": (1, 10_000_000),
    "history_days": (1, 36_500),
}
"""Durations are bounded so that a fault is shown within SHOWN_S and cleared within 20 s whatever is set."""


def read_limits(table: dict[str, Any]) -> Limits:
    """Return the limits in a table of the settings; raises ValueError that names the key."""
    whole = {field.name for field in fields(Limits) if field.type is int}
    values: dict[str, Any] = {}
    for name, value in table.items():
        if name not in _RANGES:
            raise ValueError(f"{name[:40]} is not a setting; there are {', '.join(_RANGES)}")
        low, high = _RANGES[name]
        kinds = (int,) if name in whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
            raise ValueError(f"{name} must be a {'whole ' if name in whole else ''}number from {low:g} to {high:g}")
        values[name] = value if name in whole else float(value)
    return Limits(**values)
