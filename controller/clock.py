"""The clocks of the controller. They are never mixed: an anchor maps one to another, a name's unit says which it is.

`wall_us` is UTC since 1970. `mono_us` is CLOCK_MONOTONIC. `media_us` is the media clock that nodes follow.
"""

import time
from dataclasses import dataclass


def mono_us() -> int:
    """Return CLOCK_MONOTONIC in microseconds."""
    return time.monotonic_ns() // 1000


def wall_us() -> int:
    """Return UTC in microseconds since 1970."""
    return time.time_ns() // 1000


@dataclass(frozen=True)
class Anchor:
    """The media clock showed `media_us` when CLOCK_MONOTONIC showed `mono_us`, and ran `slew_ppb` faster than it."""

    mono_us: int
    media_us: int
    slew_ppb: int = 0

    def media_at(self, at_mono_us: int) -> int:
        """Return the media time at `at_mono_us`."""
        passed_us = at_mono_us - self.mono_us
        return self.media_us + passed_us + passed_us * self.slew_ppb // 1_000_000_000
