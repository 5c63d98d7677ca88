"""Samples that came out of a pipe and were not mixed by everybody yet, in one piece of memory."""

import os

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_SAMPLE_BYTES = 4


class SampleBuffer:
    """Float32 samples by their number since the pipe began: those from `start` to `end` are here.

    Contiguous rather than a ring: what is left is moved to the front when the end is reached, which happens
    every few blocks for a few kilobytes, and lets readers look at any stretch as one array.
    """

    def __init__(self, capacity_samples: int, hold_samples: int) -> None:
        """Have memory for `capacity_samples`; :meth:`fill` stops at `hold_samples` beyond `keep_from`."""
        self._hold = hold_samples
        self._samples: Floats = np.zeros(capacity_samples, np.float32)
        self._bytes = self._samples.data.cast("B")
        self._first = 0
        self._filled_bytes = 0

    @property
    def start(self) -> int:
        """Number of the oldest sample that is here."""
        return self._first

    @property
    def end(self) -> int:
        """Number after the newest whole sample."""
        return self._first + self._filled_bytes // _SAMPLE_BYTES

    def stretch(self, start: int, end: int) -> Floats:
        """Return the samples from `start` to `end`: a view, valid until the next :meth:`fill`."""
        return self._samples[start - self._first : end - self._first]

    def fill(self, fd: int, keep_from: int) -> bool:
        """Read what the non-blocking pipe holds while there is room, dropping samples before `keep_from`.

        Returns False at the end of the pipe. Raises OSError when the descriptor is no pipe to read from.
        """
        while (room := _SAMPLE_BYTES * (keep_from + self._hold) - self._end_bytes()) > 0:
            if self._filled_bytes == len(self._bytes) and not self._make_room(keep_from):
                return True
            try:
                count = os.readv(fd, [self._bytes[self._filled_bytes : self._filled_bytes + room]])
            except BlockingIOError:
                return True
            if count == 0:
                return False
            self._clean(count)
        return True

    def _end_bytes(self) -> int:
        return self._first * _SAMPLE_BYTES + self._filled_bytes

    def _clean(self, count: int) -> None:
        whole = self._filled_bytes // _SAMPLE_BYTES
        self._filled_bytes += count
        new = self._samples[whole : self._filled_bytes // _SAMPLE_BYTES]
        # A NaN would stay in the limiter for ever; an enormous sample would overflow the mix.
        if new.size and not (new.max() <= _MOST and new.min() >= -_MOST):
            np.nan_to_num(new, copy=False, nan=0.0, posinf=_MOST, neginf=-_MOST)
            np.clip(new, -_MOST, _MOST, out=new)

    def _make_room(self, keep_from: int) -> bool:
        drop = min(keep_from, self.end) - self._first
        if drop <= 0:
            return False
        kept_bytes = self._filled_bytes - drop * _SAMPLE_BYTES
        self._bytes[:kept_bytes] = self._bytes[drop * _SAMPLE_BYTES : self._filled_bytes]
        self._first += drop
        self._filled_bytes = kept_bytes
        return True


_MOST = 16.0
"""24 dB above full scale."""
