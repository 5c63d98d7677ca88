"""An event loop without a clock of its own: time is the time of the next thing that happens.

What is due at the same nanosecond happens in the order in which it was asked for, so a run repeats itself.
"""

import asyncio
import contextvars
import heapq
from collections import deque
from collections.abc import Callable
from typing import Any

_NS = 1_000_000_000
_Args = tuple[Any, ...]


class _Ready:
    """A callback for the present instant."""

    __slots__ = ("args", "callback", "cancelled", "context")

    def __init__(self, callback: Callable[..., Any], args: _Args, context: contextvars.Context) -> None:
        self.callback = callback
        self.args = args
        self.context = context
        self.cancelled = False

    def cancel(self) -> None:
        """Leave it out."""
        self.cancelled = True


class VirtualLoop(asyncio.BaseEventLoop):
    """`now_ns` is true time, nanoseconds; `begin_ns` where it begins."""

    def __init__(self, begin_ns: int = 0) -> None:
        super().__init__()
        self.now_ns = begin_ns
        self._due: list[tuple[int, int, Callable[..., Any], _Args]] = []
        self._order = 0
        self._stop_asked = False
        self._soon: deque[_Ready] = deque()

    def at_ns(self, when_ns: int, call: Callable[..., Any], *args: Any) -> None:
        """Call `call` at `when_ns`, or as soon as possible where that has passed. Cannot be called off."""
        self._order += 1
        heapq.heappush(self._due, (when_ns, self._order, call, args))

    async def sleep_until_ns(self, when_ns: int) -> None:
        """Return at `when_ns`."""
        future = self.create_future()
        self.at_ns(when_ns, wake, future)
        await future

    # ---- what asyncio asks of a loop ----

    def time(self) -> float:
        """Return true time, seconds."""
        return self.now_ns / _NS

    def call_soon(  # type: ignore[override] # asyncio's own are generic over the arguments
        self, callback: Callable[..., Any], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.Handle:
        """As asyncio's, without its checks: every wake-up of a task comes by here."""
        handle = _Ready(callback, args, context or contextvars.copy_context())
        self._soon.append(handle)
        return handle  # type: ignore[return-value] # all that anybody asks of it is cancel()

    def call_at(  # type: ignore[override] # as call_soon
        self, when: float, callback: Callable[..., Any], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        """As asyncio's."""
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self.at_ns(max(round(when * _NS), self.now_ns), _run_timer, handle)
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Nothing to do: it is left out when its time comes."""

    def add_reader(self, fd: Any, callback: Callable[..., Any], *args: Any) -> None:  # type: ignore[override] # as call_soon
        """Have `fd`, an object of the simulation, call back when something has come."""
        fd.on_readable = lambda: callback(*args)

    def remove_reader(self, fd: Any) -> bool:
        """Undo :meth:`add_reader`."""
        fd.on_readable = None
        return True

    def stop(self) -> None:
        """End :meth:`run_forever` after what is happening now."""
        self._stop_asked = True

    def run_forever(self) -> None:
        """Let happen what is due, instant after instant. Raises what a callback raised, RuntimeError when nothing
        is left to happen."""
        ready, due = self._soon, self._due
        self._stop_asked = False
        asyncio._set_running_loop(self)
        try:
            while not self._stop_asked:
                while ready:
                    handle = ready.popleft()
                    if not handle.cancelled:
                        handle.context.run(handle.callback, *handle.args)
                if self._stop_asked:
                    break
                if not due:
                    raise RuntimeError("nothing is left to happen in virtual time")
                when_ns, _, call, args = heapq.heappop(due)
                self.now_ns = max(self.now_ns, when_ns)
                call(*args)
        finally:
            asyncio._set_running_loop(None)

    def is_running(self) -> bool:
        """Return whether it runs."""
        return asyncio._get_running_loop() is self

    def close(self) -> None:
        """Drop what has not happened."""
        self._due.clear()
        super().close()


def wake(future: asyncio.Future[None]) -> None:
    """Let who awaits `future` go on, if anybody still does."""
    if not future.done():
        future.set_result(None)


def _run_timer(handle: asyncio.TimerHandle) -> None:
    if not handle._cancelled:
        handle._run()
