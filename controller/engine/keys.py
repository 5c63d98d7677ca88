"""A chain of keys as its maker has it (codec.wire.tesla): some of its keys, from which all others are made."""

import hashlib
import hmac
from typing import Any

from codec.wire import body
from codec.wire.tesla import KEY_BYTES, SALT_BYTES

STRIDE = 512
MAX_LENGTH = 1 << 18
"""Intervals of one chain; caps what a message makes the engine hold and compute."""
_STEP = b"\0"


class SecretChain:
    """The keys of the intervals `first` to `last`; the one before `first` too, which proves nothing."""

    def __init__(self, salt: bytes, first: int, last: int, kept: list[bytes]) -> None:
        """kept: the keys of `last`, `last` - STRIDE and so on, down to and with the one below `first`'s stride."""
        self.salt = salt
        self.first = first
        self.last = last
        self.kept = kept
        self._segment: list[bytes] = []
        self._segment_number = -1

    @classmethod
    def make(cls, salt: bytes, seed: bytes, first: int, length: int) -> "SecretChain":
        """Return the chain of `length` intervals from `first` on whose last key is `seed`; some 0.8 us an interval."""
        kept = [seed]
        while (len(kept) - 1) * STRIDE < length:
            kept.append(_back(salt, kept[-1], STRIDE))
        return cls(salt, first, first + length - 1, kept)

    def key(self, interval: int) -> bytes:
        """Return the key of an interval from `first` - 1 to `last`; one thread at a time."""
        if not self.first - 1 <= interval <= self.last:
            raise ValueError(f"interval {interval} is not of this chain")
        number, back = divmod(self.last - interval, STRIDE)
        if number != self._segment_number:
            key = self.kept[number]
            self._segment = [key]
            for _ in range(STRIDE - 1):
                key = _back(self.salt, key, 1)
                self._segment.append(key)
            self._segment_number = number
        return self._segment[back]

    def message(self) -> dict[str, Any]:
        """Return it as the engine is told of it."""
        return {
            "salt": self.salt.hex(),
            "first": self.first,
            "last": self.last,
            "keys": [key.hex() for key in self.kept],
        }


def parse_chain(entry: dict[str, Any]) -> SecretChain:
    """Return the chain in a message; raises WireError, ValueError."""
    first = body.integer(entry, "first", 0, 1 << 53)
    last = body.integer(entry, "last", first, first + MAX_LENGTH - 1)
    keys = entry.get("keys")
    if not isinstance(keys, list) or len(keys) != -(-(last - first + 1) // STRIDE) + 1:
        raise ValueError("keys must be one in each stride")
    kept = [bytes.fromhex(key) for key in keys]
    if any(len(key) != KEY_BYTES for key in kept):
        raise ValueError("a key has 16 bytes")
    return SecretChain(body.octets(entry, "salt", SALT_BYTES), first, last, kept)


def _back(salt: bytes, key: bytes, steps: int) -> bytes:
    for _ in range(steps):
        key = hmac.digest(salt, key + _STEP, hashlib.sha256)[:KEY_BYTES]
    return key
