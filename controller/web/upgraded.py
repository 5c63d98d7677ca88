"""A connection that has become a WebSocket (RFC 6455): its place is kept until it really ends, and end it does.

uvicorn's protocol on `websockets`' parser, which bounds messages by `ws_max_size`, fragmented ones too. Compression is
off (`controller.serve`): what comes here is sound, and a bomb is what else it would let in.
"""

import asyncio
import contextlib
import socket
from typing import Any, Protocol

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

MAX_MESSAGE_BYTES = 64 * 1024
"""Two thirds of a second of samples; who sends more at once does not speak live."""
PING_S = 15.0
PONG_S = 10.0
"""A telephone that left the network without a word is let go after both."""
GOODBYE_S = 3.0
"""How long the peer may take to read what was said last."""
_BUFFERED_BYTES = 16 * 1024
"""What waits for a slow peer waits in front of us, where it can be dropped, and not in the kernel."""
_TCP_NOTSENT_LOWAT = 25
"""Of linux/tcp.h; Python does not name it."""


class Place(Protocol):
    """The place of the connection that this was (`controller.web.front.Connection`)."""

    def busy(self) -> None:
        """It was let in."""

    def gone(self) -> None:
        """It is no more."""

    def send_400_response(self, msg: str) -> None:
        """Answer what is no handshake."""


class Upgraded(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket on the place of an HTTP connection."""

    def __init__(self, place: Place, **options: Any) -> None:
        super().__init__(**options)
        self._place = place
        self._end: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        """Take bytes in; the first ones are the whole head of the request."""
        super().data_received(data)
        if not self.handshake_initiated:
            self._place.send_400_response("This is no handshake of a WebSocket.")
            self.handshake_initiated = True

    async def send(self, message: Any) -> None:
        """Send what the application says; with its consent the place is taken."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body"):
            self.handshake_complete = True  # it was refused, which is no mistake of ours
        if message["type"] == "websocket.accept":
            self._place.busy()
            self.transport.set_write_buffer_limits(high=_BUFFERED_BYTES)
            with contextlib.suppress(OSError):
                line = self.transport.get_extra_info("socket")
                line.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, _BUFFERED_BYTES)

    def handle_close(self, event: Frame) -> None:
        """Answer the peer's close; then its goodbye of TLS must be read, whatever the application still has to read."""
        super().handle_close(event)
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()

    def keepalive_timeout(self) -> None:
        """End it: who does not answer does not read either."""
        super().keepalive_timeout()
        self.transport.abort()

    async def run_asgi(self) -> None:
        """Run the application; whatever the peer does then, soon there is no connection any more."""
        try:
            await super().run_asgi()
        finally:
            if not self.disconnected:
                self._end = self.loop.call_later(GOODBYE_S, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the place back."""
        if self._end is not None:
            self._end.cancel()
        self._place.gone()
        super().connection_lost(exc)
