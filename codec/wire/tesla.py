"""TESLA (RFC 4082): one sender, many receivers that can check what it says and cannot say it themselves.

Media time is cut into intervals of `interval_us`, counted from its zero. Interval i has a key of its own, K_i; the keys
are a chain, each the hash of the next one, so that whoever has K_i can make every earlier one and no later one:

    K_(i-1) = the first 16 bytes of HMAC-SHA-256(salt, K_i | 0)
    the key of tags of interval i = HMAC-SHA-256(salt, K_i | 1)

What is said in interval i carries a tag under that key. K_i itself is told `lag` intervals later, when nothing that is
said in interval i can be on its way any more: a receiver that knows the sender's time well enough to say that K_i was
not yet told when a packet came keeps it until K_i is there, and then knows who made it.
"""

import struct

from .errors import WireError
from .mac import Mac

KEY_BYTES = 16
SALT_BYTES = 16
TAG_BYTES = 12
"""Of a packet: 96 bits, whose one chance is the interval in which it is sent."""
SEAL_BYTES = 24
"""What :func:`seal` puts before a body: the interval (8 bytes) and a tag of 16."""
MAX_LAG = 64
MIN_INTERVAL_US = 5000
MAX_INTERVAL_US = 1000000
EARLY_SHARE = 2
"""A packet leaves at most this part of its frame before its media time, and the key that it carries with it."""

_STEP = b"\0"
_TAGS = b"\1"
_SEAL_TAG_BYTES = 16


class Chain:
    """What receiver and sender share of a chain: its salt and the arithmetic of its keys."""

    def __init__(self, salt: bytes) -> None:
        self.salt = salt
        self._mac = Mac(salt)

    def before(self, key: bytes, steps: int = 1) -> bytes:
        """Return the key `steps` intervals before that of `key`."""
        digest = self._mac.digest
        for _ in range(steps):
            key = digest(key, _STEP)[:KEY_BYTES]
        return key

    def tags(self, key: bytes) -> Mac:
        """Return what makes the tags of the interval of `key`."""
        return Mac(self._mac.digest(key, _TAGS))


class Terms:
    """How a sender uses its chain. name: a profile's. interval_us: length of an interval. lag: in intervals."""

    def __init__(self, name: str, interval_us: int, lag: int) -> None:
        self.name = name
        self.interval_us = interval_us
        self.lag = lag

    def interval(self, media_us: int) -> int:
        """Return the interval in which `media_us` lies."""
        return media_us // self.interval_us

    def told_us(self, interval: int) -> int:
        """Return the media time from which on the key of `interval` may be told."""
        return (interval + self.lag) * self.interval_us


def seal(body: bytes, interval: int, tags: Mac) -> bytes:
    """Return `body` as it is said in `interval`, whose tags `tags` makes: 24 bytes and the body.

     0               1               2               3
    +---------------------------------------------------------------+
    |                     interval (64 bits)                        |
    +---------------------------------------------------------------+
    |                     tag (128 bits)                            |
    +---------------------------------------------------------------+
    |                     body ...
    """
    head = struct.pack(">q", interval)
    return head + tags.digest(head, body)[:_SEAL_TAG_BYTES] + body


def parse_seal(raw: bytes) -> tuple[int, bytes, bytes]:
    """Return ``(interval, tag, body)`` of a sealed body, of which nothing is checked yet; raises WireError."""
    if len(raw) < SEAL_BYTES:
        raise WireError("sealed body cut off")
    interval: int = struct.unpack_from(">q", raw, 0)[0]
    if interval < 0:
        raise WireError("negative interval")
    return interval, raw[8:SEAL_BYTES], raw[SEAL_BYTES:]


def seal_tag(interval: int, body: bytes, tags: Mac) -> bytes:
    """Return the tag that a sealed body must have."""
    return tags.digest(struct.pack(">q", interval), body)[:_SEAL_TAG_BYTES]
