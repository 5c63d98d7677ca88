"""The pool of children: some are kept warm, so that a source sounds at once."""

import asyncio
import contextlib
import logging
import os
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Any

from .errors import IngestError
from .events import Failed, to_event
from .loudness import Measured
from .request import MicrophoneRequest, Playable, PushRequest, SoundRequest
from .running import Ingest, OnEvent
from .worker import Worker

log = logging.getLogger(__name__)

HANG_S = 15.0
REFILL_DELAY_S = 1.0
"""A new warm child costs 0.3 s of processor; the source that took the last one shall sound first."""


class IngestPool:
    """Starts sources and measures files, each in a child of its own. Belongs to one event loop.

    warm: children kept ready, 0 for none. voices_folder: has Piper voices. hang_s: a child that is silent or
    busy with one block, for so long is ended.
    """

    def __init__(self, warm: int = 2, voices_folder: Path | None = None, hang_s: float = HANG_S) -> None:
        self._warm = warm
        self._voices_folder = voices_folder
        self._hang_s = hang_s
        self._idle: deque[Worker] = deque()
        self._running: set[Ingest] = set()
        self._spawning: set[asyncio.Task[Worker]] = set()
        self._closing = asyncio.Event()
        self._refill: asyncio.Task[None] | None = None
        self._measuring = asyncio.Semaphore(1)

    async def __aenter__(self) -> "IngestPool":
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def open(self) -> None:
        """Make the warm children; raises IngestError when none can be made."""
        while len(self._idle) < self._warm and not self._closing.is_set():
            self._idle.append(await self._spawn())

    async def close(self) -> None:
        """End all children, those with a source too."""
        self._closing.set()
        if self._refill is not None:
            await self._refill
        await asyncio.gather(*self._spawning, return_exceptions=True)
        await asyncio.gather(*(ingest.stop() for ingest in list(self._running)))
        await asyncio.gather(*(worker.kill() for worker in self._idle))
        self._idle.clear()

    async def start(self, request: Playable, write_fd: int, on_event: OnEvent | None = None) -> Ingest:
        """Start a source that writes into the pipe `write_fd`, and return it when its child has the job.

        Takes `write_fd` over: it is closed here whatever happens, so that the pipe's end is the source's end.
        Events go to `on_event` in the event loop, the last one is Ended, Stopped or Failed. Raises
        IngestError only when there is no child; a source that cannot be had says so by Failed.
        """
        if isinstance(request, SoundRequest | PushRequest | MicrophoneRequest):
            os.close(write_fd)
            raise TypeError(f"a request of kind {request.kind} is the controller's to resolve")
        voices = str(self._voices_folder) if self._voices_folder else None
        source = request.model_dump(mode="json")
        return await self._begin({"op": "play", "source": source, "voices": voices}, request, write_fd, on_event)

    async def answer(
        self, request: MicrophoneRequest, offer: str, open_at_us: int, write_fd: int, on_event: OnEvent
    ) -> Ingest:
        """Start a child that takes a WebRTC offer (SDP) and writes what it hears from local `open_at_us` on.

        Tells the answer by Answered, then what becomes of the line by Line. Otherwise as :meth:`start`.
        """
        job = {"op": "microphone", "offer": offer, "open_at_us": open_at_us}
        return await self._begin(job, request, write_fd, on_event)

    async def _begin(
        self, job: dict[str, Any], request: Playable | MicrophoneRequest, write_fd: int, on_event: OnEvent | None
    ) -> Ingest:
        try:
            worker = await self._employ(job, write_fd)
        finally:
            os.close(write_fd)
        ingest = Ingest(request, worker, on_event, self._hang_s)
        self._running.add(ingest)
        ingest.when_done(self._running.discard)
        return ingest

    async def measure(self, path: Path) -> Measured:
        """Return loudness, peak and length of a file, one file at a time; raises IngestError."""
        async with self._measuring:
            value = await self._ask({"op": "measure", "path": str(path.absolute())})
        try:
            return Measured(*(float(value[name]) for name in Measured.__slots__))
        except (KeyError, TypeError, ValueError):
            raise IngestError("crashed", "the measurement of this file went wrong; is the file broken?") from None

    async def sound_cards(self) -> list[dict[str, Any]]:
        """Return the sound inputs: name, host_api, channels, rate_hz, default; raises IngestError."""
        value = await self._ask({"op": "sound_cards"})
        return value if isinstance(value, list) else []

    async def _ask(self, job: dict[str, Any]) -> Any:
        worker = await self._employ(job, None)
        try:
            value = None
            async with contextlib.aclosing(worker.messages(self._hang_s)) as messages:
                async for message in messages:
                    if message["event"] == "result":
                        value = message.get("value")
                    elif message["event"] == "ended":
                        return value
                    elif isinstance(event := to_event(message), Failed):
                        raise IngestError(event.code, event.text)
            failed = await worker.autopsy()
            raise IngestError(failed.code, failed.text)
        except TimeoutError:
            raise IngestError("hung", "this file keeps its reader from answering; is it broken?") from None
        finally:
            await worker.kill()

    async def _employ(self, job: dict[str, Any], fd: int | None) -> Worker:
        """Return a child that has the job: a warm one that still lives, or a new one."""
        while True:
            fresh = not self._idle
            worker = self._idle.popleft() if self._idle else await self._spawn()
            try:
                if not fresh and not worker.alive:
                    raise ConnectionError("died while it waited")
                await worker.give(job, fd)
            except OSError as error:
                log.warning("a warm child is gone: %s", error)
                await worker.kill()
                if fresh:
                    raise IngestError("no_child", "the process for a source died at once; try again") from None
                continue
            self._refill_later()
            return worker

    async def _spawn(self) -> Worker:
        """Return a new child; when the caller is cancelled meanwhile, the child becomes a warm one."""
        task = asyncio.create_task(Worker.spawn())
        self._spawning.add(task)
        task.add_done_callback(self._spawning.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(self._adopt)
            raise

    def _adopt(self, task: asyncio.Task[Worker]) -> None:
        if not task.cancelled() and task.exception() is None:
            self._idle.append(task.result())

    def _refill_later(self) -> None:
        if self._refill is None or self._refill.done():
            self._refill = asyncio.create_task(self._refill_idle(), name="ingest refill")

    async def _refill_idle(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), REFILL_DELAY_S)
        try:
            await self.open()
        except IngestError as error:
            log.error("no warm child: %s", error.text)
