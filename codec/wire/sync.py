"""Time exchanges between a node and the controller, over the same UDP socket as the audio.

The node asks, the controller answers: four time stamps (as NTP's, RFC 5905 section 8) from which the node computes
offset and round trip. Because they leave from the node's audio socket they also keep the way back through a NAT open
and tell the controller where to send. A reply is exactly as long as a request, so the service amplifies nothing. Both
bear a tag under a key that the two alone have.

     0               1               2               3
    +---------------+---------------+-------------------------------+
    | 0x4C ('L')    | type 1 or 2   |           sequence            |
    +---------------+---------------+-------------------------------+
    |                     node tag (64 bits)                        |
    +---------------------------------------------------------------+
    |   t1: node's local microseconds at sending + b (64 bits)      |
    +---------------------------------------------------------------+
    |   t2: media microseconds at arrival (64 bits; 0 in a request) |
    +---------------------------------------------------------------+
    |   t3: media microseconds at sending (64 bits)                 |
    +---------------------------------------------------------------+
    |   tag (128 bits) of the 36 bytes before it                    |
    +---------------------------------------------------------------+

b is 56 random bits, drawn at each boot: without it a reply of an earlier boot, when the node's counter began anew as
well, would be one to a request of this.

t3 of a request is that of the last reply that its sender has had, or 0: who echoes it can be reached where it sends
from, which whoever sends another's old request from elsewhere cannot show.

`local` is the node's own unwrapped counter, `media` the controller's media clock; the two are never mixed. Nodes of one
village exchange the same among each other: then t2 and t3 are the counter of the node that leads (:mod:`.beacon`).
"""

import struct

from .errors import WireError
from .mac import Mac, same

SIZE = 52
TAG_BYTES = 16
_TAGGED = SIZE - TAG_BYTES
MAGIC = 0x4C
REQUEST = 1
REPLY = 2
_FORMAT = ">BBH8sqqq"


def is_sync(data: bytes) -> bool:
    """True when `data` claims to be a time exchange."""
    return len(data) > 0 and data[0] == MAGIC


def pack_request(sequence: int, node_tag: bytes, t1: int, key: Mac, echo_us: int = 0) -> bytes:
    """Return the bytes of a request; `node_tag` is 8 bytes (:func:`codec.wire.names.node_tag`).

    key: what both sides make tags with. echo_us: t3 of the last reply, 0 where there was none.
    """
    head = struct.pack(_FORMAT, MAGIC, REQUEST, sequence & 0xFFFF, node_tag, t1, 0, echo_us)
    return head + key.digest(head)[:TAG_BYTES]


def pack_reply(request: bytes, t2_media_us: int, t3_media_us: int, key: Mac) -> bytearray:
    """Return the reply to the raw bytes of a request that :func:`parse_request` accepted."""
    reply = bytearray(request)
    reply[1] = REPLY
    struct.pack_into(">qq", reply, 20, t2_media_us, t3_media_us)
    reply[_TAGGED:] = key.digest(memoryview(reply)[:_TAGGED])[:TAG_BYTES]
    return reply


def parse_request(data: bytes) -> tuple[int, bytes, int, int]:
    """Return ``(sequence, node_tag, t1, echo_us)``, whose tag is not checked; raises WireError."""
    sequence, tag, t1, _, t3 = _parse(data, REQUEST)
    return sequence, tag, t1, t3


def parse_reply(data: bytes) -> tuple[int, bytes, int, int, int]:
    """Return ``(sequence, node_tag, t1, t2_media_us, t3_media_us)``, the tag not checked; raises WireError."""
    sequence, tag, t1, t2, t3 = _parse(data, REPLY)
    if t3 < t2:
        raise WireError("time reply sent before its request came")
    return sequence, tag, t1, t2, t3


def genuine(data: bytes, key: Mac) -> bool:
    """True when an exchange that was parsed bears the tag of `key`."""
    view = memoryview(data)
    return same(view[_TAGGED:], key.digest(view[:_TAGGED])[:TAG_BYTES])


def _parse(data: bytes, kind: int) -> tuple[int, bytes, int, int, int]:
    if len(data) != SIZE:
        raise WireError("time exchange is not 52 bytes")
    magic, found, sequence, tag, t1, t2, t3 = struct.unpack_from(_FORMAT, data)
    if magic != MAGIC or found != kind:
        raise WireError("not the expected time exchange")
    if t1 < 0 or t2 < 0 or t3 < 0:
        raise WireError("negative time")
    return sequence, tag, t1, t2, t3
