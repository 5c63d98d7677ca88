"""A programme of sweeps: easier to time than speech, and no two alike, so that none is taken for another."""

import numpy as np
from scipy.signal import chirp

from hil_sim.signals import RATE, Floats

SWEEP_S = (0.4, 0.9)
PAUSE_S = (0.05, 0.25)
LOW_HZ = (150.0, 500.0)
HIGH_HZ = (2500.0, 5000.0)
_FADE_S = 0.02
_PEAK = 0.3


def chirp_programme(duration_s: float) -> Floats:
    """Return at least `duration_s` of sweeps up and down, each followed by a pause; the same at every call."""
    chance = np.random.default_rng(1)
    parts: list[Floats] = []
    total = 0
    while total < duration_s * RATE:
        length_s = chance.uniform(*SWEEP_S)
        time_s = np.arange(round(length_s * RATE)) / RATE
        ends_hz = chance.permutation([chance.uniform(*LOW_HZ), chance.uniform(*HIGH_HZ)])
        edge = np.minimum(1.0, np.minimum(time_s, length_s - time_s) / _FADE_S)
        sweep = _PEAK * edge * chirp(time_s, ends_hz[0], length_s, ends_hz[1], method="logarithmic")
        parts += [sweep, np.zeros(round(chance.uniform(*PAUSE_S) * RATE))]
        total += len(parts[-2]) + len(parts[-1])
    return np.concatenate(parts)
