"""The air of a living village: what a person who stands somewhere in it hears now, by a WebSocket.

Boards write what their DACs emit into pipes (records as in :mod:`hil_sim.capture`), which are read as they fill:
nothing is kept but the last seconds, however long the village lives.
"""

import asyncio
import contextlib
import fcntl
import json
import math
import os
import struct
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from hil_sim.air import NEAREST_M, REFERENCE_M, SPEED_OF_SOUND_M_S
from hil_sim.scenario import Position
from hil_sim.signals import RATE, Floats

KEPT_S = 12
"""Of each horn: sound from 3 km away is heard, late as it is."""
BEHIND_S = 0.3
"""What is heard left the DACs so long ago, and more by the way through the air: boards tell in runs."""
FRAME = RATE // 50
SILENT_S = 0.5
MAX_LISTENERS = 8
PIPE_BYTES = 1 << 20
"""Ten seconds, so that no board waits while this process is busy."""
_HEADER = struct.Struct("<qII")
_MOST_FRAMES = 1 << 16
_NS = 1_000_000_000


class Horn:
    """The last seconds of one DAC on the axis of true time: sample k left at k/48000 s of CLOCK_MONOTONIC."""

    def __init__(self) -> None:
        self._ring = np.zeros(KEPT_S * RATE, np.float32)
        self._rest = b""
        self._until = 0  # the first sample that is not known yet
        self._last = 0.0

    def take(self, data: bytes) -> None:
        """Take over what the board wrote next; what is no record is left out. A record is written at once, or not."""
        data = self._rest + data
        offset = 0
        while offset + _HEADER.size <= len(data):
            stamp_ns, frames, rate_mhz = _HEADER.unpack_from(data, offset)
            if frames > _MOST_FRAMES or not 1_000_000 <= rate_mhz <= 400_000_000:
                offset = len(data)
                break
            end = offset + _HEADER.size + 2 * frames
            if end > len(data):
                break
            samples = np.frombuffer(data[offset + _HEADER.size : end], "<i2").astype(np.float32) / 32768
            self._lay(stamp_ns, rate_mhz / 1000, samples)
            offset = end
        self._rest = data[offset:]

    def heard(self, first: float, count: int) -> Floats:
        """Return `count` samples from number `first` on, which may lie between two; silence where nothing is known."""
        whole = math.floor(first)
        numbers = np.arange(whole, whole + count + 1)
        found = self._ring[numbers % len(self._ring)].astype(np.float64)
        found[(numbers >= self._until) | (numbers < self._until - len(self._ring))] = 0.0
        share = first - whole
        return found[:-1] * (1 - share) + found[1:] * share

    def _lay(self, stamp_ns: int, rate_hz: float, samples: np.ndarray) -> None:
        if not len(samples):
            return
        begin = stamp_ns * RATE / _NS
        step = RATE / rate_hz
        first, end = math.ceil(begin), math.ceil(begin + len(samples) * step)
        joined = abs(first - self._until) <= 1
        if joined:
            first = self._until
        elif first > self._until:  # the DAC had nothing to emit between them
            gap = np.arange(max(self._until, first - len(self._ring)), first)
            self._ring[gap % len(self._ring)] = 0
            self._last = 0.0
        at = (np.arange(first, end) - begin) / step
        known = np.concatenate(([self._last], samples))
        self._ring[np.arange(first, end) % len(self._ring)] = np.interp(at, np.arange(-1, len(samples)), known)
        self._last = float(samples[-1])
        self._until = max(self._until, end)


class Air:
    """Serves ``/air?x=..&y=..`` on a port of 127.0.0.1, in a thread of its own.

    positions: of the horns, metres. origin: of the page that may listen, beside programs, which name none.
    """

    def __init__(self, port: int, positions: Sequence[Position], origin: str) -> None:
        self.port = port
        self._positions = list(positions)
        self._origin = origin
        self._horns = [Horn() for _ in positions]
        self._fds: dict[int, int] = {}
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._listening = 0
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="air", daemon=True)

    def start(self) -> None:
        """Serve from now on."""
        self._thread.start()
        self._ready.wait(10)

    def close(self) -> None:
        """End it; can be called twice."""
        if not self._thread.is_alive():
            self._loop.close()
            return
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        for fd in self._fds.values():
            os.close(fd)

    def pipe(self, number: int, path: Path) -> None:
        """Make the pipe that board `number`, from 0, writes into, and read it from now on."""
        os.mkfifo(path)
        fd = os.open(path, os.O_RDWR | os.O_NONBLOCK)  # held at both ends: boards come and go
        self._fds[number] = fd
        with contextlib.suppress(OSError):
            fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self._loop.call_soon_threadsafe(self._loop.add_reader, fd, self._read, number, fd)

    def _read(self, number: int, fd: int) -> None:
        with contextlib.suppress(BlockingIOError):
            self._horns[number].take(os.read(fd, 1 << 16))

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._ready.set()
            self._loop.close()

    async def _serve(self) -> None:
        async with serve(
            self._hear, "127.0.0.1", self.port, process_request=self._check, compression=None, max_size=1024
        ):
            self._ready.set()
            await self._stop.wait()
            for fd in self._fds.values():
                self._loop.remove_reader(fd)

    def _check(self, connection: ServerConnection, request: Request) -> Response | None:
        origin = request.headers.get("Origin")
        if origin is not None and origin != self._origin:
            return connection.respond(403, "This is for the village's own page.\n")
        if _place(request.path) is None:
            return connection.respond(404, "There is /air?x=METRES&y=METRES.\n")
        if self._listening >= MAX_LISTENERS:
            return connection.respond(503, "Too many listen already.\n")
        return None

    async def _hear(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        place = _place(connection.request.path)
        assert place is not None
        self._listening += 1
        try:
            await self._speak(connection, place)
        except ConnectionClosed:
            pass
        finally:
            self._listening -= 1

    async def _speak(self, connection: ServerConnection, place: Position) -> None:
        number = _now() // FRAME
        most_quiet = round(SILENT_S * RATE / FRAME)
        quiet = most_quiet
        silent: bool | None = None
        while True:
            await asyncio.sleep(max(0.0, ((number + 1) * FRAME - _now()) / RATE))
            number = max(number, _now() // FRAME - RATE // FRAME)  # who stood still does not catch up
            sound = self.mix(place, number * FRAME)
            quiet = 0 if np.any(np.abs(sound) > 1) else quiet + 1
            now_silent = quiet > most_quiet
            if now_silent != silent:
                silent = now_silent
                said = {"silent": True} if silent else {"format": "s16", "rate_hz": RATE, "frame_us": 20_000}
                await connection.send(json.dumps(said))
            if not silent:
                await connection.send((number & 0xFFFFFFFF).to_bytes(4, "big") + sound.tobytes())
            number += 1

    def mix(self, place: Position, first: int) -> np.ndarray:
        """Return the frame from sample number `first` on that is heard at `place`, int16; quieter where too loud."""
        total = np.zeros(FRAME)
        for horn, where in zip(self._horns, self._positions, strict=True):
            distance_m = max(math.hypot(where.x_m - place.x_m, where.y_m - place.y_m), NEAREST_M)
            total += REFERENCE_M / distance_m * horn.heard(first - distance_m / SPEED_OF_SOUND_M_S * RATE, FRAME)
        return (32767 * np.tanh(total)).astype("<i2")


def _now() -> int:
    """Return the number of the sample that is heard now."""
    return time.monotonic_ns() * RATE // _NS - int(BEHIND_S * RATE)


def _place(path: str) -> Position | None:
    """Return the place in a request's path; None for what is none."""
    parts = urlsplit(path)
    asked = parse_qs(parts.query[:200])
    try:
        x_m, y_m = (float(asked[name][0]) for name in ("x", "y"))
    except (KeyError, ValueError):
        return None
    if parts.path != "/air" or not (abs(x_m) <= 1e5 and abs(y_m) <= 1e5):
        return None
    return Position(x_m, y_m)
