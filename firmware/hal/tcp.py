"""TCP connections on MicroPython's asyncio, the same for every board."""

import asyncio
import errno
import socket


def resolve(host, port):
    """Return the socket address of a TCP peer; may block for a name server."""
    return socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_STREAM)[0][-1]


async def connect(address):
    """Return asyncio streams (reader, writer). Unlike asyncio.open_connection() it leaves no socket behind when it
    is cancelled."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.setblocking(False)
        try:
            made.connect(address)
        except OSError as error:
            if error.errno != errno.EINPROGRESS:
                raise
        await _writable(made)
    except BaseException:
        made.close()
        raise
    stream = asyncio.StreamReader(made)
    return stream, stream


async def _writable(made):
    yield asyncio.core._io_queue.queue_write(made)
