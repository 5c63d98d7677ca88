"""WebSockets at the door: their places are counted until they really end, and whatever the peer does, end they do."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from controller.web import front, upgraded
from controller.web.front import Connection, Front

HANDSHAKE = (
    b"GET %s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
)


async def app(scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
    """/echo says again what it hears, /never lets nobody in, /flood says more than is read and goes."""
    assert scope["type"] == "websocket"
    await receive()
    if scope["path"] == "/never":
        await asyncio.Event().wait()
    await send({"type": "websocket.accept"})
    if scope["path"] == "/flood":
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.2):
                while True:
                    await send({"type": "websocket.send", "bytes": bytes(30_000)})
        return
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "bytes": message.get("bytes"), "text": message.get("text")})


class Door:
    """A front on a port of its own."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.state = ServerState()
        self.raws: list[asyncio.StreamWriter] = []
        config = uvicorn.Config(
            app,
            ws="websockets-sansio",
            ws_max_size=upgraded.MAX_MESSAGE_BYTES,
            ws_per_message_deflate=False,
            log_config=None,
        )
        config.load()
        self.front = Front(
            self.listener,
            lambda door, host: Connection(door, host, config=config, server_state=self.state, app_state={}),
            None,
        )
        self.port = self.listener.getsockname()[1]

    def open(self, path: str = "/echo") -> Any:
        return connect(f"ws://127.0.0.1:{self.port}{path}", ping_interval=None, open_timeout=5, close_timeout=5)

    async def raw(self, sent: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 16)
        self.raws.append(writer)
        writer.write(sent)
        return reader, writer

    def free(self) -> bool:
        """Whether every place is free again, and nothing is left of who had it."""
        return not (self.front._counts or self.front._total or self.front._waiting or self.state.connections)


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    found = Door()
    running = asyncio.create_task(found.front.run())
    yield found
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    found.front.close()
    for connection in tuple(found.state.connections):
        connection.transport.abort()
    for task in tuple(found.state.tasks):
        task.cancel()
    await asyncio.gather(*found.state.tasks, return_exceptions=True)
    for writer in found.raws:
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)
    found.listener.close()


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.01)


async def close_code(end: ClientConnection) -> int:
    with pytest.raises(ConnectionClosed) as closed:
        await asyncio.wait_for(end.recv(), 5)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


async def test_a_place_is_taken_until_the_websocket_has_ended(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "MAX_OF_AN_ADDRESS", 2)
    async with door.open() as first:
        async with door.open() as second:
            await second.send("a")
            assert await second.recv() == "a"
            with pytest.raises((OSError, EOFError, InvalidHandshake)):
                async with asyncio.timeout(5), door.open():
                    pass
            assert door.front.turned_away == 1
        async with door.open() as third:
            await third.send(b"b")
            assert await third.recv() == b"b"
        await first.send("c")
        assert await first.recv() == "c"
    await until(door.free)


async def test_one_that_was_let_in_stays_and_one_that_was_not_goes(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "HEADER_S", 0.3)
    async with door.open() as stays:
        reader, _ = await door.raw(HANDSHAKE % b"/never")
        with contextlib.suppress(ConnectionResetError):
            assert await asyncio.wait_for(reader.read(), 5) == b""
        await asyncio.sleep(0.4)
        await stays.send("here")
        assert await stays.recv() == "here"
    await until(door.free)


async def test_where_places_are_needed_those_that_were_let_in_keep_theirs(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(front, "MAX_CONNECTIONS", 2)
    monkeypatch.setattr(front, "LOCAL_PLACES", 0)
    async with door.open() as inside:
        reader, writer = await door.raw(HANDSHAKE % b"/never")
        async with door.open() as next_one:
            with contextlib.suppress(ConnectionResetError):
                assert await asyncio.wait_for(reader.read(), 5) == b"", "it gave way"
            writer.close()
            for end in (inside, next_one):
                await end.send("x")
                assert await end.recv() == "x"
    await until(door.free)


async def test_who_does_not_read_holds_no_place(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upgraded, "GOODBYE_S", 0.2)
    _, writer = await door.raw(HANDSHAKE % b"/flood")
    await until(lambda: door.state.connections)
    await until(door.free)
    writer.close()


async def test_a_message_is_bounded_also_in_pieces(door: Door) -> None:
    most = upgraded.MAX_MESSAGE_BYTES
    async with door.open() as end:
        await end.send(bytes(most))
        assert await end.recv() == bytes(most)
        await end.send(bytes(most + 1))
        assert await close_code(end) == 1009
    async with door.open() as end:

        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(most // 1000 + 2):
                yield bytes(1000)

        with contextlib.suppress(ConnectionClosed):
            await end.send(pieces())
        assert await close_code(end) == 1009
    await until(door.free)


async def test_nothing_is_compressed(door: Door) -> None:
    async with door.open() as end:
        assert end.response is not None and "Sec-WebSocket-Extensions" not in end.response.headers


@pytest.mark.parametrize(
    ("changed", "to", "status"),
    [
        (b"GET", b"POST", b"405"),
        (b"13", b"8", b"400"),
        (b"MDEyMzQ1Njc4OWFiY2RlZg==", b"x", b"400"),
        (b"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n", b"", b"400"),
        (b"Host: x\r\n", b"Host: x\r\n" + b"".join(b"X-%d: y\r\n" % number for number in range(300)), b"400"),
    ],
    ids=["method", "version", "key", "no key", "headers"],
)
async def test_what_is_no_handshake_is_told_so(
    door: Door, monkeypatch: pytest.MonkeyPatch, changed: bytes, to: bytes, status: bytes
) -> None:
    monkeypatch.setattr(front, "_GOODBYE_S", 0.1)
    reader, writer = await door.raw((HANDSHAKE % b"/echo").replace(changed, to))
    said = await asyncio.wait_for(reader.read(), 5)
    assert said.startswith(b"HTTP/1.1 " + status), said
    writer.close()
    await until(door.free)


@pytest.mark.parametrize(
    "frame",
    [b"\xc1\x80abcd", b"\x82\x05hello", b"\x83\x80abcd", b"\x09\x80abcd", b"\x81\x82\0\0\0\0\xff\xff"],
    ids=["reserved", "unmasked", "unknown", "ping", "text"],
)
async def test_hostile_frames_end_the_connection_alone(door: Door, frame: bytes) -> None:
    """RFC 6455 sections 5.2 to 5.6."""
    async with door.open() as other:
        reader, writer = await door.raw(HANDSHAKE % b"/echo")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
        writer.write(frame)
        said = await asyncio.wait_for(reader.read(), 5)
        assert said[:1] == b"\x88" and int.from_bytes(said[2:4]) in (1002, 1007)
        writer.close()
        await other.send("x")
        assert await other.recv() == "x"
    await until(door.free)
