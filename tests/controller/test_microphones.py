"""The input of one session, apart from the rest of the controller: a real child, a real peer, a real pipe."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
from aiortc import RTCSessionDescription

from controller.errors import ConflictError, UnusableError
from controller.ingest.pool import IngestPool
from controller.ingest.request import MicrophoneRequest
from controller.ingest.running import Ingest, OnEvent
from controller.microphones import LEFT, LOST, REFUSED, Microphone
from tests.controller.web.test_whip import peer


class Desk:
    """A microphone whose samples are taken away as an engine would, and what became of it."""

    def __init__(self, microphone: Microphone) -> None:
        self.microphone = microphone
        self.over: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.children: list[Ingest] = []
        self.read_fd = -1
        microphone.over = lambda why: None if self.over.done() else self.over.set_result(why)

    async def sound(self, seconds: float, within_s: float = 20.0) -> np.ndarray:
        """Return so much of what comes through the pipe."""
        data, until_s = b"", time.monotonic() + within_s
        while len(data) < seconds * 48000 * 4:
            assert time.monotonic() < until_s, f"only {len(data) // 192} ms came"
            with contextlib.suppress(BlockingIOError):
                data += os.read(self.read_fd, 65536)
            await asyncio.sleep(0.005)
        return np.frombuffer(data[: len(data) // 4 * 4], "<f4")

    async def call(self, made: Any) -> None:
        answer = await self.microphone.connect(made.localDescription.sdp)
        await made.setRemoteDescription(RTCSessionDescription(answer, "answer"))


@contextlib.asynccontextmanager
async def desk(pool: IngestPool, **request: Any) -> AsyncIterator[Desk]:
    made = Desk(Microphone(MicrophoneRequest(**request), pool))
    answer = pool.answer

    async def noted(
        request: MicrophoneRequest, offer: str, open_at_us: int, write_fd: int, on_event: OnEvent
    ) -> Ingest:
        made.children.append(await answer(request, offer, open_at_us, write_fd, on_event))
        return made.children[-1]

    pool.answer = noted  # type: ignore[method-assign] # the real one, looked at
    source = await made.microphone.run(lambda why: None)
    made.read_fd = source.read_fd
    os.set_blocking(made.read_fd, False)
    try:
        yield made
    finally:
        await source.stop()
        os.close(made.read_fd)
        assert all(child.final is not None for child in made.children), "no child outlives its session"


@pytest.fixture
async def pool() -> AsyncIterator[IngestPool]:
    async with IngestPool(warm=1) as made:
        yield made


async def test_who_is_there_is_heard_and_the_child_ends_with_the_session(pool: IngestPool) -> None:
    async with desk(pool) as made, peer() as caller:
        await made.call(caller)
        assert np.abs(await made.sound(0.5)).max() > 0.1
        assert not made.over.done()
        (child,) = made.children
        await made.microphone.close()
        with pytest.raises(ProcessLookupError):
            os.kill(child.pid, 0)
        with pytest.raises(ConflictError):
            await made.microphone.connect(caller.localDescription.sdp)


async def test_a_child_that_crashes_is_a_line_that_is_lost(pool: IngestPool) -> None:
    async with desk(pool, grace_s=0.5) as made, peer() as caller:
        await made.call(caller)
        await made.sound(0.2)
        os.kill(made.children[0].pid, signal.SIGKILL)
        assert await asyncio.wait_for(made.over, 10) == LOST


async def test_who_leaves_in_order_may_come_back_too(pool: IngestPool) -> None:
    async with desk(pool, grace_s=20) as made:
        async with peer() as caller:
            await made.call(caller)
            await made.sound(0.2)
        async with peer() as caller:  # a page that was loaded anew
            await made.call(caller)
            await made.sound(0.5)
            made.microphone.request = made.microphone.request.model_copy(update={"grace_s": 0.5})
        assert await asyncio.wait_for(made.over, 10) == LEFT


async def test_who_was_accepted_and_never_comes_is_not_waited_for(
    pool: IngestPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.microphones.CONNECT_S", 1.5)
    async with desk(pool) as made, peer() as caller:
        await made.microphone.connect(caller.localDescription.sdp)
        assert await asyncio.wait_for(made.over, 10) == LOST


async def test_an_offer_that_is_refused_leaves_the_line_that_is_there(pool: IngestPool) -> None:
    async with desk(pool, grace_s=1) as made, peer() as caller:
        await made.call(caller)
        await made.sound(0.2)
        with pytest.raises(UnusableError, match="cannot be answered"):
            await made.microphone.connect("v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n")
        await made.sound(1.5)
        assert not made.over.done()


async def test_the_chime_comes_at_its_pace_and_the_voice_joins_on() -> None:
    async with desk(IngestPool(warm=0), chime="alert") as made:
        begun_s, lasts_ms = time.monotonic(), made.microphone.speak_after_ms
        assert 1000 < lasts_ms < 5000

        async def voice() -> AsyncIterator[bytes]:
            for number in range(1000):
                await asyncio.sleep(max(0.0, begun_s + number * 0.02 - time.monotonic()))
                yield np.full(960, 8192, "<i2").tobytes()

        pouring = asyncio.create_task(made.microphone.pour(voice(), "s16"))
        sound = await made.sound(lasts_ms / 1000 + 0.5)
        assert time.monotonic() - begun_s > lasts_ms / 1000, "no faster than it is played"
        spoken = np.flatnonzero(sound == np.float32(0.25))
        assert abs(int(spoken[0]) / 48 - lasts_ms) < 150, "neither cut off nor followed by a gap"
        assert np.abs(sound[: spoken[0]]).max() > 0.1, "the chime"
        assert len(spoken) == len(sound) - spoken[0], "and then the voice alone"
        pouring.cancel()


async def test_samples_that_do_not_come_any_more_are_a_line_that_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.microphones.QUIET_S", 0.3)

    async def voice() -> AsyncIterator[bytes]:
        yield bytes(1920)
        await asyncio.sleep(60)  # as TCP without a network: it does not end

    async with desk(IngestPool(warm=0), grace_s=0.5) as made:
        pouring = asyncio.create_task(made.microphone.pour(voice(), "s16"))
        assert await asyncio.wait_for(made.over, 10) == LOST
        pouring.cancel()


async def test_he_alone_who_speaks_now_is_asked_for() -> None:
    async with desk(IngestPool(warm=0)) as made:
        first, second = asyncio.Event(), asyncio.Event()

        async def until(event: asyncio.Event) -> None:
            await event.wait()

        made.microphone.guard(until(first))
        await asyncio.sleep(0)
        made.microphone.guard(until(second))
        first.set()
        await asyncio.sleep(0.05)
        assert not made.over.done(), "he has handed it over"
        second.set()
        assert await asyncio.wait_for(made.over, 2) == REFUSED
