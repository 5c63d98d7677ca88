"""Skew and latency from alignments."""

from itertools import combinations

import numpy as np

from hil_sim.alignment import Alignment
from hil_sim.signals import Floats


def skews_ms(alignments: list[Alignment]) -> Floats:
    """Return how far apart each pair of ears emits each window that was measured at both, milliseconds."""
    found = [np.abs(a.delay_s - b.delay_s) * 1000 for a, b in combinations(alignments, 2)]
    every = np.concatenate(found) if found else np.empty(0)
    return np.asarray(every[np.isfinite(every)])


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
