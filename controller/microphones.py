"""Microphones: the sessions in which somebody speaks, whose connections come and go.

The session's pipe is held open here, for as long as the session lasts; each connection (WebRTC in a child, or a
WebSocket) writes into it while it lives. When the line goes down, the mix is without it at once, and it has the
session's grace to come back, by itself or as a new connection.
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from functools import lru_cache
from typing import Any

import numpy as np

from controller.broadcasts import Broadcasts
from controller.clock import mono_us
from controller.errors import ConflictError, UnavailableError, UnusableError
from controller.ingest.chime import blocks
from controller.ingest.errors import IngestError
from controller.ingest.events import Answered, Ended, Event, Failed, Line
from controller.ingest.pool import IngestPool
from controller.ingest.request import ChimeRequest, MicrophoneRequest
from controller.ingest.running import Ingest
from controller.pushed import SampleFormat, to_f32
from controller.sources import PUSH_PIPE_BYTES, RunningSource, make_pipe
from controller.storage.tables import Session

log = logging.getLogger(__name__)

ANSWER_S = 8.0
CONNECT_S = 15.0
"""So long has a connection that was accepted until something comes by it: a child gives up before."""
QUIET_S = 1.0
"""Without a sample for so long a WebSocket's line is down; a WebRTC peer's is so too (controller.ingest.microphone)."""
AHEAD_MS = 60
"""Of the chime, in the pipe and the engine's buffer: what waits there when a timer is late."""
_STEP_MS = 20
_SAMPLES_PER_MS = 48
_SAMPLE_BYTES = 4
_ATOMIC_BYTES = 4096
LOST = "the connection to the microphone was lost"
LEFT = "the speaker left"
ENDED = "the speaker ended it"
REFUSED = "the speaker may not speak any more"


class Microphone:
    """The input of one session. over: called with why, when nobody is waited for any more."""

    def __init__(self, request: MicrophoneRequest, pool: IngestPool) -> None:
        self.request = request
        self.over: Callable[[str], None] = lambda why: None
        self._pool = pool
        self._read_fd, self._write_fd = make_pipe(PUSH_PIPE_BYTES)
        os.set_blocking(self._write_fd, False)
        self._child: Ingest | None = None
        self._pouring: asyncio.Event | None = None
        self._open_at_us = 0
        self._chiming: asyncio.Task[None] | None = None
        self._guard: asyncio.Task[None] | None = None
        self._patience: asyncio.TimerHandle | None = None
        self._stopping: set[asyncio.Task[Any]] = set()

    @property
    def speak_after_ms(self) -> int:
        """For how long the chime still sounds."""
        return max(0, (self._open_at_us - mono_us()) // 1000)

    @property
    def is_lost(self) -> bool:
        """Whether there is no connection, and one is waited for."""
        return self._child is None and self._pouring is None and self._patience is not None

    async def run(self, failed: Callable[[str], None]) -> RunningSource:
        """Begin: the chime sounds. Returns the source, whose pipe's reading end is the caller's."""
        del failed  # a line that is lost may come back
        read_fd, self._read_fd = self._read_fd, -1
        if self.request.chime is not None:
            samples = _chime(self.request.chime)
            begun_us = mono_us()
            self._open_at_us = begun_us + len(samples) // _SAMPLE_BYTES * 1000 // _SAMPLES_PER_MS
            self._chiming = asyncio.create_task(self._chime(samples, begun_us), name="chime")
        self._wait(CONNECT_S, LOST)
        return RunningSource(read_fd, microphone=self)

    async def connect(self, offer: str) -> str:
        """Return the answer to a WebRTC offer; what comes by it takes the place of what came before.

        Raises UnusableError for an offer that cannot be taken, UnavailableError without a child for it, ConflictError
        when the session is over.
        """
        self._check()
        if self._patience is not None:  # who asks within the grace is in time, however long the answer takes
            self._wait(CONNECT_S + self.request.grace_s, LOST)
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        child: Ingest | None = None

        def hear(event: Event) -> None:
            if not answer.done():
                if isinstance(event, Answered):
                    answer.set_result(event.sdp)
                elif isinstance(event, Failed):
                    answer.set_exception(UnusableError(event.code, *_words(event)))
            elif child is not None and child is self._child:
                self._follow(event)

        ahead_us = (AHEAD_MS - _STEP_MS) * 1000
        try:
            child = await self._pool.answer(
                self.request, offer, self._open_at_us - ahead_us, os.dup(self._write_fd), hear
            )
        except IngestError as error:
            raise UnavailableError("no_source", error.message, error.hint) from None
        try:
            async with asyncio.timeout(ANSWER_S):
                sdp = await answer
            self._check()
        except TimeoutError:
            self._stop(child)
            raise UnavailableError("no_answer", "The offer was not answered in time.", "Try again.") from None
        except BaseException:
            self._stop(child)
            raise
        self._replace(child)
        if child.final is None:
            self._wait(CONNECT_S, LOST)
        else:  # it died between its answer and now
            self._lost(LOST)
        return sdp

    async def pour(self, chunks: AsyncIterator[bytes], sample_format: SampleFormat) -> None:
        """Write samples as they come, until they end or another connection takes over; what does not fit is dropped.

        Each chunk has whole samples. Raises ConflictError when the session is over.
        """
        self._check()
        self._replace(None)
        taken_over = self._pouring = asyncio.Event()
        self._wait(CONNECT_S, LOST)
        async for chunk in chunks:
            if taken_over.is_set() or self._write_fd < 0:
                return
            if chunk:
                self._wait(QUIET_S + self.request.grace_s, LOST)
            if mono_us() >= self._open_at_us - (AHEAD_MS - _STEP_MS) * 1000:
                self._drop_or_write(to_f32(chunk, sample_format))
        if self._pouring is taken_over:
            self._pouring = None
            self._lost(LOST)

    def hang_up(self) -> None:
        """The speaker has ended it."""
        self.over(ENDED)

    def guard(self, refused: Coroutine[Any, Any, None]) -> None:
        """End the session when `refused` returns: who speaks may not any more. Whoever spoke before may go."""

        async def wait() -> None:
            await refused
            self.over(REFUSED)

        if self._write_fd < 0:
            refused.close()
            return
        self._end_guard()
        self._guard = asyncio.create_task(wait(), name="guard")

    async def close(self) -> None:
        """The session is over: no child of it is left when this returns."""
        write_fd, self._write_fd = self._write_fd, -1
        self._replace(None)
        if self._chiming is not None:
            self._chiming.cancel()
        for fd in (self._read_fd, write_fd):
            if fd >= 0:
                os.close(fd)
        self._read_fd = -1
        await asyncio.gather(*self._stopping, return_exceptions=True)

    def _check(self) -> None:
        if self._write_fd < 0:
            raise ConflictError("over", "This session is over.", "Start another one.")

    def _replace(self, child: Ingest | None) -> None:
        old, self._child = self._child, child
        if old is not None:
            self._stop(old)
        if self._pouring is not None:
            self._pouring.set()
            self._pouring = None
        self._end_patience()
        self._end_guard()

    def _follow(self, event: Event) -> None:
        if isinstance(event, Line):
            if event.up:
                self._end_patience()
            else:
                self._lost(LOST)
        elif isinstance(event, Ended | Failed):
            if isinstance(event, Failed):
                log.info("a microphone: %s", event.text)
            self._child = None
            # Also who closed the connection in order may only have lost the page.
            self._lost(LEFT if isinstance(event, Ended) else LOST)

    def _lost(self, why: str) -> None:
        self._wait(self.request.grace_s, why)

    def _wait(self, seconds: float, why: str) -> None:
        self._end_patience()
        if self._write_fd >= 0:
            self._patience = asyncio.get_running_loop().call_later(seconds, lambda: self.over(why))

    def _end_patience(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _end_guard(self) -> None:
        if self._guard is not None:
            self._guard.cancel()
            self._guard = None

    async def _chime(self, samples: bytes, begun_us: int) -> None:
        """Write the chime at the pace at which it is played, a little ahead."""
        step = _STEP_MS * _SAMPLES_PER_MS * _SAMPLE_BYTES
        for number, start in enumerate(range(0, len(samples), step)):
            due_us = begun_us + (number * _STEP_MS - AHEAD_MS) * 1000
            await asyncio.sleep(max(0, due_us - mono_us()) / 1e6)
            self._drop_or_write(samples[start : start + step])

    def _drop_or_write(self, data: bytes) -> None:
        with contextlib.suppress(BlockingIOError, BrokenPipeError):
            for start in range(0, len(data), _ATOMIC_BYTES):
                if self._write_fd >= 0:
                    os.write(self._write_fd, data[start : start + _ATOMIC_BYTES])

    def _stop(self, child: Ingest) -> None:
        task = asyncio.create_task(child.stop(), name="stop a microphone")
        self._stopping.add(task)
        task.add_done_callback(self._stopping.discard)


class Microphones:
    """Begins sessions in which somebody speaks, and gives them new connections."""

    def __init__(self, pool: IngestPool, broadcasts: Broadcasts) -> None:
        self._pool = pool
        self._broadcasts = broadcasts

    async def begin(
        self, request: MicrophoneRequest, zones: list[str], priority: int, account: str | None
    ) -> tuple[Session, Microphone]:
        """Put a microphone on air, to be connected, and return its session; raises what Broadcasts.begin does."""
        microphone = Microphone(request, self._pool)
        try:
            session = await self._broadcasts.begin(request, zones, priority, 0.0, account=account, run=microphone.run)
        except BaseException:
            await microphone.close()
            raise
        microphone.over = lambda why: self._broadcasts.end_soon(session.id, why)
        return session, microphone

    def of(self, session_id: str) -> Microphone:
        """Return the microphone of a session; raises ConflictError when it has none, or is over."""
        found = self._broadcasts.microphone_of(session_id)
        assert isinstance(found, Microphone)
        return found


@lru_cache
def _chime(name: Any) -> bytes:
    return np.concatenate(list(blocks(ChimeRequest(name=name, gain_db=0.0)))).astype("<f4").tobytes()


def _words(failed: Failed) -> tuple[str, str]:
    error = IngestError(failed.code, failed.text)
    return error.message, error.hint
