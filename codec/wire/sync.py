"""Time exchanges between a node and the controller, over the same UDP socket as the audio.

The node asks, the controller answers: four time stamps (as NTP's, RFC 5905 section 8) from which the node computes
offset and round trip. Because they leave from the node's audio socket they also keep the way back through a NAT open
and tell the controller where to send. A reply is exactly as long as a request, so the service amplifies nothing.

     0               1               2               3
    +---------------+---------------+-------------------------------+
    | 0x4C ('L')    | type 1 or 2   |           sequence            |
    +---------------+---------------+-------------------------------+
    |                     node tag (64 bits)                        |
    +---------------------------------------------------------------+
    |   t1: node's local microseconds at sending (64 bits)          |
    +---------------------------------------------------------------+
    |   t2: media microseconds at arrival (64 bits; 0 in a request) |
    +---------------------------------------------------------------+
    |   t3: media microseconds at sending (64 bits; 0 in a request) |
    +---------------------------------------------------------------+

`local` is the node's own unwrapped counter, `media` the controller's media clock; the two are never mixed. Nodes of one
village exchange the same among each other: then t2 and t3 are the counter of the node that leads (:mod:`.beacon`).
"""

import struct

from .errors import WireError

SIZE = 36
MAGIC = 0x4C
REQUEST = 1
REPLY = 2
_FORMAT = ">BBH8sqqq"


def is_sync(data: bytes) -> bool:
    """True when `data` claims to be a time exchange."""
    return len(data) > 0 and data[0] == MAGIC


def pack_request(sequence: int, node_tag: bytes, t1_local_us: int) -> bytes:
    """Return the 36 bytes of a request; `node_tag` is 8 bytes (:func:`codec.wire.names.node_tag`)."""
    return struct.pack(_FORMAT, MAGIC, REQUEST, sequence & 0xFFFF, node_tag, t1_local_us, 0, 0)


def pack_reply(request: bytes, t2_media_us: int, t3_media_us: int) -> bytearray:
    """Return the reply to the raw bytes of a request that :func:`parse_request` accepted."""
    reply = bytearray(request)
    reply[1] = REPLY
    struct.pack_into(">qq", reply, 20, t2_media_us, t3_media_us)
    return reply


def parse_request(data: bytes) -> tuple[int, bytes, int]:
    """Return ``(sequence, node_tag, t1_local_us)``; raises WireError."""
    sequence, tag, t1, _, _ = _parse(data, REQUEST)
    return sequence, tag, t1


def parse_reply(data: bytes) -> tuple[int, bytes, int, int, int]:
    """Return ``(sequence, node_tag, t1_local_us, t2_media_us, t3_media_us)``; raises WireError."""
    sequence, tag, t1, t2, t3 = _parse(data, REPLY)
    if t3 < t2:
        raise WireError("time reply sent before its request came")
    return sequence, tag, t1, t2, t3


def _parse(data: bytes, kind: int) -> tuple[int, bytes, int, int, int]:
    if len(data) != SIZE:
        raise WireError("time exchange is not 36 bytes")
    magic, found, sequence, tag, t1, t2, t3 = struct.unpack(_FORMAT, data)
    if magic != MAGIC or found != kind:
        raise WireError("not the expected time exchange")
    if t1 < 0 or t2 < 0 or t3 < 0:
        raise WireError("negative time")
    return sequence, tag, t1, t2, t3
