"""When a condition has lasted long enough to be an alert, or to be over. No clock of its own."""

from collections import deque

FLAPS = 4
FLAPS_US = 600_000_000


class Hold:
    """One condition of one node. raised: whether it is an alert; `see` says when that changes.

    since_us: when what holds now began.
    """

    __slots__ = ("_bad", "_begins", "raised", "since_us")

    def __init__(self, raised: bool = False) -> None:
        self.raised = raised
        self.since_us = 0
        self._bad: bool | None = None
        self._begins: deque[int] = deque(maxlen=FLAPS)

    @property
    def bad(self) -> bool:
        """Whether the condition holds, long enough or not."""
        return self.raised or self._bad is True

    @property
    def restless(self) -> bool:
        """Whether it began FLAPS times within FLAPS_US."""
        return len(self._begins) == FLAPS and self._begins[-1] - self._begins[0] <= FLAPS_US

    def see(self, bad: bool | None, now_us: int, raise_us: int, clear_us: int, flaps: bool = False) -> bool:
        """Take what is so now, None for what cannot be known; return True when `raised` changes by it.

        flaps: what begins again and again is an alert though it never lasts.
        """
        if bad != self._bad:
            self.since_us = now_us
            self._bad = bad
            if bad and flaps:
                self._begins.append(now_us)
        lasted_us = now_us - self.since_us
        if bad is True and not self.raised and (lasted_us >= raise_us or (flaps and self.restless)):
            self.raised = True
            return True
        if bad is False and self.raised and lasted_us >= clear_us:
            self.raised = False
            return True
        return False

    def due_us(self, raise_us: int, clear_us: int) -> int | None:
        """Return when to look again though nothing new is heard, or None."""
        if self._bad is True and not self.raised:
            return self.since_us + raise_us
        if self._bad is False and self.raised:
            return self.since_us + clear_us
        return None
