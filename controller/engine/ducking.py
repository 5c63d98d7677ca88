"""How loud each session is in each zone, given what else sounds there."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codec.wire.announcement import PRIORITY_EMERGENCY

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Ramps:
    """How long a change of gain takes, milliseconds: ducking, its end, and every other change."""

    attack_ms: int = 60
    release_ms: int = 500
    fade_ms: int = 40


def amplitude(gain_db: float) -> float:
    """Return the factor of a gain in decibels."""
    return float(10 ** (gain_db / 20))


def duck(
    named: NDArray[np.bool_], priorities: NDArray[np.int32], ducked: Floats, sounding: NDArray[np.bool_]
) -> Floats:
    """Return the ducking factor of each session in each zone, ``(zones, sessions)``.

    named: which session names which zone ``(zones, sessions)``. ducked: each session's factor while one of
    higher priority sounds in the same zone ``(sessions,)``. sounding: which ones sound now. Under an
    emergency the rest is silent.
    """
    highest = np.where(named & sounding, priorities, -1).max(axis=1, initial=-1)[:, None]
    lower = priorities < highest
    factors = np.where(highest >= PRIORITY_EMERGENCY, np.float32(0), ducked)
    return np.where(lower, factors, np.float32(1)).astype(np.float32)


def ramp_blocks(before: Floats, after: Floats, ramps: Ramps, block_ms: float) -> NDArray[np.int32]:
    """Return over how many blocks each gain goes, given ducking factors before and after."""
    length_ms = np.where(after < before, ramps.attack_ms, np.where(after > before, ramps.release_ms, ramps.fade_ms))
    return np.maximum(1, np.rint(length_ms / block_ms)).astype(np.int32)
