"""How long after its media time a frame arrives: the usual, its scatter, and the tail that a lead must hold."""

_SETTLE = 64
"""Arrivals over which the means are taken."""
_LATE_SHARE = 0.005
"""Of the arrivals lie beyond the tail."""


class Arrivals:
    """Means of one stream's transits, microseconds; None before its first arrival."""

    def __init__(self):
        self.restart()

    def restart(self):
        """Another stream begins, or another clock."""
        self._count = 0
        self.usual_us = None
        self.scatter_us = 0.0
        self.tail_us = None

    def put(self, transit_us):
        """A frame arrived unasked, so long after its media time."""
        if self.usual_us is None:
            self.usual_us = self.tail_us = float(transit_us)
            return
        self._count = min(self._count + 1, _SETTLE)
        away_us = transit_us - self.usual_us
        # The means of RFC 6298, over more.
        self.usual_us += away_us / self._count if self._count < 8 else away_us / _SETTLE
        away_us = away_us if away_us > 0 else -away_us
        self.scatter_us += (away_us - self.scatter_us) / (self._count if self._count < 8 else _SETTLE)
        # Comes to rest where one in 200 is later (as the pacer's estimate, controller/engine/pacer.py).
        step_us = self.scatter_us * 0.25
        self.tail_us += step_us if transit_us > self.tail_us else -step_us * _LATE_SHARE
        least_us = self.usual_us + 2.0 * self.scatter_us
        self.tail_us = max(self.tail_us, least_us)
