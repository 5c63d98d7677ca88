"""Float samples to int16, clipped."""

import numpy as np
from numpy.typing import NDArray


class Quantiser:
    """Rounds ``(zones, samples)`` float32 in int16 steps; anything beyond the range is clipped."""

    def __init__(self, frame_samples: int, zones: int) -> None:
        self._rounded = np.zeros((zones, frame_samples), np.float32)
        self.samples: NDArray[np.int16] = np.zeros((zones, frame_samples), np.int16)
        """The block, ``(zones, frame_samples)``; valid until the next one."""

    def quantise(self, block: NDArray[np.float32]) -> None:
        """Fill `samples` from `block`. Allocates nothing."""
        # clip() is one pass; minimum() and maximum() with a scalar take four times as long.
        np.clip(block, _LEAST, _GREATEST, out=self._rounded)
        np.rint(self._rounded, out=self._rounded)
        np.copyto(self.samples, self._rounded, casting="unsafe")


_GREATEST = np.float32(32767)
_LEAST = np.float32(-32768)
