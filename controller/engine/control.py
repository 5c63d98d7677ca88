"""The protocol between controller and engine: lines of JSON over a Unix stream socket, file descriptors
beside them.

Written once for both ends. A message with ``"fd": true`` owns one descriptor, sent with its first byte
(SCM_RIGHTS); descriptors and messages arrive in the same order. See docs/architecture.md for the messages.
"""

import array
import asyncio
import contextlib
import json
import os
import socket
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

MAX_MESSAGE_BYTES = 4 << 20
"""Caps what a broken peer can make the other end hold."""
MAX_QUEUED_BYTES = 16 << 20
"""A peer that reads nothing is given up at this backlog."""
_MAX_DESCRIPTORS = 64
_CHUNK_BYTES = 1 << 18


class ControlError(Exception):
    """The other end closed the connection or broke the protocol."""


def encode(message: dict[str, Any]) -> bytes:
    """Return the line of one message; raises ControlError when it is longer than MAX_MESSAGE_BYTES."""
    line = json.dumps(message, separators=(",", ":")).encode() + b"\n"
    if len(line) > MAX_MESSAGE_BYTES:
        raise ControlError(f"message of {len(line)} bytes is longer than {MAX_MESSAGE_BYTES}")
    return line


class Framer:
    """Bytes and descriptors in, messages out; no I/O."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0
        self._descriptors: deque[int] = deque()

    def feed(self, data: bytes, descriptors: tuple[int, ...] = ()) -> list[tuple[dict[str, Any], int | None]]:
        """Return the messages that `data` completes, each with its descriptor; raises ControlError."""
        self._buffer += data
        self._descriptors.extend(descriptors)
        found = []
        while (end := self._buffer.find(b"\n", self._searched)) >= 0:
            line = bytes(self._buffer[:end])
            del self._buffer[: end + 1]
            self._searched = 0
            found.append(self._parse(line))
        self._searched = len(self._buffer)
        if len(self._buffer) > MAX_MESSAGE_BYTES:
            raise ControlError(f"message longer than {MAX_MESSAGE_BYTES} bytes")
        return found

    def _parse(self, line: bytes) -> tuple[dict[str, Any], int | None]:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ControlError(f"message is not JSON: {line[:80]!r}") from error
        if not isinstance(message, dict):
            raise ControlError(f"message is not an object: {line[:80]!r}")
        if message.get("fd") is not True:
            return message, None
        if not self._descriptors:
            raise ControlError("message lacks its file descriptor")
        return message, self._descriptors.popleft()

    def close(self) -> None:
        """Close the descriptors that no message claimed."""
        while self._descriptors:
            os.close(self._descriptors.popleft())


class Channel:
    """One end of the connection inside an asyncio loop. Owns `connection`."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._socket = connection
        self._loop = asyncio.get_running_loop()
        self._framer = Framer()
        self._inbox: asyncio.Queue[tuple[dict[str, Any], int | None] | None] = asyncio.Queue()
        self._outbox: deque[tuple[memoryview, int | None]] = deque()
        self._queued_bytes = 0
        self._closed = False
        self._loop.add_reader(connection, self._on_readable)

    def post(self, message: dict[str, Any], fd: int | None = None) -> None:
        """Queue one message, with a duplicate of `fd`; raises ControlError when the connection is closed."""
        if self._closed:
            raise ControlError("the connection is closed")
        line = encode({**message, "fd": True} if fd is not None else message)
        self._outbox.append((memoryview(line), None if fd is None else os.dup(fd)))
        self._queued_bytes += len(line)
        if self._queued_bytes > MAX_QUEUED_BYTES:
            self.close()
            raise ControlError("the other end does not read")
        self._flush()

    async def receive(self) -> tuple[dict[str, Any], int | None] | None:
        """Return the next message and its descriptor, which the caller owns; None when closed."""
        return await self._inbox.get()

    def close(self) -> None:
        """Close the connection; receivers get what had arrived, then None."""
        if self._closed:
            return
        self._closed = True
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._socket.close()
        self._framer.close()
        for _, fd in self._outbox:
            if fd is not None:
                os.close(fd)
        self._outbox.clear()
        self._inbox.put_nowait(None)

    def _flush(self) -> None:
        while self._outbox:
            line, fd = self._outbox[0]
            ancillary = []
            if fd is not None:
                ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))]
            try:
                sent = self._socket.sendmsg([line], ancillary)
            except (BlockingIOError, InterruptedError):
                self._loop.add_writer(self._socket, self._flush)
                return
            except OSError:
                self.close()
                return
            if fd is not None:
                os.close(fd)
            self._queued_bytes -= sent
            if sent < len(line):
                self._outbox[0] = (line[sent:], None)
            else:
                self._outbox.popleft()
        self._loop.remove_writer(self._socket)

    def _on_readable(self) -> None:
        try:
            data, descriptors, flags, _ = socket.recv_fds(self._socket, _CHUNK_BYTES, _MAX_DESCRIPTORS)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self.close()
            return
        for fd in descriptors:
            os.set_inheritable(fd, False)
        try:
            if flags & socket.MSG_CTRUNC:
                raise ControlError("file descriptors were cut off")
            for item in self._framer.feed(data, tuple(descriptors)):
                self._inbox.put_nowait(item)
        except ControlError:
            self.close()
            return
        if not data:
            self.close()


class EngineLink:
    """The controller's end of the connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._channel = Channel(connection)

    def send(self, op: str, *, fd: int | None = None, **fields: Any) -> None:
        """Send one message, with a duplicate of `fd`; never waits. Raises ControlError when the engine is gone."""
        self._channel.post({"op": op, **fields}, fd)

    async def events(self) -> AsyncIterator[dict[str, Any]]:
        """Yield the engine's events until the connection closes."""
        while (item := await self._channel.receive()) is not None:
            message, fd = item
            if fd is not None:
                with contextlib.suppress(OSError):
                    os.close(fd)
            yield message

    def close(self) -> None:
        """Close the connection; the engine exits."""
        self._channel.close()
