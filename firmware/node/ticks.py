"""Local time that does not wrap, from a counter that does."""


class Unwrapper:
    """Turns ticks modulo `period` (a power of two) into ever-growing `local_us`.

    It must see a tick at least every half period (9 minutes of 2^30 us); stamps up to half a period old are
    fine.
    """

    def __init__(self, period):
        self._mask = period - 1
        self._half = period >> 1
        self._ticks = None
        self._local_us = 0

    def local_us(self, ticks):
        """Return the local microseconds of `ticks`; the first one seen is its own value."""
        if self._ticks is None:
            self._ticks = ticks
            self._local_us = ticks
        delta = ((ticks - self._ticks + self._half) & self._mask) - self._half
        local_us = self._local_us + delta
        if delta > 0:
            self._ticks = ticks
            self._local_us = local_us
        return local_us
