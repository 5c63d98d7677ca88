"""TCP and TLS connections on MicroPython's asyncio, the same for every board."""

import asyncio
import errno
import gc
import socket

import tls

SERVER_NAME = "loaxa-broker"
"""What the broker's certificate is for, whatever its address is."""
_WRITE_BYTES = 1024

_context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
"""One for all connections, made first of all: later there is no piece of a small heap that is large enough."""
_made_of = []


def resolve(host, port):
    """Return the socket address of a TCP peer; may block for a name server."""
    return socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_STREAM)[0][-1]


async def connect(address, authorities=None):
    """Return asyncio streams (reader, writer); raises OSError.

    authorities: a list of certificates in PEM, from one of which the peer's must be; None: in the clear. Hands are
    shaken with the first write. Unlike asyncio.open_connection() it leaves no socket behind when it is cancelled.
    """
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.setblocking(False)
        try:
            made.connect(address)
        except OSError as error:
            if error.errno != errno.EINPROGRESS:
                raise
        await _writable(made)
        if authorities is None:
            stream = asyncio.StreamReader(made)
        else:
            stream = TlsStream(made, _make_context(authorities))
    except BaseException:
        made.close()
        raise
    return stream, stream


def check_authority(pem):
    """Raise ValueError when `pem` is not a certificate that connections can be verified by."""
    try:
        tls.SSLContext(tls.PROTOCOL_TLS_CLIENT).load_verify_locations(pem)
    except OSError as error:
        raise ValueError("no certificate: %s" % error)


async def _writable(made):
    yield asyncio.core._io_queue.queue_write(made)


def _make_context(authorities):
    """Return the context that trusts these authorities alone."""
    global _made_of, _context
    if _made_of != authorities:
        if _made_of or _context is None:
            # The new one takes the old one's place.
            _context = None
            gc.collect()
            _context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
        _context.verify_mode = tls.CERT_REQUIRED
        _made_of = list(authorities)
        for pem in authorities:
            _context.load_verify_locations(pem)
    return _context


class TlsStream:
    """What asyncio's stream is to a socket, to a TLS connection.

    It waits for the socket beneath where it can: MicroPython can wait for a TLS connection itself only by looking at it
    every millisecond.
    """

    def __init__(self, under, context):
        self._under = under
        self._over = context.wrap_socket(under, server_hostname=SERVER_NAME, do_handshake_on_connect=False)
        self._out = b""

    async def readexactly(self, count):
        """Return `count` bytes; raises EOFError, OSError."""
        found = b""
        while len(found) < count:
            piece = self._over.read(count - len(found))
            if piece is None:
                await _readable(self._under)
            elif not piece:
                raise EOFError
            else:
                found = found + piece if found else piece
        return found

    def write(self, data):
        """Have `data` sent by drain()."""
        self._out = self._out + data if self._out else data

    async def drain(self):
        """Return when everything is with the system; raises OSError, also when the peer is not who it should be."""
        left = memoryview(self._out)
        self._out = b""
        while left:
            # TLS must be offered the same bytes again that it could not take.
            piece = left[:_WRITE_BYTES]
            try:
                taken = self._over.write(piece)
            except ValueError as error:  # the certificate is wrong
                raise OSError("broker is not ours: " + str(error).strip())
            if taken is None:
                await _writable(self._over)  # it knows whether it waits to read or to write
            else:
                left = left[taken:]

    def close(self):
        """It is wait_closed() that closes."""

    async def wait_closed(self):
        """Close the connection and the socket beneath."""
        self._over.close()


async def _readable(made):
    yield asyncio.core._io_queue.queue_read(made)
