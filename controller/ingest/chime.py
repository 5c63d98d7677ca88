"""Struck notes, made here so that no recording is needed."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .output import RATE_HZ, Output, Samples
from .request import ChimeRequest
from .signals import gain

_PARTIALS = ((1.0, 1.0, 1.0), (2.0, 0.35, 0.6), (3.0, 0.12, 0.4), (4.16, 0.06, 0.25))
"""Of a bar that is struck: ratio to the note, share of the sound, share of the time of decay."""
_ATTACK_S = 0.004
_RELEASE_S = 0.06
_AMPLITUDE = 0.3
"""Of one note; overlapping, they reach about -5 dB of full scale, as loud as speech at the target."""
_BLOCK_FRAMES = RATE_HZ // 10


@dataclass(frozen=True)
class _Melody:
    notes_hz: tuple[float, ...]
    step_s: float
    decay_s: float


_MELODIES = {
    "open": _Melody((523.25, 659.26, 783.99, 1046.50), 0.45, 0.7),
    "close": _Melody((1046.50, 783.99, 659.26, 523.25), 0.45, 0.7),
    "alert": _Melody((880.0, 1174.66) * 6, 0.18, 0.25),
}


def play(request: ChimeRequest, output: Output) -> None:
    """Write the chime, which begins and ends in silence."""
    for block in blocks(request):
        output.write(block)


def blocks(request: ChimeRequest) -> Iterator[Samples]:
    """Yield the chime, 48 kHz."""
    melody = _MELODIES[request.name]
    factor = gain(request.gain_db) * np.float32(_AMPLITUDE)
    length_s = (len(melody.notes_hz) - 1) * melody.step_s + 3.0 * melody.decay_s
    total = round(length_s * RATE_HZ)
    for start in range(0, total, _BLOCK_FRAMES):
        time_s = np.arange(start, min(start + _BLOCK_FRAMES, total)) / RATE_HZ
        sound = sum(
            _struck(note_hz, melody.decay_s, time_s - number * melody.step_s)
            for number, note_hz in enumerate(melody.notes_hz)
            if time_s[-1] >= number * melody.step_s
        )
        release = 0.5 - 0.5 * np.cos(np.pi * np.minimum((length_s - time_s) / _RELEASE_S, 1.0))
        yield (sound * release).astype(np.float32) * factor


def _struck(note_hz: float, decay_s: float, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return one note at the times `time_s` since it was struck; silence before."""
    since_s = np.maximum(time_s, 0.0)
    attack = 0.5 - 0.5 * np.cos(np.pi * np.minimum(since_s / _ATTACK_S, 1.0))
    sound = np.zeros(len(time_s))
    for ratio, share, decay_share in _PARTIALS:
        decay = np.exp(-since_s / (decay_s * decay_share))
        sound += share * decay * np.sin(2 * np.pi * note_hz * ratio * since_s)
    return sound * attack
