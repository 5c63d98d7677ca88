"""The media clock: microseconds that follow UTC gently and never jump while something is on air.

A straight line over CLOCK_MONOTONIC, bent a little now and then: its rate is off by at most MAX_SLEW_PPB
while it nears UTC. In whole numbers throughout, so that two ends that know the same anchor compute the same
microsecond.
"""

import time
from collections.abc import Callable

MAX_SLEW_PPB = 20_000
"""Nodes learn the clock's rate as a crystal's, over tens of seconds: what bends it faster puts them behind it."""
_SLEW_STEP_PPB = 2_000
"""The rate changes by so much a second at most, for the same reason."""
STEP_US = 100_000
"""A larger error is stepped away when nothing is on air: slewing takes 50,000 times as long as it."""
_CORRECTION_S = 60
_BILLION = 1_000_000_000


class MediaClock:
    """The clock of one engine. `mono_ns` is CLOCK_MONOTONIC, `utc_ns` UTC since 1970, nanoseconds."""

    def __init__(self, mono_ns: int, media_us: int, read_ns: Callable[[], int] = time.monotonic_ns) -> None:
        """Show `media_us` at `mono_ns`; `read_ns` is CLOCK_MONOTONIC now."""
        self._read_ns = read_ns
        self._anchor_mono_ns = mono_ns
        self._anchor_media_ns = media_us * 1000
        self.slew_ppb = 0

    @classmethod
    def of_utc(cls) -> "MediaClock":
        """Return a clock that shows UTC."""
        return cls(time.monotonic_ns(), time.time_ns() // 1000)

    def media_us(self, mono_ns: int) -> int:
        """Return the media time at an instant of CLOCK_MONOTONIC."""
        return self._media_ns(mono_ns) // 1000

    def mono_ns(self, media_us: int) -> int:
        """Return the first nanosecond of CLOCK_MONOTONIC at which the clock shows `media_us`."""
        passed_ns = media_us * 1000 - self._anchor_media_ns
        return self._anchor_mono_ns - -passed_ns * _BILLION // (_BILLION + self.slew_ppb)

    def now_us(self) -> int:
        """Return the media time now."""
        return self.media_us(self._read_ns())

    def set(self, mono_ns: int, media_us: int, slew_ppb: int = 0) -> None:
        """Show `media_us` at `mono_ns`: a step, for a clock handed on while nothing is on air."""
        self._anchor_mono_ns, self._anchor_media_ns, self.slew_ppb = mono_ns, media_us * 1000, slew_ppb

    def follow(self, mono_ns: int, utc_ns: int, on_air: bool) -> bool:
        """Bend the clock towards UTC, given one instant in both, about once a second. True: it stepped."""
        media_ns = self._media_ns(mono_ns)
        error_ns = utc_ns - media_ns
        if abs(error_ns) > STEP_US * 1000 and not on_air:
            self.set(mono_ns, utc_ns // 1000)
            return True
        self._anchor_mono_ns, self._anchor_media_ns = mono_ns, media_ns
        wanted_ppb = max(-MAX_SLEW_PPB, min(MAX_SLEW_PPB, error_ns // _CORRECTION_S))
        change_ppb = max(-_SLEW_STEP_PPB, min(_SLEW_STEP_PPB, wanted_ppb - self.slew_ppb))
        self.slew_ppb += change_ppb
        return False

    def _media_ns(self, mono_ns: int) -> int:
        passed_ns = mono_ns - self._anchor_mono_ns
        return self._anchor_media_ns + passed_ns * (_BILLION + self.slew_ppb) // _BILLION
