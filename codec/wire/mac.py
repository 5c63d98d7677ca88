"""HMAC-SHA-256 (RFC 2104) for CPython and MicroPython, whose library has no hmac; and keys made of keys."""

import hashlib

KEY_BYTES = 32
"""Of a node's key; and of what :func:`derive` makes of it."""
BLOCK_BYTES = 64
_IPAD = int.from_bytes(b"\x36" * BLOCK_BYTES, "big")
_OPAD = int.from_bytes(b"\x5c" * BLOCK_BYTES, "big")


class Mac:
    """HMAC-SHA-256 under one key of at most 64 bytes, whose pads are made once."""

    def __init__(self, key: bytes) -> None:
        if len(key) > BLOCK_BYTES:
            raise ValueError("key longer than a block of SHA-256")
        # As numbers: a loop over bytes takes ten times as long on a node, which makes one of these for each packet.
        block = int.from_bytes(key, "big") << 8 * (BLOCK_BYTES - len(key))
        self._inner = (block ^ _IPAD).to_bytes(BLOCK_BYTES, "big")
        self._outer = (block ^ _OPAD).to_bytes(BLOCK_BYTES, "big")

    def digest(self, *parts: bytes | bytearray | memoryview) -> bytes:
        """Return the 32 bytes of the parts' concatenation."""
        inner = hashlib.sha256(self._inner)
        for part in parts:
            inner.update(part)
        outer = hashlib.sha256(self._outer)
        outer.update(inner.digest())
        return outer.digest()


def same(one: bytes | memoryview, other: bytes | memoryview) -> bool:
    """True when both are equal; takes as long wherever they differ, so that nobody can guess byte by byte."""
    if len(one) != len(other):
        return False
    different = 0
    for i in range(len(one)):  # by index: pairs of zip() would be garbage
        different |= one[i] ^ other[i]
    return different == 0


def derive(key: bytes, purpose: str) -> bytes:
    """Return the 32 bytes of a key for one purpose: none can be told from another, nor `key` from any of them."""
    return Mac(key).digest(purpose.encode())
