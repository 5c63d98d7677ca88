"""Asking again for lost frames: RTCP's generic NACK (RFC 4585 sections 6.1 and 6.2.1), in a datagram of its own.

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +---+-+---------+---------------+-------------------------------+
    |V=2|0| FMT = 1 |   PT = 205    |   length: 32-bit words - 1    |
    +---+-+---------+---------------+-------------------------------+
    |             first four bytes of the node tag                  |
    +---------------------------------------------------------------+
    |                     SSRC of the stream                        |
    +-------------------------------+-------------------------------+
    |      sequence number          |  bit i: that + 1 + i as well  |  1 to 16 times
    +-------------------------------+-------------------------------+

It comes by the media socket and is told from audio by its second byte, as RFC 5761 section 4 has it. What is asked for
comes as an ordinary packet of the stream.
"""

import struct

from .errors import WireError

MAX_FIELDS = 16
MAX_FRAMES = 17 * MAX_FIELDS
PAYLOAD_TYPE = 205
_FIRST = 0x81
_HEADER = ">BBH4sI"
_HEADER_BYTES = 12


def is_nack(data: bytes) -> bool:
    """True when `data` claims to be a NACK."""
    return len(data) > 1 and data[0] & 0xC0 == 0x80 and data[1] == PAYLOAD_TYPE


def build(node_tag: bytes, ssrc: int, frames: list[int]) -> bytes:
    """Return the bytes that ask for `frames`, ascending frame indices; what MAX_FIELDS do not hold is left out."""
    fields: list[tuple[int, int]] = []
    first = mask = 0
    for frame in frames:
        if fields and 0 < frame - first <= 16:
            mask |= 1 << (frame - first - 1)
            fields[-1] = (first & 0xFFFF, mask)
        elif len(fields) < MAX_FIELDS:
            first, mask = frame, 0
            fields.append((first & 0xFFFF, 0))
        else:
            break
    data = struct.pack(_HEADER, _FIRST, PAYLOAD_TYPE, 2 + len(fields), node_tag[:4], ssrc)
    for field in fields:
        data += struct.pack(">HH", field[0], field[1])
    return data


def parse(data: bytes) -> tuple[bytes, int, list[int]]:
    """Return ``(first four bytes of the tag, ssrc, sequence numbers)``; raises WireError."""
    size = len(data)
    if not _HEADER_BYTES < size <= _HEADER_BYTES + 4 * MAX_FIELDS or size & 3:
        raise WireError("NACK of no or too many fields")
    first, kind, words, tag, ssrc = struct.unpack_from(_HEADER, data, 0)
    if first != _FIRST or kind != PAYLOAD_TYPE or words != size // 4 - 1:
        raise WireError("not a generic NACK")
    sequences: list[int] = []
    for offset in range(_HEADER_BYTES, size, 4):
        sequence, mask = struct.unpack_from(">HH", data, offset)
        sequences.append(sequence)
        for bit in range(16):
            if mask >> bit & 1:
                sequences.append((sequence + 1 + bit) & 0xFFFF)
    return tag, ssrc, sequences
