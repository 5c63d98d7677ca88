"""Arithmetic on blocks of samples that several sources share."""

from collections.abc import Iterable, Iterator

import numpy as np

from .output import RATE_HZ, Samples


def gain(gain_db: float) -> np.float32:
    """Return the factor of a gain in dB."""
    return np.float32(10.0 ** (gain_db / 20.0))


class FadeIn:
    """Raised-cosine fade over the first milliseconds of a source that begins in the middle of sound."""

    def __init__(self, length_ms: int = 10) -> None:
        frames = RATE_HZ * length_ms // 1000
        self._ramp = (0.5 - 0.5 * np.cos(np.pi * np.arange(frames) / frames)).astype(np.float32)

    def apply(self, samples: Samples) -> Samples:
        """Return the next block, faded as far as the fade reaches."""
        count = min(len(self._ramp), len(samples))
        if count == 0:
            return samples
        faded = samples.copy()
        faded[:count] *= self._ramp[:count]
        self._ramp = self._ramp[count:]
        return faded


def gathered(blocks: Iterable[Samples], frames: int) -> Iterator[Samples]:
    """Yield the samples of `blocks` in blocks of `frames` or more, for who pays by the block."""
    held: list[Samples] = []
    for samples in blocks:
        held.append(samples)
        if sum(map(len, held)) >= frames:
            yield np.concatenate(held)
            held.clear()
    if held:
        yield np.concatenate(held)
