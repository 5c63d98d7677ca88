"""TCP between a node and the broker through a delayed link with jitter that can be cut.

What is sent while it is cut waits and arrives later, as it would by resending.
"""

import contextlib
import random
import socket
from collections import deque

from hil_sim.scenario import LinkSettings

_CHUNK = 65_536
MAX_WAITING_BYTES = 1 << 20
"""Reading stops above this, so that a slow end slows the other as TCP does."""


class TcpPipe:
    """One direction of one connection. Bytes leave after the link's delay and jitter, in order: those that were
    quicker wait for those before them."""

    def __init__(
        self, source: socket.socket, target: socket.socket, delay_ms: float, jitter_ms: float, chance: random.Random
    ) -> None:
        self.source, self.target = source, target
        self._delay_ms = delay_ms
        self._jitter_ms = jitter_ms
        self._chance = chance
        self._last_due_ns = 0
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._waiting_bytes = 0
        self.ended = False

    @property
    def wants_bytes(self) -> bool:
        """Whether to read from `source` now."""
        return not self.ended and self._waiting_bytes < MAX_WAITING_BYTES

    def read(self, now_ns: int) -> int | None:
        """Take bytes from `source`; return when they are due. None: nothing came."""
        try:
            data = self.source.recv(_CHUNK)
        except BlockingIOError:
            return None
        except OSError:
            data = b""
        self.ended = not data
        delay_ms = max(self._delay_ms + self._chance.gauss(0.0, self._jitter_ms), 0.0)
        self._last_due_ns = due_ns = max(now_ns + int(delay_ms * 1e6), self._last_due_ns)
        self._waiting.append((due_ns, data))
        self._waiting_bytes += len(data)
        return due_ns

    def write(self, now_ns: int) -> bool:
        """Send what is due; return False when the connection is over and both ends must close."""
        while self._waiting and self._waiting[0][0] <= now_ns:
            due_ns, data = self._waiting[0]
            if not data:
                return False
            try:
                sent = self.target.send(data)
            except BlockingIOError:
                return True
            except OSError:
                return False
            self._waiting_bytes -= sent
            if sent < len(data):
                self._waiting[0] = (due_ns, data[sent:])
                return True
            self._waiting.popleft()
        return True

    @property
    def pending(self) -> bool:
        """Whether bytes wait."""
        return bool(self._waiting)


class TcpLink:
    """One node's way to the broker: a listening socket and the connections accepted on it."""

    def __init__(self, broker: tuple[str, int], settings: LinkSettings, seed: int) -> None:
        self._broker = broker
        self._settings = settings
        self._chance = random.Random(seed)
        self.cut = False
        self.pipes: list[TcpPipe] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setblocking(False)

    def sources(self) -> list[socket.socket]:
        """Return the sockets to wait for; none while the link is cut."""
        if self.cut:
            return []
        return [self.listener, *(pipe.source for pipe in self.pipes if pipe.wants_bytes)]

    def readable(self, sock: socket.socket, now_ns: int) -> int | None:
        """Accept a connection or take bytes; return when :meth:`flush` is due for them."""
        if sock is self.listener:
            self._accept()
            return None
        for pipe in self.pipes:
            if pipe.source is sock:
                return pipe.read(now_ns)
        return None

    def flush(self, now_ns: int) -> bool:
        """Send what is due on every connection, close those that are over; return whether bytes still wait."""
        if self.cut:
            return False
        for pipe in list(self.pipes):
            if pipe in self.pipes and not pipe.write(now_ns):
                self._close(pipe)
        return any(pipe.pending for pipe in self.pipes)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            near, _ = self.listener.accept()
            try:
                far = socket.create_connection(self._broker, timeout=1.0)
            except OSError:
                near.close()
                return
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                end.setblocking(False)
            up, down = self._settings.up(), self._settings
            self.pipes += [
                TcpPipe(near, far, up.delay_ms, up.jitter_ms, self._chance),
                TcpPipe(far, near, down.delay_ms, down.jitter_ms, self._chance),
            ]

    def _close(self, pipe: TcpPipe) -> None:
        ends = {pipe.source, pipe.target}
        self.pipes = [other for other in self.pipes if other.source not in ends]
        for end in ends:
            end.close()
