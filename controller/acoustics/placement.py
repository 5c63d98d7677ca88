"""Delay and gain of each horn from where it stands.

Two ways. Towards a listening point, all sound arrives there at one instant: horn k waits for
``(farthest - distance k) / speed``. From a reference horn, one wave goes through the village: horn k waits for
``distance from the reference / speed``, so that nobody hears the reference after the horn beside them.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from codec.wire.command import MAX_DELAY_US, MAX_GAIN_DB, MIN_GAIN_DB

TEMPERATURE_C = 20.0
NEAREST_M = 1.0
"""Nearer than this a horn is no point any more, and the distance law says too much."""
LEVEL_LIMIT_DB = 6.0
"""How much a horn is lowered at most: somebody lives beside it too."""


@dataclass(frozen=True)
class Place:
    """A place on the village's plan, metres."""

    x_m: float
    y_m: float

    def distance_m(self, other: "Place") -> float:
        """Return how far `other` is."""
        return math.hypot(self.x_m - other.x_m, self.y_m - other.y_m)


@dataclass(frozen=True)
class Setting:
    """What one horn should be set to. limited: the greatest delay there is was not enough."""

    distance_m: float
    delay_us: int
    gain_db: float
    limited: bool


def speed_of_sound_m_s(temperature_c: float = TEMPERATURE_C) -> float:
    """Return the speed of sound in dry air: 343 m/s at 20 degrees (Bohn, J. Audio Eng. Soc. 36, 1988)."""
    return 331.3 * math.sqrt(1.0 + temperature_c / 273.15)


def towards(
    point: Place,
    horns: Mapping[str, tuple[Place, float]],
    temperature_c: float = TEMPERATURE_C,
    level_limit_db: float | None = None,
) -> dict[str, Setting]:
    """Return the settings with which all `horns`, ``(place, gain_db)`` each, are heard at `point` at one instant.

    level_limit_db: also at one level (6 dB for each doubling of the distance), the near horns lowered by so much at
    most; None: gains stay.
    """
    distances = {name: point.distance_m(place) for name, (place, _) in horns.items()}
    farthest_m = max(distances.values())
    late_us = {
        name: (farthest_m - far_m) / speed_of_sound_m_s(temperature_c) * 1e6 for name, far_m in distances.items()
    }
    gains = {name: gain_db for name, (_, gain_db) in horns.items()}
    if level_limit_db is not None:
        levels = {name: -20.0 * math.log10(max(far_m, NEAREST_M)) for name, far_m in distances.items()}
        gains = levelled(dict.fromkeys(horns, max(gains.values())), levels, level_limit_db)
    return _settings(distances, late_us, gains)


def after(
    reference: str, horns: Mapping[str, tuple[Place, float]], temperature_c: float = TEMPERATURE_C
) -> dict[str, Setting]:
    """Return the settings with which each horn sounds when the sound of `reference`, one of them, passes it."""
    origin = horns[reference][0]
    distances = {name: origin.distance_m(place) for name, (place, _) in horns.items()}
    late_us = {name: far_m / speed_of_sound_m_s(temperature_c) * 1e6 for name, far_m in distances.items()}
    return _settings(distances, late_us, {name: gain_db for name, (_, gain_db) in horns.items()})


def levelled(gains_db: Mapping[str, float], levels_db: Mapping[str, float], limit_db: float) -> dict[str, float]:
    """Return the gains with which `levels_db` heard come down to the quietest, each lowered by `limit_db` at most."""
    quietest_db = min(levels_db.values())
    return {
        name: round(min(max(gain_db - min(levels_db[name] - quietest_db, limit_db), MIN_GAIN_DB), MAX_GAIN_DB), 1)
        for name, gain_db in gains_db.items()
    }


def delays_us(late_us: Mapping[str, float]) -> dict[str, tuple[int, bool]]:
    """Return ``(delay_us, limited)`` of each: the least is 0, none is greater than a node takes."""
    least_us = min(late_us.values())
    wanted = {name: round(each_us - least_us) for name, each_us in late_us.items()}
    return {name: (min(each_us, MAX_DELAY_US), each_us > MAX_DELAY_US) for name, each_us in wanted.items()}


def _settings(
    distances_m: Mapping[str, float], late_us: Mapping[str, float], gains_db: Mapping[str, float]
) -> dict[str, Setting]:
    delays = delays_us(late_us)
    return {
        name: Setting(distances_m[name], delays[name][0], gains_db[name], limited=delays[name][1])
        for name in distances_m
    }
