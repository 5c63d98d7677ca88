"""Look-ahead limiter over all zones at once: nothing leaves above the ceiling, and below it nothing is
touched.

The block is cut into slices of 2.5 ms. A slice of peak p may have a gain of at most ``ceiling / p``; the gain
is a straight line within a slice, and at a border no more than what both neighbours allow. Knowing the next
slice's peak takes one slice of delay: that is the look-ahead, the time in which the gain comes down.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

SLICE_SAMPLES = 120
"""Look-ahead, 2.5 ms at 48 kHz; divides every frame length that the mixer has."""
CEILING = np.float32(32767 * 10 ** (-1 / 20))
"""-1 dBFS in int16 steps: what Opus adds to a peak stays below full scale."""
RELEASE_S = 0.15
_RELEASE_AIM = 1.0005
"""Just above 1, so that the gain really arrives there and the sound is bit-exact again."""


class Limiter:
    """Limits blocks ``(zones, frame_samples)`` of float32 in int16 steps and delays them by SLICE_SAMPLES."""

    def __init__(self, frame_samples: int, zones: int) -> None:
        if frame_samples % SLICE_SAMPLES:
            raise ValueError(f"frame_samples must be a multiple of {SLICE_SAMPLES}")
        self._frame = frame_samples
        self._slices = frame_samples // SLICE_SAMPLES
        self._starts = np.arange(0, frame_samples, SLICE_SAMPLES)
        rise = np.arange(SLICE_SAMPLES, dtype=np.float32) / np.float32(SLICE_SAMPLES)
        self._lines = np.stack([1 - rise, rise])
        self._kept = np.float32(np.exp(-SLICE_SAMPLES / 48_000 / RELEASE_S))
        self._gained = np.float32((1 - self._kept) * _RELEASE_AIM)
        self._allocate(zones)

    @property
    def incoming(self) -> Floats:
        """Where the mixer writes the next block, ``(zones, frame_samples)``."""
        return self._incoming

    def grow(self, zones: int) -> None:
        """Make room for at least `zones`, keeping what is in flight. Allocates."""
        had = len(self._window)
        if zones <= had:
            return
        tail, borders, allowed = self._tail, self._borders, self._allowed
        self._allocate(zones)
        self._tail[:had] = tail
        self._borders[:, :had] = borders
        self._allowed[:, :had] = allowed

    def limit(self) -> Floats:
        """Return the limited block, ``(zones, frame_samples)``, valid until the next call."""
        # The end of this window is the look-ahead of the next one; moved here because the block returned is a
        # view.
        self._window[:, :SLICE_SAMPLES] = self._tail
        self._tail[:] = self._window[:, self._frame :]
        np.abs(self._incoming, out=self._magnitude)
        np.maximum.reduceat(self._magnitude, self._starts, axis=1, out=self._peaks)
        if self._peaks.max() <= CEILING and self._borders[-1].min() >= 1 and self._allowed[-1].min() >= 1:
            return self._outgoing
        return self._reduce()

    def reset(self, zone: int) -> None:
        """Forget what is in flight in a zone that begins anew."""
        self._tail[zone] = 0.0
        self._borders[:, zone] = 1.0
        self._allowed[:, zone] = 1.0

    def _reduce(self) -> Floats:
        # allowed[i] is what slice i - 1 of this block allows, allowed[0] the slice still waiting in the
        # window.
        np.copyto(self._allowed[0], self._allowed[-1])
        np.copyto(self._borders[0], self._borders[-1])
        np.maximum(self._peaks.T, CEILING, out=self._allowed[1:])
        np.divide(CEILING, self._allowed[1:], out=self._allowed[1:])
        np.minimum(self._allowed[:-1], self._allowed[1:], out=self._caps)
        for before, after, cap in self._steps:
            np.multiply(before, self._kept, out=after)
            np.add(after, self._gained, out=after)
            np.minimum(after, cap, out=after)
        np.copyto(self._ends[:, :, 0], self._borders[:-1].T)
        np.copyto(self._ends[:, :, 1], self._borders[1:].T)
        np.matmul(self._ends_flat, self._lines, out=self._curve_slices)
        return np.multiply(self._outgoing, self._curve, out=self._curve)

    def _allocate(self, zones: int) -> None:
        self._window: Floats = np.zeros((zones, SLICE_SAMPLES + self._frame), np.float32)
        self._tail: Floats = np.zeros((zones, SLICE_SAMPLES), np.float32)
        self._incoming: Floats = self._window[:, SLICE_SAMPLES:]
        self._outgoing: Floats = self._window[:, : self._frame]
        self._magnitude: Floats = np.zeros((zones, self._frame), np.float32)
        self._peaks: Floats = np.zeros((zones, self._slices), np.float32)
        self._borders: Floats = np.ones((self._slices + 1, zones), np.float32)
        self._allowed: Floats = np.ones((self._slices + 1, zones), np.float32)
        self._caps: Floats = np.ones((self._slices, zones), np.float32)
        self._steps = [(self._borders[i], self._borders[i + 1], self._caps[i]) for i in range(self._slices)]
        self._ends: Floats = np.ones((zones, self._slices, 2), np.float32)
        self._ends_flat: Floats = self._ends.reshape(zones * self._slices, 2)
        self._curve_slices: Floats = np.zeros((zones * self._slices, SLICE_SAMPLES), np.float32)
        self._curve: Floats = self._curve_slices.reshape(zones, self._frame)
