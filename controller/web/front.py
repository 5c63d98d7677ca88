"""Takes connections to the web interface in: TLS or not, a bounded number, none that says nothing for long.

Slow clients are the cheapest attack there is: thousands of connections that shake no hands, or drip a header byte by
byte. Each stage has its time, each address its share, and where all places are taken, of those that have not yet asked
for anything, the oldest of the address with the most gives way: a stranger has asked when the body is there, too,
somebody who is known with the head.
"""

import asyncio
import contextlib
import logging
import re
import socket
import ssl
from collections.abc import Callable
from functools import partial
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from controller.guard import network
from controller.settings import LOOPBACK
from controller.web.errors import error_response
from controller.web.upgraded import Upgraded

log = logging.getLogger(__name__)

FIRST_BYTE_S = 10.0
HANDSHAKE_S = 10.0
HEADER_S = 10.0
"""How long the head of a request may take."""
MAX_CONNECTIONS = 512
MAX_OF_AN_ADDRESS = 128
LOCAL_PLACES = 16
"""Those that are kept for the controller's own machine, by which it is administered."""
_BACKLOG = 1024
_MAX_PLAIN_BYTES = 4096
_TLS_HANDSHAKE = b"\x16"
_PAUSE_S = 0.2
_GOODBYE_S = 1.0
_ASKED = re.compile(rb"(?:GET|HEAD) (/[!-~]*) HTTP/1\.[01]\r\n(?:.*\r\n)*?[Hh]ost: *([A-Za-z0-9.:\[\]-]{1,253})\r\n")


class Front:
    """Accepts connections on `listener` and makes a protocol for each, behind TLS where there is a `context`.

    trusted: addresses of reverse proxies, whose connections are many people's and not counted by address.
    """

    def __init__(
        self,
        listener: socket.socket,
        make: Callable[["Front", str], "Connection"],
        context: ssl.SSLContext | None,
        trusted: frozenset[str] = frozenset(),
    ) -> None:
        listener.setblocking(False)
        listener.listen(_BACKLOG)
        self._listener = listener
        self._make = make
        self._context = context
        self._trusted = trusted
        self._counts: dict[str, int] = {}
        self._total = 0
        self._waiting: dict[int, tuple[str, Callable[[], Any]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.turned_away = 0

    async def run(self) -> None:
        """Accept for ever."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                taken, address = await loop.sock_accept(self._listener)
            except OSError as error:  # no descriptor left: those that are there must end first
                log.warning("no connection can be taken in: %s", error)
                await asyncio.sleep(_PAUSE_S)
                continue
            task = asyncio.create_task(self._take(taken, str(address[0])))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        """Let go of those that have not come in yet."""
        for task in tuple(self._tasks):
            task.cancel()

    def entered(self, key: int, host: str, leave: Callable[[], Any]) -> None:
        """A connection waits for what its peer does next; `leave` ends it where its place is needed."""
        self._waiting[key] = host, leave

    def busy(self, key: int) -> None:
        """It has asked for something: its place is its own."""
        self._waiting.pop(key, None)

    def left(self, key: int, host: str) -> None:
        """It is gone."""
        self._waiting.pop(key, None)
        self._total -= 1
        self._counts[host] -= 1
        if not self._counts[host]:
            del self._counts[host]

    async def _take(self, taken: socket.socket, address: str) -> None:
        host = network(address)
        if address not in self._trusted and self._counts.get(host, 0) >= MAX_OF_AN_ADDRESS:
            self.turned_away += 1
            taken.close()
            return
        local = address in LOOPBACK and address not in self._trusted
        if self._total >= MAX_CONNECTIONS - (0 if local else LOCAL_PLACES):
            self.turned_away += 1
            if not self._waiting:
                taken.close()
                return
            first = max(self._waiting, key=lambda each: self._counts[self._waiting[each][0]])  # of equals the oldest
            self._waiting.pop(first)[1]()
        self._counts[host] = self._counts.get(host, 0) + 1
        self._total += 1
        key = id(taken)
        task = asyncio.current_task()
        assert task is not None
        self.entered(key, host, task.cancel)
        made = self._make(self, host)
        try:
            taken.setblocking(False)
            taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._context is not None and await _first_byte(taken) != _TLS_HANDSHAKE:
                await _answer_plainly(taken)
                return
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: made,
                taken,
                ssl=self._context,
                ssl_handshake_timeout=HANDSHAKE_S if self._context else None,
            )
        except (OSError, TimeoutError):  # it is the peer's affair
            taken.close()
        except asyncio.CancelledError:
            taken.close()
            raise
        finally:
            self.busy(key)
            if not made.met:  # else it gives the place back itself
                self.left(key, host)


class Connection(H11Protocol):
    """uvicorn's protocol with a limit on how long the head of a request may take."""

    def __init__(self, front: Front, host: str, **options: Any) -> None:
        super().__init__(**options)
        self._front = front
        self._host = host
        self._header_timer: asyncio.TimerHandle | None = None
        self._refused = False
        self.met = False
        """Whether it has a connection, or had one."""
        if self.ws_protocol_class is not None:
            self.ws_protocol_class = partial(Upgraded, self)  # type: ignore[assignment] # it is only called

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        self.met = True
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take bytes in; a head that is whole ends the wait."""
        if self._refused:
            return
        super().data_received(data)
        self._perhaps_work()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no request, or too long a one, in the form of all errors; `msg` is uvicorn's word for it."""
        hint = "Send HTTP/1.1 with an address and headers of less than 64 KiB."
        form = error_response(400, "no_request", msg, hint)
        headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
        for event in (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=bytes(form.body)),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self._refused = True
        self.loop.call_later(_GOODBYE_S, self.transport.close)  # closed at once, who still sends would not read it

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Hand the connection over to a WebSocket, which has as long to be let in as a head has to come."""
        self._wait()
        super().handle_websocket_upgrade(event)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._wait()
        self._perhaps_work()  # the next one was there already

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the place back."""
        self.gone()
        super().connection_lost(exc)

    def busy(self) -> None:
        """What it was opened for has begun: its place is its own."""
        self._end_timer()
        self._front.busy(id(self))

    def gone(self) -> None:
        """Give the place back; the connection is no more."""
        self._end_timer()
        self._front.left(id(self), self._host)

    def _wait(self) -> None:
        self._end_timer()
        self._header_timer = self.loop.call_later(HEADER_S, self.transport.abort)
        self._front.entered(id(self), self._host, self.transport.abort)

    def _perhaps_work(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            return
        self._end_timer()  # controller.web.limits has an eye on the body
        if self.conn.their_state is not h11.SEND_BODY or self.scope["state"].get("who") is not None:
            self._front.busy(id(self))

    def _end_timer(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None


async def _first_byte(taken: socket.socket) -> bytes:
    """Return the first byte of a connection, which stays to be read; raises TimeoutError, OSError."""
    loop = asyncio.get_running_loop()
    came = asyncio.Event()
    loop.add_reader(taken, came.set)
    try:
        async with asyncio.timeout(FIRST_BYTE_S):
            await came.wait()
    finally:
        loop.remove_reader(taken)
    return taken.recv(1, socket.MSG_PEEK)


async def _answer_plainly(taken: socket.socket) -> None:
    """Tell who speaks plain HTTP where to go; closes the socket."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(HEADER_S):
            head = b""
            while b"\r\n\r\n" not in head and len(head) < _MAX_PLAIN_BYTES:
                more = await loop.sock_recv(taken, _MAX_PLAIN_BYTES)
                if not more:
                    break
                head += more
            asked = _ASKED.match(head)
            if asked:
                where = f"https://{asked[2].decode()}{asked[1].decode()}"
                status, more_head = "301 Moved Permanently", f"Location: {where}\r\n"
            else:
                status, more_head = "400 Bad Request", ""
            text = "Loa Xã speaks HTTPS here: begin the address with https://.\n".encode()
            answer = f"HTTP/1.1 {status}\r\n{more_head}Content-Type: text/plain; charset=utf-8\r\n"
            answer += f"Content-Length: {len(text)}\r\nConnection: close\r\n\r\n"
            await loop.sock_sendall(taken, answer.encode() + text)
            with contextlib.suppress(OSError):
                taken.shutdown(socket.SHUT_WR)
                await loop.sock_recv(taken, 1)  # until it has read that
    finally:
        taken.close()
