"""What may be sent again: a share of what is sent anyway, and a little at once."""

from controller.engine.history import History

SHARE = 0.25
"""Of a stream's packets may be sent again to one member, over time."""
BURST = 40
"""Packets at once to one member: 0.8 s of a stream of 20 ms frames."""
MAX_TIMES = 3
"""How often a frame is sent again to one member."""


class Allowance:
    """A token bucket of at most `burst`, full at first; it gets `share` for each step of a count kept elsewhere."""

    def __init__(self, share: float, burst: float, count: int) -> None:
        self._share = share
        self._burst = burst
        self._count = count
        self._left = burst

    def has(self, count: int) -> bool:
        """Return whether one is left now that the count (packets, microseconds) has come to `count`."""
        self._left = min(self._burst, self._left + self._share * max(0, count - self._count))
        self._count = count
        return self._left >= 1.0

    def take(self) -> None:
        """Take one, which :meth:`has` said is left."""
        self._left -= 1.0


class Asker:
    """What one member has had again of the stream whose packets are in `history`."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._allowance = Allowance(SHARE, BURST, history.kept)
        self._times: dict[int, tuple[int, int]] = {}

    def has_had(self, frame_index: int, since_us: int) -> bool:
        """Return whether a frame was sent again after `since_us`: a request for it is a copy of the one before."""
        sent = self._times.get(frame_index)
        return sent is not None and sent[1] > since_us

    def take(self, frame_index: int, now_us: int) -> bool:
        """Return whether a frame that is in the history may be sent again at `now_us`, and take note that it is."""
        times = self._times.get(frame_index, (0, 0))[0]
        if times >= MAX_TIMES or not self._allowance.has(self._history.kept):
            return False
        self._allowance.take()
        self._times[frame_index] = times + 1, now_us
        if len(self._times) > 2 * self._history.capacity:
            oldest = self._history.oldest
            self._times = {index: sent for index, sent in self._times.items() if index >= oldest}
        return True
