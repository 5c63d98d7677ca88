"""What a zone hears, for people who listen: a tap gets the very packets that the nodes get, and hands them on.

While somebody listens to a zone, the engine's plan has one more plain receiver there, a socket on the loopback. The
stream is not touched by that: what is on air neither begins, nor changes, nor clicks. One tap a zone serves all its
listeners; a listener who cannot follow loses the oldest frames, and nobody else does.
"""

import asyncio
import json
import logging
import secrets
import socket
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from codec.wire import rtp
from codec.wire.errors import WireError
from controller.air import Air
from controller.errors import UnavailableError
from controller.hearing import SAMPLE_RATE, Hearing
from controller.memory import StreamOnAir
from controller.stations import Stations

log = logging.getLogger(__name__)

MAX_LISTENERS = 100
MAX_OF_AN_ACCOUNT = 20
"""Somebody who opens one window after the other must leave places to others."""
LINGER_S = 3.0
"""A tap stays so long after its last listener: who comes and goes has the engine's plan changed no oftener."""
MAX_WAITING = 50
"""Frames that wait for a listener, a second of sound; then the oldest goes."""
_BUFFER_BYTES = 256 * 1024
"""Of the socket: what comes while the loop is busy."""
_MOST_EARLY = 10
"""Packets that are kept until the engine's word on their stream is here, too: the two come on different ways."""
_MOST_AT_ONCE = 64
"""Packets that are read in one turn of the loop."""
SoundFormat = Literal["opus", "s16"]
Piece = str | bytes
"""A text or a binary message of the WebSocket, see docs/protocol.md."""


class Listener:
    """One who listens: an iterator of messages, which ends when the zone is removed or everything stops."""

    def __init__(self, sound_format: SoundFormat, account: str) -> None:
        self.format = sound_format
        self.account = account
        self.over = ""
        self.dropped = 0
        self._texts: deque[str] = deque(maxlen=MAX_WAITING)
        self._frames: deque[bytes] = deque(maxlen=MAX_WAITING)
        self._came = asyncio.Event()

    def tell(self, text: str) -> None:
        """Say what begins or ends; frames of before are of no use any more."""
        self._frames.clear()
        self._texts.append(text)
        self._came.set()

    def take(self, frame: bytes) -> None:
        """Give a frame; where too many wait, the oldest is dropped."""
        self.dropped += len(self._frames) == MAX_WAITING
        self._frames.append(frame)
        self._came.set()

    def end(self, reason: str) -> None:
        """There is nothing to listen to any more."""
        self.over = self.over or reason
        self._came.set()

    async def next(self) -> Piece | None:
        """Return the next message; None at the end, of which `over` says why."""
        while not (self._texts or self._frames or self.over):
            self._came.clear()
            await self._came.wait()
        if self.over:
            return None
        return self._texts.popleft() if self._texts else self._frames.popleft()


class Tap:
    """The receiver of one zone. Reads its socket itself: asyncio's own would read one packet a turn of the loop."""

    def __init__(self, zone_id: str, air: Air) -> None:
        self.zone_id = zone_id
        self.listeners: set[Listener] = set()
        self._air = air
        self._stream: StreamOnAir | None = None
        self._early: deque[bytes] = deque(maxlen=_MOST_EARLY)
        self._hearing: Hearing | None = None
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
            self._socket.bind(("127.0.0.1", 0))
            asyncio.get_running_loop().add_reader(self._socket, self._read)
        except OSError:
            self._socket.close()
            raise
        address = self._socket.getsockname()
        # A tag that no node has: those of nodes are made of their names.
        self.member = {"tag": secrets.token_hex(8), "address": [address[0], address[1]], "fixed": True}
        self.follow()

    def close(self) -> None:
        """Receive no more."""
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()

    def join(self, listener: Listener) -> None:
        """Have one more listen."""
        self.listeners.add(listener)
        listener.tell(self._situation(listener.format))

    def follow(self) -> None:
        """Take note of the stream that is on air now; listeners are told when it is another one, or none."""
        stream = self._air.memory.streams.get(self.zone_id)
        was, self._stream = self._stream, stream
        if (was and (was.ssrc, was.frame_us)) == (stream and (stream.ssrc, stream.frame_us)):
            return
        self._hearing = None
        for listener in self.listeners:
            listener.tell(self._situation(listener.format))
        early, self._early = self._early, deque(maxlen=_MOST_EARLY)
        for data in early:
            self._receive(data)

    def _situation(self, sound_format: SoundFormat) -> str:
        if self._stream is None:
            return json.dumps({"silent": True})
        return json.dumps({"format": sound_format, "rate_hz": SAMPLE_RATE, "frame_us": self._stream.frame_us})

    def _read(self) -> None:
        for _ in range(_MOST_AT_ONCE):
            try:
                data, source = self._socket.recvfrom(rtp.MAX_PACKET_BYTES + 1)
            except BlockingIOError:
                return
            except OSError as error:
                log.warning("listening to %s: %s", self.zone_id, error)
                return
            if source[1] == self._air.port:  # no other program of this machine speaks here
                self._receive(data)

    def _receive(self, data: bytes) -> None:
        try:
            ssrc, index, _, _, payload_type, marker, begin, end = rtp.parse(data)
        except WireError:
            return
        stream = self._stream
        if index is None or payload_type != rtp.PAYLOAD_TYPE_OPUS:
            return
        if stream is None or ssrc != stream.ssrc:
            self._early.append(data)
            return
        head = index.to_bytes(4, "big")
        wanting = {listener.format for listener in self.listeners}
        frames: dict[SoundFormat, list[bytes]] = {"opus": [head + data[begin:end]]}
        if "s16" in wanting:
            if self._hearing is None:
                self._hearing = Hearing(stream.frame_us)
            heard = self._hearing.hear(index, data[begin:end], marker)
            frames["s16"] = [number.to_bytes(4, "big") + samples for number, samples in heard]
        else:
            self._hearing = None
        for listener in self.listeners:
            for frame in frames[listener.format]:
                listener.take(frame)


class Listening:
    """All taps of one controller; what is on air goes on whoever listens."""

    def __init__(self, air: Air, stations: Stations) -> None:
        self._air = air
        self._stations = stations
        self._taps: dict[str, Tap] = {}
        self._leaving: dict[str, asyncio.TimerHandle] = {}
        self._closed = False
        stations.changed.append(self._follow_zones)

    @property
    def count(self) -> int:
        """How many listen."""
        return sum(len(tap.listeners) for tap in self._taps.values())

    @property
    def tapped(self) -> set[str]:
        """The zones that have a tap."""
        return set(self._taps)

    @contextmanager
    def listen(self, zone_id: str, sound_format: SoundFormat, account: str) -> Iterator[Listener]:
        """Give a Listener of a zone that exists. Raises UnavailableError where too many listen."""
        others = [listener for tap in self._taps.values() for listener in tap.listeners]
        own = sum(listener.account == account for listener in others)
        crowded = zone_id not in self._taps and len(self._taps) >= MAX_LISTENERS
        if self._closed or crowded or len(others) >= MAX_LISTENERS or own >= MAX_OF_AN_ACCOUNT:
            raise UnavailableError("too_many_listeners", "Too many listen already.", "Close other windows; try again.")
        try:
            tap = self._taps.get(zone_id) or self._open(zone_id)
        except OSError as error:
            text = f"Nobody can listen now: {error.strerror}."
            raise UnavailableError("no_listening", text, "Close what this computer does not need.") from None
        if zone_id in self._leaving:
            self._leaving.pop(zone_id).cancel()
        listener = Listener(sound_format, account)
        tap.join(listener)
        try:
            yield listener
        finally:
            tap.listeners.discard(listener)
            if not tap.listeners and self._taps.get(zone_id) is tap:
                self._leaving[zone_id] = asyncio.get_running_loop().call_later(LINGER_S, self._close, tap)

    def on_stream(self, zone_id: str) -> None:
        """The zone's stream began, changed or ended."""
        if zone_id in self._taps:
            self._taps[zone_id].follow()

    def stop(self) -> None:
        """Let all listeners go."""
        self._closed = True
        for tap in tuple(self._taps.values()):
            self._dismiss(tap, "stopped")

    def _open(self, zone_id: str) -> Tap:
        tap = self._taps[zone_id] = Tap(zone_id, self._air)
        self._air.set_tap(zone_id, tap.member)
        return tap

    def _close(self, tap: Tap) -> None:
        del self._taps[tap.zone_id]
        if tap.zone_id in self._leaving:
            self._leaving.pop(tap.zone_id).cancel()
        self._air.set_tap(tap.zone_id, None)
        tap.close()

    def _dismiss(self, tap: Tap, reason: str) -> None:
        self._close(tap)
        for listener in tap.listeners:
            listener.end(reason)

    async def _follow_zones(self) -> None:
        """Let those go whose zone was removed."""
        zones = (await self._stations.roster()).zones
        for tap in tuple(self._taps.values()):
            if tap.zone_id not in zones:
                self._dismiss(tap, "unknown_zone")
