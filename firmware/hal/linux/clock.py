"""The board's crystal as it is. CLOCK_MONOTONIC, which MicroPython's ticks_us() reads, is slewed by NTP, by several
percent at times: what a node may believe hangs on a counter that nobody turns."""

from array import array

import ffi

_CLOCK_MONOTONIC_RAW = 4
_clock_gettime = ffi.open("libc.so.6").func("i", "clock_gettime", "ip")
_now = array("l", [0, 0])


def raw_us():
    """Return CLOCK_MONOTONIC_RAW in microseconds."""
    _clock_gettime(_CLOCK_MONOTONIC_RAW, _now)
    return _now[0] * 1000000 + _now[1] // 1000
