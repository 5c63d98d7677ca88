"""A real engine process for tests: its control link, pipes to write and members to listen."""

import asyncio
import contextlib
import os
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codec.opus import Decoder
from codec.profile import PROFILES
from codec.wire import names, rtp
from codec.wire.chain import terms_fields
from codec.wire.mac import Mac, derive
from controller.engine.control import EngineLink
from controller.engine.keys import SecretChain

ROOT = Path(__file__).parents[3]
RATE = 48_000


class RunningEngine:
    """An engine process and what it said."""

    def __init__(self, process: asyncio.subprocess.Process, link: EngineLink) -> None:
        self.process = process
        self.link = link
        self.events: list[dict[str, Any]] = []
        self.port = 0
        self._news = asyncio.Condition()
        self._listener = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        async for event in self.link.events():
            async with self._news:
                self.events.append(event)
                self._news.notify_all()

    async def event(self, kind: str, timeout_s: float = 5.0, **fields: Any) -> dict[str, Any]:
        """Return the first event of a kind with these fields, waiting for it."""

        def find() -> dict[str, Any] | None:
            for event in self.events:
                if event["event"] == kind and all(event.get(key) == value for key, value in fields.items()):
                    return event
            return None

        async with self._news:
            await asyncio.wait_for(self._news.wait_for(lambda: find() is not None), timeout_s)
        found = find()
        assert found
        return found

    def tell_clock(self) -> None:
        self.link.send("clock", mono_us=time.monotonic_ns() // 1000, media_us=time.time_ns() // 1000)

    async def stop(self) -> None:
        self.link.close()
        with contextlib.suppress(ProcessLookupError, TimeoutError):
            await asyncio.wait_for(self.process.wait(), 5)
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        self._listener.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._listener


@contextlib.asynccontextmanager
async def running_engine(*arguments: str) -> AsyncIterator[RunningEngine]:
    """An engine that is ready."""
    ours, its = socket.socketpair()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "controller.engine", "--control-fd", str(its.fileno()), "--port", "0",
        "--host", "127.0.0.1", "--priority", "none", *arguments, pass_fds=[its.fileno()], cwd=ROOT,
    )  # fmt: skip
    its.close()
    engine = RunningEngine(process, EngineLink(ours))
    try:
        engine.port = (await engine.event("ready", 20.0))["port"]
        engine.tell_clock()
        yield engine
    finally:
        await engine.stop()


class Listener:
    """A member: a socket whose datagrams are kept."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.address = list(self.socket.getsockname())
        self.packets: list[bytes] = []

    def drain(self) -> list[bytes]:
        with contextlib.suppress(BlockingIOError):
            while True:
                self.packets.append(self.socket.recv(2048))
        return self.packets

    def close(self) -> None:
        self.socket.close()

    def indices(self, ssrc: int | None = None) -> list[int]:
        parsed = [rtp.parse(packet) for packet in self.drain()]
        return [found[1] for found in parsed if ssrc in (None, found[0])]

    def sound(self, frame_samples: int = 960) -> NDArray[np.int16]:
        """Return what the packets decode to, in the order they came."""
        decoder = Decoder()
        blocks = []
        for packet in self.drain():
            *_, start, end = rtp.parse(packet)
            pcm = np.zeros(5760, np.int16)
            count = decoder.decode(packet[start:end], pcm)
            assert count == frame_samples
            blocks.append(pcm[:count])
        return np.concatenate(blocks) if blocks else np.zeros(0, np.int16)


def node_key(name: str = "loa-1") -> bytes:
    """The key of a node here."""
    return derive(b"of all nodes here", name)


def node_mac(purpose: str, name: str = "loa-1") -> Mac:
    """What a node and the engine make tags with."""
    return Mac(derive(node_key(name), purpose))


def member(listener: Listener, name: str = "loa-1", fixed: bool = True) -> dict[str, Any]:
    found = {"tag": names.node_tag(name).hex(), "address": listener.address, "fixed": fixed}
    return found if fixed else {**found, "key": node_key(name).hex()}


def secret_chain(name: str, from_us: int, length: int = 4096, seed: int = 1) -> SecretChain:
    """A chain of a profile whose first interval is a lag before `from_us`."""
    terms = PROFILES[name].terms
    first = max(terms.interval(from_us) - terms.lag, 0)
    return SecretChain.make(bytes([seed]) * 16, bytes([seed + 1]) * 16, first, length)


def chains(**found: SecretChain) -> dict[str, Any]:
    """The message that gives the engine a chain by profile."""
    return {"chains": [{**terms_fields(PROFILES[name].terms), **chain.message()} for name, chain in found.items()]}


def zone(name: str, members: list[dict[str, Any]], profile: str = "lan", **fields: Any) -> dict[str, Any]:
    return {
        "id": name, "profile": profile, "gain_db": 0.0, "multicast": None, "members": members, "stream": None,
        **fields,
    }  # fmt: skip


def session(name: str, zones: list[str], priority: int = 1, **fields: Any) -> dict[str, Any]:
    return {"id": name, "zones": zones, "priority": priority, "gain_db": 0.0, "duck_db": -18.0, **fields}


def tone(hertz: float, seconds: float, amplitude: float = 0.3) -> NDArray[np.float32]:
    times = np.arange(int(seconds * RATE)) / RATE
    return (amplitude * np.sin(2 * np.pi * hertz * times)).astype(np.float32)


class Pipe:
    """A source's pipe, written from a thread as an ingest child would."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()
        self._threads: list[threading.Thread] = []

    def write(self, samples: NDArray[np.float32], close: bool = True) -> None:
        def run() -> None:
            data = memoryview(samples.tobytes())
            with contextlib.suppress(BrokenPipeError):
                while data:
                    data = data[os.write(self.writing, data[:8192]) :]
            if close:
                os.close(self.writing)
                self.writing = -1

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self._threads.append(thread)

    def close(self) -> None:
        os.close(self.reading)
        for thread in self._threads:
            thread.join(5)
        if self.writing >= 0:
            os.close(self.writing)


def frequency(sound: NDArray[np.int16]) -> float:
    """Return the strongest frequency, hertz."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    return float(np.argmax(spectrum) * RATE / len(sound))


def largest_bend(sound: NDArray[np.int16]) -> int:
    """Return the largest second difference: a click sticks out of it."""
    return int(np.abs(np.diff(sound.astype(np.int32), 2)).max(initial=0))
