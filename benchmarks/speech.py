"""A sound that costs what speech costs, without a recording to ship."""

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

RATE = 48_000


def speech_like(seconds: int, seed: int = 1) -> NDArray[np.float32]:
    """Return pulses at a voice's pitch through moving formants, with pauses, in [-0.4, 0.4]."""
    noise = np.random.default_rng(seed)
    count = RATE // 5
    pieces = []
    for number in range(seconds * 5):
        pitch = noise.uniform(90, 220)
        pulses = (np.arange(count) * pitch / RATE % 1 < pitch / RATE).astype(float) + noise.normal(0, 0.01, count)
        for formant in (noise.uniform(300, 800), noise.uniform(900, 2500), noise.uniform(2500, 3500)):
            radius = 0.985
            pulses = lfilter([1], [1, -2 * radius * np.cos(2 * np.pi * formant / RATE), radius**2], pulses)
        pieces.append(pulses / np.abs(pulses).max() * (0.4 if number % 6 else 0.005))
    return np.concatenate(pieces).astype(np.float32)
