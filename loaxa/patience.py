"""Waiting that Ctrl-C and SIGTERM end, so that what was begun is finished or given back in between."""

import signal
import time
from types import FrameType, TracebackType
from typing import Any

_STEP_S = 0.05


class StopError(Exception):
    """Ctrl-C or SIGTERM."""


class Patience:
    """Waits within its with block. Requests are not broken off: a session whose id is not known cannot be stopped."""

    def __init__(self) -> None:
        self._stopped = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Patience":
        self._before = {number: signal.signal(number, self._stop) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def now_s(self) -> float:
        """Return CLOCK_MONOTONIC, seconds."""
        return time.monotonic()

    def wait_until(self, until_s: float) -> None:
        """Return at `until_s` of :meth:`now_s`, at once where that is over; raises StopError."""
        while True:
            if self._stopped:
                raise StopError
            left_s = until_s - self.now_s()
            if left_s <= 0.0:
                return
            time.sleep(min(left_s, _STEP_S))

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopped = True
