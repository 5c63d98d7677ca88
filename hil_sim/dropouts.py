"""Gaps: stretches of a millisecond or more in which a DAC is silent though what it should emit is not.

A DAC is silent where it emits nothing at all (its buffer ran dry) or nothing above two steps of 16 bits.
"""

from dataclasses import dataclass

import numpy as np

from hil_sim.capture import Track
from hil_sim.signals import RATE, Bools, Floats, db_to_ratio, moving_rms, spans

MIN_GAP = RATE // 1000
SILENT_PEAK = 2.5 / 32768
LOUD_RMS = db_to_ratio(-42.0)
"""What should sound, over 3 ms; decoded speech at this level is never silent for a millisecond."""
JOIN = 5 * RATE // 1000
"""Sound shorter than this between two silences does not divide them: a decoder that starts, or a click."""
_LOUD_WIDTH = 3 * RATE // 1000


@dataclass(frozen=True)
class Gap:
    """Where on the true-time axis a gap begins, and how long it is."""

    first_s: float
    length_ms: float


def find_gaps(expected: Floats, ear: Track, held: Bools) -> list[Gap]:
    """Return the gaps of one ear against what it should emit (of :func:`hil_sim.expected.expected_sound`).

    held: where the programme was held up before the mixer, which counts as sound that is due.
    """
    loud = (moving_rms(expected, _LOUD_WIDTH) > LOUD_RMS) | held
    silent = (np.abs(ear.samples) <= SILENT_PEAK) | ~ear.covered
    gaps = []
    for first, end in _joined([span for span in spans(silent) if span[1] - span[0] >= MIN_GAP]):
        sounding = np.flatnonzero(loud[first:end])
        if len(sounding) >= MIN_GAP:  # pauses at either end of the silence are the programme's own
            low, high = first + int(sounding[0]), first + int(sounding[-1]) + 1
            gaps.append(Gap(low / RATE, (high - low) / RATE * 1000))
    return gaps


def _joined(silences: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the silences with those nearer than JOIN made one."""
    found: list[tuple[int, int]] = []
    for first, end in silences:
        if found and first - found[-1][1] < JOIN:
            found[-1] = (found[-1][0], end)
        else:
            found.append((first, end))
    return found
