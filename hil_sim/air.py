"""What a microphone in the village hears: all horns at once, each later and quieter with its distance."""

import numpy as np

from hil_sim.resampling import interpolate
from hil_sim.scenario import Position
from hil_sim.signals import RATE, Floats

SPEED_OF_SOUND_M_S = 343.0
"""In air of 20 degrees."""
REFERENCE_M = 10.0
"""Distance at which a horn alone is heard at the level of its own WAV."""
NEAREST_M = 1.0


def hear(ears: list[Floats], horns: list[Position], microphone: Position) -> Floats:
    """Return the sum of the horns at `microphone`, each delayed by its distance and falling with 1/r."""
    total = np.zeros(max(len(ear) for ear in ears))
    for ear, horn in zip(ears, horns, strict=True):
        distance_m = max(float(np.hypot(horn.x_m - microphone.x_m, horn.y_m - microphone.y_m)), NEAREST_M)
        delay = distance_m / SPEED_OF_SOUND_M_S * RATE
        total[: len(ear)] += REFERENCE_M / distance_m * interpolate(ear, np.arange(len(ear), dtype=np.float64) - delay)
    return total
