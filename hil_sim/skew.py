"""Skew and latency from alignments."""

from itertools import combinations

import numpy as np

from hil_sim.alignment import Alignment
from hil_sim.signals import Floats

GAP_WINDOWS = 5
"""Half a second without sound: the node begins again."""


def skews_ms(alignments: list[Alignment], settle_s: float = 0.0) -> Floats:
    """Return how far apart each pair of ears emits each window that was measured at both, milliseconds.

    settle_s: windows so soon after an ear began to sound, or began again, are left out.
    """
    delays = [settled_s(alignment, settle_s) for alignment in alignments]
    found = [np.abs(a - b) * 1000 for a, b in combinations(delays, 2)]
    every = np.concatenate(found) if found else np.empty(0)
    return np.asarray(every[np.isfinite(every)])


def settled_s(alignment: Alignment, settle_s: float) -> Floats:
    """Return the delays with NaN for `settle_s` after each silence of GAP_WINDOWS or more while the source sounds."""
    delay_s = alignment.delay_s.copy()
    missing = GAP_WINDOWS
    begun_s = 0.0
    for number in np.flatnonzero(alignment.sounding):
        if not alignment.measured[number]:
            missing += 1
            continue
        if missing >= GAP_WINDOWS:
            begun_s = float(alignment.start_s[number])
        missing = 0
        if alignment.start_s[number] < begun_s + settle_s:
            delay_s[number] = np.nan
    return delay_s


def latencies_ms(alignments: list[Alignment]) -> Floats:
    """Return the delay of every measured window of every ear, milliseconds."""
    every = np.concatenate([a.delay_s for a in alignments]) * 1000 if alignments else np.empty(0)
    return np.asarray(every[np.isfinite(every)])


def percentiles(values: Floats, names: tuple[str, ...]) -> dict[str, float | None]:
    """Return ``{"p50": ..., "max": ...}`` for the names asked for, null where there are no values."""
    result: dict[str, float | None] = {}
    for name in names:
        share = 100.0 if name == "max" else float(name[1:])
        result[name] = round(float(np.percentile(values, share)), 4) if len(values) else None
    return result
