"""A programme of sweeps: easier to time than speech, and no codec likes it less."""

import numpy as np
from scipy.signal import chirp

from hil_sim.signals import RATE, Floats

SWEEP_S = 0.8
PAUSE_S = 0.2
LOW_HZ, HIGH_HZ = 200.0, 4000.0
_FADE_S = 0.02
_PEAK = 0.3


def chirp_programme(duration_s: float) -> Floats:
    """Return at least `duration_s` of sweeps up, each followed by a pause."""
    time_s = np.arange(round(SWEEP_S * RATE)) / RATE
    edge = np.minimum(1.0, np.minimum(time_s, SWEEP_S - time_s) / _FADE_S)
    sweep = _PEAK * edge * chirp(time_s, LOW_HZ, SWEEP_S, HIGH_HZ, method="logarithmic")
    period = np.concatenate((sweep, np.zeros(round(PAUSE_S * RATE))))
    return np.asarray(np.tile(period, int(np.ceil(duration_s / (SWEEP_S + PAUSE_S)))))
