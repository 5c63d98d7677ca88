"""A thousand members in one process: addresses of the loopback network, and the kernel's stamp of each arrival.

On loopback a packet arrives within the sender's own system call, so its arrival is when it left. One socket takes what
comes to all addresses of a zone and is read in batches every few milliseconds: the rig must neither take the cores that
the engine runs on, nor let packets pile up until the kernel's memory for them is cold.
"""

import ctypes
import socket
import time

import numpy as np
from numpy.typing import NDArray

from codec.wire import rtp

_BATCH = 1024
_RECEIVE_BUFFER_BYTES = 4 << 20
_PACKET_BYTES, _CONTROL_BYTES = 64, 64
_SO_TIMESTAMPNS = 35
_libc = ctypes.CDLL(None, use_errno=True)

_IOVEC = np.dtype([("base", np.uintp), ("length", np.uintp)], align=True)
_MESSAGE = np.dtype(
    {
        "names": [
            "name",
            "name_length",
            "iov",
            "iov_count",
            "control",
            "control_length",
            "flags",
            "received",
        ],
        "formats": [np.uintp, np.uint32, np.uintp, np.uintp, np.uintp, np.uintp, np.int32, np.uint32],
        "offsets": [0, 8, 16, 24, 32, 40, 48, 56],
        "itemsize": 64,
    }
)
"""``struct mmsghdr`` of 64-bit Linux."""
_HEADER = np.dtype(
    [
        ("_start", ">u2"),
        ("sequence", ">u2"),
        ("timestamp", ">u4"),
        ("ssrc", ">u4"),
        ("_profile", ">u4"),
        ("_element", "u1"),
        ("frame_index", ">u4"),
        ("_rest", "V31"),
    ]
)


class Sink:
    """`zones` sockets with `members` addresses each, as ``addresses[zone][member]``.

    Rows of `arrivals`: SSRC, frame index, arrival on CLOCK_MONOTONIC in ns.
    """

    def __init__(self, zones: int, members: int) -> None:
        self._sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(zones)]
        self.addresses: list[list[tuple[str, int]]] = []
        for zone, sink in enumerate(self._sockets):
            sink.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            sink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
            sink.bind(("0.0.0.0", 0))
            sink.setblocking(False)
            port = sink.getsockname()[1]
            self.addresses.append([(f"127.1.{zone}.{member + 1}", port) for member in range(members)])
        self.arrivals: list[NDArray[np.int64]] = []
        self._offset_ns = time.monotonic_ns() - time.time_ns()
        self._packets = np.zeros((_BATCH, _PACKET_BYTES), np.uint8)
        self._control = np.zeros((_BATCH, _CONTROL_BYTES), np.uint8)
        self._vectors = np.zeros(_BATCH, _IOVEC)
        self._vectors["base"] = self._packets.ctypes.data + _PACKET_BYTES * np.arange(_BATCH)
        self._vectors["length"] = _PACKET_BYTES
        self._headers = np.zeros(_BATCH, _MESSAGE)
        self._headers["iov"] = self._vectors.ctypes.data + _IOVEC.itemsize * np.arange(_BATCH)
        self._headers["iov_count"] = 1
        self._headers["control"] = self._control.ctypes.data + _CONTROL_BYTES * np.arange(_BATCH)

    def drain(self) -> None:
        """Take what has arrived at every socket."""
        for sink in self._sockets:
            while (count := self._receive(sink.fileno())) > 0:
                packets = self._packets[:count, : _HEADER.itemsize].copy().view(_HEADER)[:, 0]
                stamps = self._control[:count].view(np.int64)  # cmsghdr is 16 bytes, then seconds and nanoseconds
                arrivals_ns = stamps[:, 2] * 1_000_000_000 + stamps[:, 3] + self._offset_ns
                columns = (
                    packets["ssrc"].astype(np.int64),
                    packets["frame_index"].astype(np.int64),
                    arrivals_ns,
                )
                self.arrivals.append(np.stack(columns, axis=1))
                if count < _BATCH:
                    break

    def close(self) -> None:
        """Close the sockets."""
        for sink in self._sockets:
            sink.close()

    def _receive(self, fd: int) -> int:
        self._headers["control_length"] = _CONTROL_BYTES
        return int(_libc.recvmmsg(fd, ctypes.c_void_p(self._headers.ctypes.data), _BATCH, 0, None))


assert _HEADER.itemsize == rtp.HEADER_BYTES
