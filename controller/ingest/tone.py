"""A sine for tests and measurements."""

import numpy as np

from .output import RATE_HZ, Output
from .request import ToneRequest

FADE_MS = 10
_BLOCK_FRAMES = RATE_HZ // 10


def play(request: ToneRequest, output: Output) -> None:
    """Write a sine with raised-cosine ends, so that neither end clicks."""
    total = RATE_HZ * request.duration_ms // 1000
    fade = min(RATE_HZ * FADE_MS // 1000, total // 2)
    peak = 10.0 ** (request.level_db / 20.0)
    for start in range(0, total, _BLOCK_FRAMES):
        index = np.arange(start, min(start + _BLOCK_FRAMES, total))
        to_edge = np.minimum(index, total - 1 - index)
        envelope = 0.5 - 0.5 * np.cos(np.pi * np.minimum(to_edge, fade) / fade)
        # The phase from whole cycles, so that it stays exact after an hour.
        phase = (index * request.frequency_hz / RATE_HZ) % 1.0
        output.write((peak * envelope * np.sin(2.0 * np.pi * phase)).astype(np.float32))
