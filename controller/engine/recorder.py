"""Writes one zone's mix, block by block, for verdicts: the capture format of docs/architecture.md."""

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
    """Appends records to `path`; one write a block, so that a killed engine leaves whole records."""

    def __init__(self, path: Path, clock: MediaClock) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        self._clock = clock

    def write(self, media_us: int, samples: NDArray[np.int16]) -> None:
        """Record one block ``(samples,)`` at `media_us`; a full disk ends the recording, not the sound."""
        if self._fd < 0:
            return
        header = struct.pack(_HEADER, self._clock.mono_ns(media_us), len(samples), RATE_MILLIHERTZ)
        try:
            os.write(self._fd, header + samples.astype("<i2", copy=False).tobytes())
        except OSError as error:
            log.error("recording stopped: %s", error)
            self.close()

    def close(self) -> None:
        """End the recording."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
