"""Wakes for each block of the media clock: in time, once a block, catching up or skipping after an overload.

A block is begun so early that nearly always its last packet leaves by its instant: in a small village some
hundreds of microseconds, with a thousand members milliseconds. What that takes is learned from the blocks before.

asyncio's own timers round up to a millisecond; a timer of the kernel (timerfd) wakes to some tens of
microseconds.
"""

import asyncio
import ctypes
import os
import time
from typing import Any

from controller.engine.mediaclock import MediaClock

LATE_US = 5_000
"""A frame whose last packet leaves later than this after its media instant counts as late."""
_MOST_EARLY_SHARE = 2
"""A block begins at most this part of its length early: a live source is heard later by as much."""
_RAISE_US = 98
_LOWER_US = 2
"""What the estimate moves by: it comes to rest where 2 blocks of 100 take longer."""
_CLOCK_MONOTONIC = 1
_ABSOLUTE = 1


class _Timespec(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]


class _Interval(ctypes.Structure):
    _fields_ = [("period", _Timespec), ("expiry", _Timespec)]


_libc = ctypes.CDLL(None, use_errno=True)


class Alarm:
    """One timer of the kernel; asyncio waits for it as for a socket."""

    def __init__(self) -> None:
        self._fd = _libc.timerfd_create(_CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create failed")
        self._loop = asyncio.get_running_loop()
        self._rang: asyncio.Future[None] | None = None
        self._loop.add_reader(self._fd, self._on_readable)

    async def wait_until(self, mono_ns: int) -> None:
        """Return when CLOCK_MONOTONIC is `mono_ns` or later; at once when it already is."""
        if time.monotonic_ns() >= mono_ns:
            await asyncio.sleep(0)  # the rest of the loop gets its turn even while we catch up
            return
        seconds, nanoseconds = divmod(mono_ns, 1_000_000_000)
        setting = _Interval(_Timespec(0, 0), _Timespec(seconds, nanoseconds))
        self._rang = self._loop.create_future()
        if _libc.timerfd_settime(self._fd, _ABSOLUTE, ctypes.byref(setting), None) < 0:
            raise OSError(ctypes.get_errno(), "timerfd_settime failed")
        await self._rang

    def close(self) -> None:
        """Free the timer."""
        self._loop.remove_reader(self._fd)
        os.close(self._fd)

    def _on_readable(self) -> None:
        os.read(self._fd, 8)
        if self._rang and not self._rang.done():
            self._rang.set_result(None)


class Pacer:
    """The grid of blocks of one length: whole multiples of `frame_us` of the media clock.

    patience_us: how far behind a block may be and still be worth sending; older ones are skipped.
    """

    def __init__(self, clock: MediaClock, frame_us: int, patience_us: int, alarm: Any = None) -> None:
        self.next_us = 0
        """Media time of the next block."""
        self.late_frames = 0
        self.skipped_blocks = 0
        self.early_us = 0
        """How long before its instant a block is begun."""
        self._begun_us = 0
        self._worst_us = 0
        self._clock = clock
        self._frame_us = frame_us
        self.patience_us = patience_us
        self._alarm = alarm or Alarm()
        self.restart()

    def upcoming_us(self) -> int:
        """Return the media time of the first block that has not begun yet."""
        return (self._clock.now_us() // self._frame_us + 1) * self._frame_us

    def restart(self) -> None:
        """Begin with the upcoming block, after a pause in which nothing was on air."""
        self.next_us = self.upcoming_us()

    async def next_block(self) -> int:
        """Wait until the next block shall be begun and return its media time."""
        behind_us = self._clock.now_us() - self.next_us
        if behind_us > self.patience_us:
            skip = (behind_us - self.patience_us) // self._frame_us + 1
            self.skipped_blocks += skip
            self.next_us += skip * self._frame_us
        media_us = self.next_us
        await self._alarm.wait_until(self._clock.mono_ns(media_us - self.early_us))
        self._begun_us = self._clock.now_us()
        self.next_us = media_us + self._frame_us
        return media_us

    def done(self, media_us: int, frames: int) -> None:
        """Take note that the last packet of the `frames` frames at `media_us` has left."""
        now_us = self._clock.now_us()
        self.early_us += _RAISE_US if now_us - self._begun_us > self.early_us else -_LOWER_US
        self.early_us = max(0, min(self.early_us, self._frame_us // _MOST_EARLY_SHARE))
        lateness_us = now_us - media_us
        self._worst_us = max(self._worst_us, lateness_us)
        if lateness_us > LATE_US:
            self.late_frames += frames

    def take_worst_us(self) -> int:
        """Return the greatest lateness since the last call."""
        worst_us, self._worst_us = self._worst_us, 0
        return worst_us

    def close(self) -> None:
        """Free the timer."""
        self._alarm.close()
