"""The writing end of a source's pipe: 48 kHz mono float32 little-endian."""

import os
import select

import numpy as np
from numpy.typing import NDArray

from .report import Report

RATE_HZ = 48000
MAX_SAMPLE = 8.0
"""+18 dB: the mixer's limiter deals with it; more is a broken file."""
_ATOMIC_BYTES = select.PIPE_BUF
"""A pipe takes so much at once wholly or not at all (POSIX), so that a full pipe never splits a sample."""

Samples = NDArray[np.float32]


class OutputClosedError(Exception):
    """Nobody reads the pipe any more: the session ended."""


class Output:
    """Writes samples into pipe `fd`, which it owns.

    live: True drops what does not fit into the pipe and counts it, False waits for the reader.
    start_us: place in the source of the first sample that is written. skip_us: so much is left away first.
    """

    def __init__(self, fd: int, report: Report, *, live: bool, start_us: int = 0, skip_us: int = 0) -> None:
        self._fd = fd
        self._report = report
        self._live = live
        self._start_us = start_us
        self._skip_frames = skip_us * RATE_HZ // 1_000_000
        self._frames = 0
        self._dropped_frames = 0
        os.set_blocking(fd, not live)

    @property
    def position_us(self) -> int:
        """Place in the source after the last sample, microseconds."""
        return self._start_us + self._frames * 1_000_000 // RATE_HZ

    def write(self, samples: Samples) -> None:
        """Write mono float32 samples; what is not a number becomes silence. Raises OutputClosedError."""
        if self._skip_frames:
            skipped = min(self._skip_frames, len(samples))
            self._skip_frames -= skipped
            self._frames += skipped
            samples = samples[skipped:]
        if not len(samples):
            return
        clean = np.nan_to_num(samples, nan=0.0, posinf=MAX_SAMPLE, neginf=-MAX_SAMPLE)
        np.clip(clean, -MAX_SAMPLE, MAX_SAMPLE, out=clean)
        data = memoryview(clean.astype("<f4", copy=False).tobytes())
        try:
            if self._live:
                self._write_or_drop(data)
            else:
                with self._report.waiting():
                    while data:
                        data = data[os.write(self._fd, data) :]
        except BrokenPipeError:
            raise OutputClosedError from None
        self._frames += len(samples)
        self._report.advance(self.position_us)
        self._report.started()

    def close(self) -> None:
        """Close the pipe: the source's end."""
        os.close(self._fd)

    def _write_or_drop(self, data: memoryview) -> None:
        for offset in range(0, len(data), _ATOMIC_BYTES):
            try:
                os.write(self._fd, data[offset : offset + _ATOMIC_BYTES])
            except BlockingIOError:
                self._dropped_frames += (len(data) - offset) // 4
                self._report.dropped_us = self._dropped_frames * 1_000_000 // RATE_HZ
                return
