"""Writes what enters one zone's mix, block by block, for verdicts: the capture format of docs/architecture.md."""

import logging
import os
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from controller.engine.mediaclock import MediaClock

log = logging.getLogger(__name__)

RATE_MILLIHERTZ = 48_000_000
_HEADER = "<qII"


class Recorder:
    """Appends records to `path`; one write a block, so that a killed engine leaves whole blocks."""

    def __init__(self, path: Path, clock: MediaClock) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        self._clock = clock

    def write(self, media_us: int, begun_ns: int, samples: NDArray[np.float32]) -> None:
        """Record the block at `media_us`, ``(samples,)`` of full scale 1.0, begun at `begun_ns` (CLOCK_MONOTONIC); a
        full disk ends the recording, not the sound.

        Two records: an empty one with the true instant, which jitters, and the samples with the block's own, which are
        evenly spaced.
        """
        if self._fd < 0:
            return
        begun = struct.pack(_HEADER, begun_ns, 0, RATE_MILLIHERTZ)
        header = struct.pack(_HEADER, self._clock.mono_ns(media_us), len(samples), RATE_MILLIHERTZ)
        data = np.rint(np.clip(samples * np.float32(32767), -32768, 32767)).astype("<i2").tobytes()
        try:
            os.write(self._fd, begun + header + data)
        except OSError as error:
            log.error("recording stopped: %s", error)
            self.close()

    def close(self) -> None:
        """End the recording."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
