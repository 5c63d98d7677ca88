"""What an ear should hear: the source laid where that ear's own delay puts it."""

from dataclasses import replace

import numpy as np

from hil_sim.alignment import Alignment
from hil_sim.resampling import interpolate
from hil_sim.signals import RATE, Floats

_KNOT = RATE // 100


def source_positions(alignment: Alignment, source_length: int, ear_length: int) -> Floats:
    """Return, for each sample of the ear, the fractional sample of the source that it should be emitting
    then.

    Beyond either end of the source the positions go on outside of it, where interpolation finds silence.
    """
    knots = np.arange(-_KNOT, source_length + 2 * _KNOT, _KNOT, dtype=np.float64)
    at_ear = np.maximum.accumulate(knots + alignment.delay_at(knots / RATE) * RATE)
    ear = np.arange(ear_length, dtype=np.float64)
    positions = np.interp(ear, at_ear, knots)
    positions[ear < at_ear[0]] = -float(_KNOT)
    positions[ear > at_ear[-1]] = float(source_length + _KNOT)
    return np.asarray(positions)


def expected_sound(source: Floats, alignment: Alignment, ear_length: int, otherwise_s: float) -> Floats:
    """Return the source as this ear should emit it, with a delay of `otherwise_s` if it was never aligned."""
    known = alignment if np.isfinite(alignment.rough_s) else replace(alignment, rough_s=otherwise_s)
    return interpolate(source, source_positions(known, len(source), ear_length))
