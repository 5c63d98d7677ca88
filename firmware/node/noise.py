"""What an exchange is worth: how far those err that took so much longer than the quickest, learned as they come.

On a path with queues the quick ones are right and the slow ones are not; where delays scatter evenly, as on a
loaded radio link, a quick round trip says nothing and all count alike. Which it is shows in the errors of the
exchanges themselves, so they are sorted by how long they took and each class learns its own variance.
"""

_BOUNDS = (2, 6, 12)
"""Of the classes, in eighths of the usual excess over the least round trip."""
CLASSES = len(_BOUNDS) + 1
_MEMORY = 128
"""Exchanges after which a class forgets."""
_PRIOR = 6
"""What was guessed from the first whole burst counts as much as so many exchanges."""
_QUEUE = 3.0
"""Where the queue begins, in usual excesses: even jitter hardly reaches it."""
_RISE, _FALL = 0.06, 0.3
"""How fast the usual excess follows: a queue that lasts must not become the usual one at once."""
_YOUNG = 8
_ENOUGH = 6
"""Of so many bursts with so many answers the quietest tells the usual excess."""
_FLOOR_SHIFT = 6
"""The least round trip rises by 1/64 a burst: a route may become longer."""
_LEAST_SD_US = 20.0


class Noise:
    """Learns from bursts; times and errors in microseconds."""

    def __init__(self):
        self.least_us = None
        self._usual_us = 0.0
        self._variance = None
        self._count = [_PRIOR] * CLASSES
        self._whole = 0

    def begin(self, bursts):
        """Take a burst's round trips into account before its exchanges are classed.

        Return by how much all that came before may have been off: it had waited where this burst did not.
        """
        trips = sorted(bursts.trip_us[: bursts.replies])
        before_us = trips[0] if self.least_us is None else self.least_us
        self.least_us = min(trips[0], before_us + (before_us >> _FLOOR_SHIFT) + 1)
        usual_us = float(trips[len(trips) // 2] - self.least_us)
        if self._variance is None:
            self._usual_us = usual_us
            self._variance = [self._first_guess(bursts)] * CLASSES
        if self._whole < _YOUNG:
            # What is usual shows within a burst: a queue is the same for all of it. A few answers may agree by chance.
            if len(trips) >= _ENOUGH:
                if not self._whole:
                    self._variance = [self._first_guess(bursts)] * CLASSES
                    self._count = [_PRIOR] * CLASSES
                local_us = float(trips[len(trips) // 2] - trips[0])
                self._usual_us = min(self._usual_us, local_us) if self._whole else local_us
                self._whole += 1
        else:
            more_us = usual_us - self._usual_us
            self._usual_us += min(more_us, self._usual_us + 1.0) * _RISE if more_us > 0 else more_us * _FALL
        return self.queue_us(before_us)

    def _first_guess(self, bursts):
        offsets = bursts.offset_us[: bursts.replies]
        mean = sum([offset_us - offsets[0] for offset_us in offsets]) / len(offsets) + offsets[0]
        spread = sum([(offset_us - mean) ** 2 for offset_us in offsets]) / len(offsets)
        if len(offsets) < _ENOUGH:  # they may agree by chance
            spread += (self.least_us * 0.25) ** 2
        return max(spread * 2.0, _LEAST_SD_US * _LEAST_SD_US)

    def class_of(self, trip_us):
        """Return the class of an exchange."""
        eighths = (trip_us - self.least_us) * 8.0
        number = 0
        for bound in _BOUNDS:
            if eighths > bound * self._usual_us:
                number += 1
        return number

    def queue_us(self, trip_us):
        """Return how far waiting in a queue may have put an exchange off: half of what it took too long."""
        return max(trip_us - self.least_us - _QUEUE * self._usual_us, 0.0) * 0.5

    def variance(self, trip_us):
        """Return the variance of the error of an exchange, its waiting in a queue left out."""
        if not self._whole:  # what is usual is not known yet
            return self._variance[self.class_of(trip_us)]
        # None errs by more than half of what it took too long, and by the usual excess the least may be too much.
        bound_us = (trip_us - self.least_us) * 0.5 + self._usual_us + _LEAST_SD_US
        return min(self._variance[self.class_of(trip_us)], bound_us * bound_us)

    def learn(self, number, error_us, known_variance):
        """An exchange of this class was off by `error_us` from what was expected, itself off by `known_variance`."""
        before = self._variance[number]
        # One that is far out moves the class no further than a few of the usual ones do.
        square = min(max(error_us * error_us - known_variance, 0.0), 16.0 * before)
        count = min(self._count[number] + 1, _MEMORY)
        self._count[number] = count
        self._variance[number] = max(before + (square - before) / count, _LEAST_SD_US * _LEAST_SD_US)
