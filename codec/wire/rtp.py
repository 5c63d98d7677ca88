"""RTP packets (RFC 3550) with our element in an RFC 8285 one-byte header extension.

     0                   1                   2                   3
     0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
    +---+-+-+-------+-+-------------+-------------------------------+
    |V=2|P|X|  CC   |M|     PT      |        sequence number        |
    +---+-+-+-------+-+-------------+-------------------------------+
    |                           timestamp                           |
    +---------------------------------------------------------------+
    |                             SSRC                              |
    +-------------------------------+-------------------------------+
    |       0xBE    |    0xDE       |           length = 9          |
    +-------+-------+---------------+-------------------------------+
    | ID=1  | len=3 |         frame index (32 bits) ...
    +-------+-------+-------+-------+-------------------------------+
      ...           |  ID=2 | len=11|      tag (96 bits) ...
    +---------------+-------+-------+-------+-------+---------------+
      ...                           | ID=3  | len=15|
    +-------------------------------+-------+-------+               +
    |                     key of an earlier interval (128 bits)     |
    +                                               +---------------+
    |                                               |    0 (pad)    |
    +-----------------------------------------------+---------------+
    |                          payload ...

The tag is over the packet without the tag's own bytes. With ID=2 it is the sender's (:mod:`.tesla`); with ID=4 in its
place it is under the key of the one node that the packet is sent to, as those are that a node asked for again.

The frame index counts frames from the stream's first one and does not wrap in years, so that a node that slept or
rebooted knows the media time of any single packet: ``media0_us + index * frame_us``. The sequence number is its low
half and the timestamp its product with the frame's length, offset so that nothing wraps in step.
"""

import struct

from .errors import WireError
from .mac import Mac

HEADER_BYTES = 52
"""Bytes of the header that :func:`pack_header` writes, extension included."""
MAX_PACKET_BYTES = 1400
"""The largest packet made or accepted: fits every path without IP fragments; larger is an attack or a mistake."""
EXTENSION_URIS = ((1, "urn:loaxa:frame-index:1"), (2, "urn:loaxa:tag:1"), (3, "urn:loaxa:key:1"))
EXTENSION_ID = 1
TAG_AT = 22
KEY_AT = 35
"""Where tag and key are in the packets that :func:`pack_header` begins."""
TAG_BYTES = 12
KEY_BYTES = 16
BY_SENDER = 2
BY_NODE_KEY = 4
PAYLOAD_TYPE_OPUS = 96
CLOCK_RATE = 48000

_FIXED = ">BBHII"
_OURS = ">BBHIIHHBIB12xB16xx"
_WORDS = 9
_INDEX_HEAD = EXTENSION_ID << 4 | 3
_TAG_HEAD = BY_SENDER << 4 | TAG_BYTES - 1
_NODE_TAG_HEAD = BY_NODE_KEY << 4 | TAG_BYTES - 1
_KEY_HEAD = 3 << 4 | KEY_BYTES - 1
_PROFILE_ONE_BYTE = 0xBEDE


def is_rtp(data: bytes) -> bool:
    """True when the first byte of `data` is that of RTP version 2; our other datagrams start differently."""
    return len(data) > 0 and data[0] & 0xC0 == 0x80


def pack_header(
    buffer: bytearray | memoryview,
    offset: int,
    marker: bool,
    payload_type: int,
    frame_index: int,
    timestamp: int,
    ssrc: int,
) -> None:
    """Write the 52 header bytes of one packet into `buffer` at `offset`, tag and key still 0.

    `timestamp` is in RTP clock ticks and taken modulo 2^32; `frame_index` is 0 to 2^32 - 1.
    """
    struct.pack_into(
        _OURS,
        buffer,
        offset,
        0x90,
        (0x80 if marker else 0) | payload_type,
        frame_index & 0xFFFF,
        timestamp & 0xFFFFFFFF,
        ssrc,
        _PROFILE_ONE_BYTE,
        _WORDS,
        _INDEX_HEAD,
        frame_index,
        _TAG_HEAD,
        _KEY_HEAD,
    )


def put_tag(packet: bytearray | memoryview, tags: Mac, kind: int = BY_SENDER) -> None:
    """Tag a whole packet that :func:`pack_header` began, under `tags`."""
    packet[TAG_AT - 1] = kind << 4 | TAG_BYTES - 1
    packet[TAG_AT : TAG_AT + TAG_BYTES] = tag(packet, tags)


def tag(packet: bytes | bytearray | memoryview, tags: Mac) -> bytes:
    """Return the tag that a packet must have."""
    view = memoryview(packet)
    return tags.digest(view[:TAG_AT], view[TAG_AT + TAG_BYTES :])[:TAG_BYTES]


def tag_kind(packet: bytes | bytearray | memoryview) -> int:
    """Return whose tag a packet bears: BY_SENDER, BY_NODE_KEY, or 0 where it has none at its place."""
    if len(packet) <= HEADER_BYTES or packet[0] & 0x3F != 0x10 or packet[14] or packet[15] != _WORDS:
        return 0
    if packet[16] != _INDEX_HEAD or packet[KEY_AT - 1] != _KEY_HEAD:
        return 0
    head = packet[TAG_AT - 1]
    return BY_SENDER if head == _TAG_HEAD else BY_NODE_KEY if head == _NODE_TAG_HEAD else 0


def parse(data: bytes, ours: bool = True) -> tuple[int, int | None, int, int, int, bool, int, int]:
    """Return ``(ssrc, frame_index, timestamp, sequence, payload_type, marker, payload_offset, payload_end)``.

    `frame_index` is None when the packet carries none, as one of other equipment does. Raises WireError for anything
    that is truncated, oversized or not RTP version 2, and for a frame index that contradicts the sequence number.
    With `ours` False the packet is other equipment's: our element's number means what it likes there (RFC 8285
    section 5), so no extension is looked into and `frame_index` is None.
    """
    size = len(data)
    if size > MAX_PACKET_BYTES:
        raise WireError("packet larger than 1400 bytes")
    if size < 12:
        raise WireError("packet shorter than an RTP header")
    first, second, sequence, timestamp, ssrc = struct.unpack_from(_FIXED, data, 0)
    if first & 0xC0 != 0x80:
        raise WireError("not RTP version 2")
    offset = 12 + 4 * (first & 0x0F)
    end = size
    if first & 0x20:
        if data[size - 1] == 0:
            raise WireError("RTP padding of no length")
        end = size - data[size - 1]
    frame_index = None
    if first & 0x10:
        if offset + 4 > end:
            raise WireError("RTP header extension cut off")
        profile, words = struct.unpack_from(">HH", data, offset)
        offset += 4
        extension_end = offset + 4 * words
        if extension_end > end:
            raise WireError("RTP header extension cut off")
        if ours and profile == _PROFILE_ONE_BYTE:
            frame_index = _find_frame_index(data, offset, extension_end)
        offset = extension_end
    if offset >= end:
        raise WireError("RTP packet without payload")
    if frame_index is not None and frame_index & 0xFFFF != sequence:
        raise WireError("frame index contradicts the sequence number")
    return ssrc, frame_index, timestamp, sequence, second & 0x7F, second >= 0x80, offset, end


def _find_frame_index(data: bytes, offset: int, end: int) -> int | None:
    while offset < end:
        head = data[offset]
        offset += 1
        if head == 0:  # padding between elements (RFC 8285 section 4.1)
            continue
        identifier = head >> 4
        length = (head & 0x0F) + 1
        if identifier == 15:  # reserved: stop parsing here (RFC 8285 section 4.2)
            return None
        if offset + length > end:
            raise WireError("RTP extension element cut off")
        if identifier == EXTENSION_ID:
            if length != 4:
                raise WireError("frame index is not 4 bytes")
            found: int = struct.unpack_from(">I", data, offset)[0]
            return found
        offset += length
    return None
