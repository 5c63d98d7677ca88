"""Datagrams on MicroPython's asyncio, the same for every board."""

import asyncio
import errno
import socket
import struct

# Read a packet of 1401 bytes as too long, not as one cut to fit.
MAX_DATAGRAM_BYTES = 1500
_FIRST_BYTES = 256
# lwIP has a number of its own and names it; Linux has 35 and MicroPython there does not name it.
_IP_ADD_MEMBERSHIP = getattr(socket, "IP_ADD_MEMBERSHIP", 35)
_IPPROTO_IP = 0
_LINUX_IP_MULTICAST_IF = 32


def resolve(host, port):
    """Return the socket address of a UDP peer; may block for a name server."""
    return socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_DGRAM)[0][-1]


class Udp:
    """A non-blocking socket; `peer` is the one address that counts, None for any.

    A datagram is read into a piece of the heap as long as the longest that may come: of 1500 bytes each there is soon
    none left in a small heap. So reading begins with short ones, and the first that is longer comes as an empty one.
    most_bytes: longer ones are cut.
    """

    def __init__(self, peer, bind_to=None, most_bytes=MAX_DATAGRAM_BYTES):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._peer = peer
        self._most_bytes = most_bytes
        self._bytes = min(_FIRST_BYTES, most_bytes)
        self.source = None
        if bind_to is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.bind(bind_to)

    def join(self, group, interface="0.0.0.0"):
        """Join a multicast group."""
        request = _ipv4(group) + _ipv4(interface)
        self._socket.setsockopt(_IPPROTO_IP, _IP_ADD_MEMBERSHIP, request)

    def send_by(self, interface):
        """Send multicast by the interface with this address; on Linux only."""
        self._socket.setsockopt(_IPPROTO_IP, _LINUX_IP_MULTICAST_IF, _ipv4(interface))

    def send(self, data, to=None):
        """Send to the peer, or to the address `to`, or lose the datagram."""
        try:
            self._socket.sendto(data, to or self._peer)
        except OSError:
            pass  # a full queue or a missing route loses it as a network would

    def receive(self):
        """Return ``(data, from_peer)``, or None when nothing is there."""
        try:
            data, source = self._socket.recvfrom(self._bytes)
            self.source = source
        except MemoryError:
            self._bytes = min(_FIRST_BYTES, self._most_bytes)  # a stranger's long one may have made it greater
            raise
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.ECONNREFUSED, errno.ETIMEDOUT):
                raise
            return None
        from_peer = self._peer is None or source == self._peer
        if from_peer and len(data) == self._bytes < self._most_bytes:
            self._bytes = min(2 * self._bytes, self._most_bytes)
            data = b""
        return data, from_peer

    async def readable(self):
        """Wait until something has come."""
        yield asyncio.core._io_queue.queue_read(self._socket)

    def close(self):
        """Close the socket."""
        self._socket.close()


def _ipv4(text):
    parts = [int(part) for part in text.split(".")]
    return struct.pack("4B", parts[0], parts[1], parts[2], parts[3])
