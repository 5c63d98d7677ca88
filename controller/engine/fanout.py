"""One packet to many addresses: ``sendmmsg`` over arrays that are built when the members change, not when a
packet leaves.

All messages of a zone share one packet, so a packet costs one store of its length and one system call for
BATCH members.
"""

import ctypes
import errno
import select
import socket
import struct
import time
from collections.abc import Sequence

import numpy as np

from controller.engine.plan import Address

BATCH = 1024
"""The kernel takes no more messages in one call (UIO_MAXIOV)."""
WAIT_MS = 5
"""How long full send buffers are waited for in one frame; longer, and it would be late for everybody."""
_QUEUE_S = 0.0005


class _Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


class _Msghdr(ctypes.Structure):
    # Pointers as size_t, so that numpy can fill whole columns.
    _fields_ = [
        ("name", ctypes.c_size_t),
        ("name_length", ctypes.c_uint32),
        ("iov", ctypes.c_size_t),
        ("iov_count", ctypes.c_size_t),
        ("control", ctypes.c_size_t),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    ]


class _Mmsghdr(ctypes.Structure):
    _fields_ = [("header", _Msghdr), ("sent", ctypes.c_uint32)]


_SOCKADDR_BYTES = 16
_TRANSIENT = (errno.EAGAIN, errno.EWOULDBLOCK, errno.ENOBUFS)
_sendmmsg = ctypes.CDLL(None, use_errno=True).sendmmsg
_sendmmsg.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int)


class _Destinations:
    """Where a packet goes: kept together, so that one assignment changes the list between two packets."""

    def __init__(self, addresses: Sequence[Address], iovec: int) -> None:
        self.count = len(addresses)
        # struct sockaddr_in: family in host order, port and address in network order.
        self._names = b"".join(
            struct.pack("=H", socket.AF_INET) + struct.pack("!H4s8x", port, socket.inet_aton(host))
            for host, port in addresses
        )
        names = np.frombuffer(self._names, np.uint8)
        self._headers = np.zeros(self.count, np.dtype(_Mmsghdr))
        headers = self._headers["header"]
        headers["name"] = names.ctypes.data + _SOCKADDR_BYTES * np.arange(self.count)
        headers["name_length"] = _SOCKADDR_BYTES
        headers["iov"] = iovec
        headers["iov_count"] = 1
        self.address = self._headers.ctypes.data


class Fanout:
    """Sends what is in `packet`, whose memory must not move, by the non-blocking UDP socket `media`."""

    def __init__(self, media: socket.socket, packet: bytearray) -> None:
        self.sent = 0
        self.errors = 0
        self._fd = media.fileno()
        self._packet = (ctypes.c_char * len(packet)).from_buffer(packet)
        self._iovec = _Iovec(ctypes.addressof(self._packet), 0)
        self._addresses: list[Address] = []
        self._destinations = _Destinations((), ctypes.addressof(self._iovec))

    @property
    def members(self) -> int:
        """How many addresses a packet goes to."""
        return self._destinations.count

    def set_members(self, addresses: Sequence[Address]) -> None:
        """Send to `addresses` (IPv4) from the next packet on; one being sent goes to the old ones."""
        if list(addresses) == self._addresses:
            return
        self._addresses = list(addresses)
        self._destinations = _Destinations(addresses, ctypes.addressof(self._iovec))

    def send(self, length: int) -> None:
        """Send the first `length` bytes of the packet to every member, whatever happens with one of them."""
        self._iovec.length = length
        destinations = self._destinations
        done = 0
        deadline_s = 0.0
        while done < destinations.count:
            batch = min(BATCH, destinations.count - done)
            sent = _sendmmsg(self._fd, destinations.address + done * ctypes.sizeof(_Mmsghdr), batch, 0)
            if sent > 0:
                done += sent
                self.sent += sent
                continue
            reason = ctypes.get_errno()
            if reason == errno.EINTR:
                continue
            if reason in _TRANSIENT:
                now_s = time.monotonic()
                deadline_s = deadline_s or now_s + WAIT_MS / 1000
                if now_s >= deadline_s:
                    self.errors += destinations.count - done
                    return
                _wait_writable(self._fd, reason, deadline_s - now_s)
                continue
            done += 1  # unreachable, forbidden, …: this member's alone
            self.errors += 1


def _wait_writable(fd: int, reason: int, most_s: float) -> None:
    if reason == errno.ENOBUFS:  # the interface's queue is full, not the socket's: poll would return at once
        time.sleep(min(most_s, _QUEUE_S))
        return
    poller = select.poll()
    poller.register(fd, select.POLLOUT)
    poller.poll(most_s * 1000)
