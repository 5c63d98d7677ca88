"""A virtual node's horns and the sensor of their current: what has left the DAC, smoothed, times what is wrong."""

import math
from collections import deque
from typing import Any

import numpy as np

from hil_sim.condition import TONE_MA

_RATE = 48_000
_SENSOR_S = 0.06
"""Time constant of the rectifier behind the current transformer."""
_TONE_RMS = 5793.0
"""Of the firmware's test tone: full scale less 12 dB."""
_SHARES = {None: 1.0, "open": 0.02, "short": 15.0}
_MOST_MA = 11_000.0
"""The amplifier limits."""


class Horns:
    """Hears what a DAC emits."""

    def __init__(self) -> None:
        self._coming: deque[tuple[int, int, float]] = deque()
        self._rms = 0.0
        self._until_ns = 0

    def hear(self, first_ns: int, block: Any) -> None:
        """`block`, int16, leaves from true time `first_ns` on."""
        samples = np.frombuffer(block, np.int16).astype(np.float64)
        self._coming.append((first_ns, len(samples), math.sqrt(float(np.mean(samples * samples)))))

    def current_ma(self, now_ns: int, fault: str | None) -> int:
        """Return what the sensor shows at true time `now_ns`; `fault` is None, "open" or "short"."""
        while self._coming and self._coming[0][0] < now_ns:
            first_ns, frames, rms = self._coming.popleft()
            self._follow(0.0, first_ns)
            self._follow(rms, first_ns + frames * 1_000_000_000 // _RATE)
        self._follow(0.0, now_ns)
        return round(min(TONE_MA * self._rms / _TONE_RMS * _SHARES[fault], _MOST_MA))

    def _follow(self, rms: float, until_ns: int) -> None:
        if until_ns > self._until_ns:
            self._rms += (rms - self._rms) * (1 - math.exp(-(until_ns - self._until_ns) / 1e9 / _SENSOR_S))
            self._until_ns = until_ns
