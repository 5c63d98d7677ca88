"""Stands in for an ESP32's ``time``: ticks wrap at 2^30 and run at the node's own crystal.

asyncio keeps the host's milliseconds (``machine`` sees to it): its C task queue reads them directly, and two clocks in
one queue would disorder it.
"""

# ruff: noqa: I001, F403 - the star first, so that our own names win over it
from utime import *
import utime

from _board import ppb as _ppb, settings as _settings

TICKS_PERIOD = 1 << 30
_MASK = TICKS_PERIOD - 1
_HALF = TICKS_PERIOD >> 1
_offset_us = _settings["ticks_offset_us"]


def ticks_of_mono_us(mono_us):
    """Return what the board's microsecond counter shows at CLOCK_MONOTONIC `mono_us`."""
    return (mono_us + mono_us * _ppb // 1000000000 + _offset_us) & _MASK


def ticks_us():
    """Microseconds of the board's crystal, modulo 2^30."""
    mono_us = utime.ticks_us()
    return (mono_us + mono_us * _ppb // 1000000000 + _offset_us) & _MASK


def ticks_ms():
    """Milliseconds of the board's crystal, modulo 2^30."""
    mono_us = utime.ticks_us()
    return (mono_us + mono_us * _ppb // 1000000000 + _offset_us) // 1000 & _MASK


def ticks_cpu():
    """The processor's counter; here microseconds."""
    return ticks_us()


def ticks_add(ticks, delta):
    """Return `ticks` moved by `delta`, modulo 2^30."""
    return (ticks + delta) & _MASK


def ticks_diff(end, start):
    """Return `end` - `start` as a signed number of half a period at most."""
    return ((end - start + _HALF) & _MASK) - _HALF
