"""Speech to try things with, from the voice that the controller has."""

import subprocess
from functools import cache

import numpy as np
from scipy.signal import resample_poly

from hil_sim.scenario import BULLETIN
from hil_sim.signals import RATE, Floats


@cache
def speech(duration_s: float, voice: str = "vi") -> Floats:
    """Return `duration_s` of spoken bulletin at 48 kHz."""
    spoken = subprocess.run(
        ["espeak-ng", "-v", voice, "--stdout"], input=BULLETIN.encode(), capture_output=True, check=True, timeout=30
    ).stdout
    samples = np.frombuffer(spoken[44:], "<i2").astype(np.float64) / 32768.0
    found = np.asarray(resample_poly(samples, 320, 147)[: round(duration_s * RATE)])
    fade = round(0.1 * RATE)  # a coded sound ends a look-ahead early: let there be nothing left to lose
    found[-2 * fade :] *= np.concatenate((np.linspace(1.0, 0.0, fade), np.zeros(fade)))
    return found
