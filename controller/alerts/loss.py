"""How much of what should have sounded a node did not have, from its counters. No clock of its own."""

from collections import deque

WINDOW_US = 60_000_000
LAST_US = 8_000_000
"""The newest stretch is at least so long: a node also reports whenever it goes on or off air."""
LEAST_FRAMES = 50
"""A second of sound: of less a share says nothing."""
MOST_SAMPLES = 64

_COUNTED = ("played", "lost", "late", "concealed")


class Loss:
    """The counters of one node over the last minute."""

    def __init__(self) -> None:
        self._samples: deque[tuple[int, tuple[int, ...]]] = deque(maxlen=MOST_SAMPLES)

    def add(self, now_us: int, counters: dict[str, int]) -> None:
        """Take the counters of a report; a node that has rebooted counts from zero again."""
        values = tuple(int(counters.get(name, 0)) for name in _COUNTED)
        if self._samples and any(new < old for new, old in zip(values, self._samples[-1][1], strict=True)):
            self._samples.clear()
        self._samples.append((now_us, values))
        while len(self._samples) > 2 and self._samples[1][0] <= now_us - WINDOW_US:
            self._samples.popleft()

    def minute(self) -> float | None:
        """Return the share of frames, 0 to 1, that did not sound as they were sent in the last minute.

        None where too little was on air to say.
        """
        return self._share(0)

    def last(self) -> float | None:
        """Return the same of the time between the last reports: what is so now."""
        for number in range(len(self._samples) - 2, -1, -1):
            if self._samples[-1][0] - self._samples[number][0] >= LAST_US:
                return self._share(number)
        return None

    def _share(self, first: int) -> float | None:
        if len(self._samples) < 2:
            return None
        began, ended = self._samples[first][1], self._samples[-1][1]
        played, lost, late, concealed = (new - old for new, old in zip(ended, began, strict=True))
        # One frame that came late is counted as late, as lost when its time came, and as concealed: once here.
        bad = max(lost, late, concealed)
        due = played + bad
        return bad / due if due >= LEAST_FRAMES else None
