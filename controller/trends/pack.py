"""A frame to bytes and back, without loss: columns less their step, delta coded where that is shorter, and zlib.

The bytes, all of it compressed by zlib: version (1 byte), length of the header (4 bytes, big-endian), header in JSON,
then each column's nulls, a bit a row, where it has some, and its values as `width` planes of bytes, least significant
first. ``[rows, [[name, form, width, base, step, words], ...]]``: form is the sum of NULLS, DELTA and WORDS; a value is
``base + step * x``, x unsigned and little-endian; with DELTA x is the zigzag-coded difference to the x before it.
"""

import json
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from controller.trends.frame import MAX_VALUE, NOTHING, Column, Frame, Words

VERSION = 1
MAX_BYTES = 64 * 1024 * 1024
"""Of a frame once unpacked: a page of the database that went bad must not take all memory."""
MAX_ROWS = 1_000_000
_NULLS, _DELTA, _WORDS = 1, 2, 4
_HEAD_BYTES = 5
_NOISE_BYTES = 256
"""A column of at least so many bytes gets a code of its own: it is unlike the columns beside it."""


class PackError(ValueError):
    """These bytes are no frame."""


def pack(frame: Frame, level: int = 6) -> bytes:
    """Return the bytes of a frame; columns that are null throughout are left out. level: of zlib."""
    entries: list[list[Any]] = []
    bodies: list[bytes] = []
    for name, values in frame.numbers.items():
        _add(entries, bodies, name, values)
    for name, each in frame.words.items():
        _add(entries, bodies, name, each.codes, each.vocabulary)
    header = json.dumps([frame.rows, entries], separators=(",", ":"), ensure_ascii=False).encode()
    packer = zlib.compressobj(level, memLevel=9)
    parts = [packer.compress(bytes([VERSION]) + len(header).to_bytes(4, "big") + header)]
    for body in bodies:
        if len(body) >= _NOISE_BYTES:
            parts.append(packer.flush(zlib.Z_BLOCK))
        parts.append(packer.compress(body))
    parts.append(packer.flush())
    return b"".join(parts)


def unpack(raw: bytes) -> Frame:
    """Return the frame of bytes that `pack` made; raises PackError."""
    try:
        unpacker = zlib.decompressobj()
        plain = unpacker.decompress(raw, MAX_BYTES)
        if not unpacker.eof or plain[0] != VERSION:
            raise PackError("cut off, too long, or of another version")
        at = _HEAD_BYTES + int.from_bytes(plain[1:_HEAD_BYTES], "big")
        rows, entries = json.loads(plain[_HEAD_BYTES:at])
        if not 0 <= rows <= MAX_ROWS:
            raise PackError("too many rows")
        numbers: dict[str, Column] = {}
        words: dict[str, Words] = {}
        for name, form, width, base, step, vocabulary in entries:
            values, at = _column(plain, at, rows, (form, width, base, step))
            if form & _WORDS:
                known = values != NOTHING
                if known.any() and not 0 <= values[known].min() <= values[known].max() < len(vocabulary):
                    raise PackError("a word without a name")
                words[name] = Words(values, tuple(vocabulary))
            else:
                numbers[name] = values
    except PackError:
        raise
    except (zlib.error, ValueError, TypeError, IndexError, OverflowError, RecursionError) as error:
        raise PackError(f"no frame: {error}") from None
    return Frame(rows, numbers, words)


def _add(entries: list[list[Any]], bodies: list[bytes], name: str, values: Column, words: tuple[str, ...] = ()) -> None:
    known = values != NOTHING
    present = values[known]
    if not len(present):
        return
    form = _WORDS if words else 0
    nulls = b""
    if len(present) < len(values):
        form |= _NULLS
        nulls = np.packbits(known).tobytes()
    base = int(present.min())
    if int(present.max()) > MAX_VALUE or base < -MAX_VALUE:
        raise ValueError(f"{name}: a value of more than 2 to the 60th")
    from_base = present - base
    step = int(np.gcd.reduce(from_base)) or 1
    plain = (from_base // step).astype(np.uint64)
    steps = np.diff(plain.astype(np.int64), prepend=0)
    delta = ((steps << 1) ^ (steps >> 63)).astype(np.uint64)
    if _bits(delta) < _bits(plain):
        plain, form = delta, form | _DELTA
    width = (int(plain.max()).bit_length() + 7) // 8
    planes = plain.astype("<u8").view(np.uint8).reshape(-1, 8)[:, :width].T.tobytes()
    entries.append([name, form, width, base, step, list(words)])
    bodies.append(nulls + planes)


def _bits(values: NDArray[np.uint64]) -> float:
    """Return about how many bits these values need."""
    return float(np.log2(values.astype(np.float64) + 1).sum())


def _column(plain: bytes, at: int, rows: int, entry: tuple[int, int, int, int]) -> tuple[Column, int]:
    """Return a column that begins at `at`, and where it ends."""
    form, width, base, step = entry
    if not 0 <= width <= 8:
        raise PackError("a width of more than 8 bytes")
    known, count = None, rows
    if form & _NULLS:
        packed = np.frombuffer(plain, np.uint8, (rows + 7) // 8, at)
        known = np.unpackbits(packed, count=rows).astype(bool)
        at, count = at + len(packed), int(known.sum())
    planes = np.frombuffer(plain, np.uint8, count * width, at).reshape(width, count)
    at += count * width
    found = np.zeros(count, np.int64)
    for number, plane in enumerate(planes):
        found |= plane.astype(np.int64) << (8 * number)
    if form & _DELTA:
        found = np.cumsum((found >> 1) ^ -(found & 1))
    found = base + step * found
    if known is None:
        return found, at
    values = np.full(rows, NOTHING)
    values[known] = found
    return values, at
