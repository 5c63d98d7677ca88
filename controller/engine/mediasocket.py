"""The one UDP socket that audio leaves by and time exchanges come to."""

import contextlib
import socket
import struct
import time
from typing import Protocol

from controller.engine.fanout import Fanout
from controller.engine.plan import Address
from controller.engine.settings import EngineSettings

BUFFER_BYTES = 4 << 20
"""A frame for a thousand members at once; the kernel's usual 208 KiB holds a quarter of it."""
_SO_SNDBUFFORCE, _SO_RCVBUFFORCE = 32, 33
_SO_TIMESTAMPNS = 35
_OLDEST_STAMP_NS = 1_000_000_000
_MOST_BYTES = 2048
_EXPEDITED_FORWARDING = 0xB8
"""DSCP EF (RFC 3246), what networks that know voice queue first."""


class Sender(Protocol):
    """Sends one packet to many addresses; see :class:`controller.engine.fanout.Fanout`."""

    sent: int
    errors: int

    @property
    def members(self) -> int:
        """How many addresses a packet goes to."""

    def set_members(self, addresses: list[Address]) -> None:
        """Send to these from the next packet on."""

    def send(self, length: int) -> None:
        """Send the first `length` bytes of the packet."""


class Media(Protocol):
    """The engine's one way to nodes and back."""

    def fanout(self, packet: bytearray) -> Sender:
        """Return a sender of what will be in `packet`, whose memory must not move."""

    def receive(self) -> tuple[bytes, int, Address]:
        """Return a datagram, the CLOCK_MONOTONIC of its arrival, and its sender; raises OSError, BlockingIOError
        where nothing is left."""

    def sendto(self, data: bytes | bytearray, address: Address, /) -> int:
        """Send one datagram; raises OSError."""

    def getsockname(self) -> Address:
        """Return where it is bound."""

    def fileno(self) -> int:
        """Return its descriptor."""


class MediaSocket(socket.socket):
    """The media socket of this machine."""

    def fanout(self, packet: bytearray) -> Fanout:
        """Return a sender of what will be in `packet`, whose memory must not move."""
        return Fanout(self, packet)

    def receive(self) -> tuple[bytes, int, Address]:
        """Return a datagram, the CLOCK_MONOTONIC of its arrival, and its sender; raises OSError."""
        data, ancillary, _, address = self.recvmsg(_MOST_BYTES, 64)
        return data, _arrival_ns(ancillary), (address[0], address[1])


def _arrival_ns(ancillary: list[tuple[int, int, bytes]]) -> int:
    """Return the CLOCK_MONOTONIC of a datagram's arrival, from the kernel's stamp (UTC) where it is sane."""
    now_ns = time.monotonic_ns()
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS and len(data) >= 16:
            seconds, nanoseconds = struct.unpack_from("=qq", data)
            age_ns = time.time_ns() - (seconds * 1_000_000_000 + nanoseconds)
            if 0 <= age_ns < _OLDEST_STAMP_NS:
                return int(now_ns - age_ns)
    return now_ns


def open_media(settings: EngineSettings) -> MediaSocket:
    """Return the bound non-blocking socket; raises OSError that names the address."""
    media = MediaSocket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        media.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        for ordinary, forced in ((socket.SO_SNDBUF, _SO_SNDBUFFORCE), (socket.SO_RCVBUF, _SO_RCVBUFFORCE)):
            media.setsockopt(socket.SOL_SOCKET, ordinary, BUFFER_BYTES)
            with contextlib.suppress(OSError):  # beyond the system's limit only with CAP_NET_ADMIN
                media.setsockopt(socket.SOL_SOCKET, forced, BUFFER_BYTES)
        media.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, _EXPEDITED_FORWARDING)
        media.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, settings.multicast_ttl)
        if settings.multicast_interface:
            media.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(settings.multicast_interface))
        media.bind((settings.host, settings.port))
        media.setblocking(False)
    except OSError as error:
        media.close()
        raise OSError(error.errno, f"media socket {settings.host}:{settings.port}: {error.strerror}") from error
    return media
