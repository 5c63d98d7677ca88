"""Puts RTP packets back into order, waiting a little for a missing one. No I/O, no clock."""

from typing import Generic, TypeVar

T = TypeVar("T")

_WRAP = 1 << 16
_LATE_BEFORE_RESET = 8


class ReorderBuffer(Generic[T]):
    """Takes items with 16-bit sequence numbers, gives them back in order; what is in order is not held.

    max_held: items held at most while one is missing. wait_us: how long a missing one is waited for.
    late: count of items that came after their turn, duplicates included.
    """

    def __init__(self, max_held: int = 8, wait_us: int = 40_000) -> None:
        self._max_held = max_held
        self._wait_us = wait_us
        self._expected: int | None = None
        self._held: dict[int, tuple[int, T]] = {}
        self._late_in_a_row = 0
        self.late = 0

    def push(self, sequence: int, item: T, now_us: int) -> list[tuple[int, T]]:
        """Take an item; return those whose turn it is, each with the number of items lost right before it."""
        if self._expected is None:
            self._expected = sequence
        ahead = (sequence - self._expected) % _WRAP
        if ahead >= _WRAP // 2 or sequence in self._held:
            self.late += 1
            self._late_in_a_row += 1
            if self._late_in_a_row < _LATE_BEFORE_RESET:
                return []
            self._held.clear()  # not late: the sender began to count anew
            self._expected = sequence
        self._late_in_a_row = 0
        self._held[sequence] = (now_us, item)
        return self.poll(now_us)

    def poll(self, now_us: int) -> list[tuple[int, T]]:
        """Return the items whose turn has come by now."""
        ready: list[tuple[int, T]] = []
        lost = 0
        while self._held:
            assert self._expected is not None
            if self._expected not in self._held:
                oldest_us = min(arrived_us for arrived_us, _ in self._held.values())
                if len(self._held) <= self._max_held and now_us - oldest_us < self._wait_us:
                    break
                expected = self._expected
                nearest = min(self._held, key=lambda sequence: (sequence - expected) % _WRAP)
                lost += (nearest - expected) % _WRAP
                self._expected = nearest
            _, item = self._held.pop(self._expected)
            ready.append((lost, item))
            lost = 0
            self._expected = (self._expected + 1) % _WRAP
        return ready
