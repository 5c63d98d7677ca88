"""A source that runs in a child: its events, its end."""

import asyncio
import contextlib
import logging
from collections.abc import Callable

from . import events
from .errors import IngestError
from .events import Ended, Event, Failed, Final, Position, Started, Stopped
from .request import MicrophoneRequest, Playable
from .worker import Worker

log = logging.getLogger(__name__)

OnEvent = Callable[[Event], None]


class Ingest:
    """A running source. Made by IngestPool.start.

    request: what it plays. position_us, dropped_us: as in the last Position.
    final: how it ended, None while it runs.
    """

    def __init__(
        self, request: Playable | MicrophoneRequest, worker: Worker, on_event: OnEvent | None, hang_s: float
    ) -> None:
        self.request = request
        self.position_us = getattr(request, "start_us", 0)
        self.dropped_us = 0
        self.final: Final | None = None
        self._worker = worker
        self._on_event = on_event
        self._hang_s = hang_s
        self._opened = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name=f"ingest {request.kind} {worker.pid}")

    @property
    def pid(self) -> int:
        """Process id of the child."""
        return self._worker.pid

    def when_done(self, call: Callable[["Ingest"], None]) -> None:
        """Have `call` called with this source when it has ended."""
        self._task.add_done_callback(lambda _task: call(self))

    async def wait_started(self) -> None:
        """Return when the source is open; raises IngestError when it failed or ended before that."""
        await self._opened.wait()
        if isinstance(self.final, Failed):
            raise IngestError(self.final.code, self.final.text)

    async def wait(self) -> Final:
        """Return how the source ended, when it has."""
        await asyncio.shield(self._task)
        assert self.final is not None
        return self.final

    async def stop(self) -> Final:
        """End the source at once; what is in the pipe already stays there. Returns how it ended."""
        if self.final is None:
            self.final = Stopped()
            await self._worker.kill()
        return await self.wait()

    async def _run(self) -> None:
        final = await self._listen()
        await self._worker.kill()
        if self.final is None:
            self.final = final
        if isinstance(self.final, Failed):
            log.warning("source %s failed: %s (%s)", self.request.kind, self.final.text, self.final.code)
        self._opened.set()
        self._emit(self.final)

    async def _listen(self) -> Final:
        try:
            async with contextlib.aclosing(self._worker.messages(self._hang_s)) as messages:
                async for message in messages:
                    if message["event"] == "beat" and _busy_s(message) > self._hang_s:
                        return _HUNG
                    event = events.to_event(message)
                    if isinstance(event, Ended | Failed):
                        return event
                    if event is not None:
                        self._note(event)
        except TimeoutError:
            return _HUNG
        return await self._worker.autopsy()

    def _note(self, event: Event) -> None:
        if isinstance(event, Started):
            self._opened.set()
        elif isinstance(event, Position):
            self.position_us = max(self.position_us, event.position_us)
            self.dropped_us = event.dropped_us
        self._emit(event)

    def _emit(self, event: Event) -> None:
        if self._on_event is None:
            return
        try:
            self._on_event(event)
        except Exception:  # a listener's mistake must not end the source
            log.exception("a listener of source %s failed", self.request.kind)


_HUNG = Failed("hung", "the source's process did not answer any more and was ended; try again, or another file")


def _busy_s(message: dict[str, object]) -> float:
    value = message.get("busy_s")
    return float(value) if isinstance(value, int | float) else 0.0
