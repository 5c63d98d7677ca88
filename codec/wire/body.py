"""JSON bodies: capped in length, read field by field with a range, refused as a whole when one field is wrong."""

import binascii
import json

from .errors import WireError

MAX_BODY_BYTES = 8192
"""Caps what a peer can make a node hold in memory; the largest real body, a zone's announcement, is a quarter of it."""


def parse(raw: bytes) -> dict[str, object]:
    """Return the object in the bytes `raw` as a dict; raises WireError."""
    if len(raw) > MAX_BODY_BYTES:
        raise WireError("body larger than 8192 bytes")
    # MicroPython's parser takes an object that is cut off, or followed by anything, for a whole one.
    trimmed = bytes(raw).strip()
    if trimmed[:1] != b"{" or trimmed[-1:] != b"}":
        raise WireError("body is not a JSON object")
    try:
        body = json.loads(trimmed)
    except (ValueError, RuntimeError):  # RuntimeError: nesting exhausts the stack (CPython's is a RecursionError)
        raise WireError("body is not JSON")
    if not isinstance(body, dict):
        raise WireError("body is not a JSON object")
    return body


def build(body: dict[str, object]) -> bytes:
    """Return the bytes of the dict `body`."""
    return json.dumps(body).encode()


def integer(body: dict[str, object], key: str, low: int, high: int, default: int | None = None) -> int:
    """Return the integer `body[key]` within [low, high], or `default` when it is absent; raises WireError."""
    value = body.get(key, default)
    if value is None and key not in body:
        raise WireError(key + " is missing")
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise WireError("%s must be an integer from %d to %d" % (key, low, high))
    return value


def number(body: dict[str, object], key: str, low: float, high: float, default: float | None = None) -> float:
    """Return the number `body[key]` within [low, high] as a float; raises WireError (NaN is in no range)."""
    value = body.get(key, default)
    if value is None and key not in body:
        raise WireError(key + " is missing")
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise WireError("%s must be a number from %s to %s" % (key, low, high))
    return float(value)


def text(body: dict[str, object], key: str, max_chars: int, default: str | None = None) -> str:
    """Return the string `body[key]` of at most `max_chars` characters; raises WireError."""
    value = body.get(key, default)
    if value is None and key not in body:
        raise WireError(key + " is missing")
    if not isinstance(value, str) or len(value) > max_chars:
        raise WireError("%s must be a text of at most %d characters" % (key, max_chars))
    return value


def boolean(body: dict[str, object], key: str, default: bool | None = None) -> bool:
    """Return the boolean `body[key]`; raises WireError."""
    value = body.get(key, default)
    if not isinstance(value, bool):
        raise WireError(key + " must be true or false")
    return value


def octets(body: dict[str, object], key: str, size: int) -> bytes:
    """Return the `size` bytes that the hexadecimal digits `body[key]` stand for; raises WireError."""
    value = text(body, key, 2 * size)
    try:
        found = binascii.unhexlify(value)
    except (ValueError, UnicodeError):
        found = b""
    if len(found) != size:
        raise WireError("%s must be %d hexadecimal digits" % (key, 2 * size))
    return found


def address(body: dict[str, object], key: str) -> tuple[str, int] | None:
    """Return ``(host, port)`` from the list `body[key]`, or None when it is null or absent; raises WireError."""
    value = body.get(key)
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 2:
        raise WireError(key + " must be [host, port]")
    host, port = value
    if not isinstance(host, str) or not 0 < len(host) <= 253:
        raise WireError(key + ": host must be a text of 1 to 253 characters")
    if isinstance(port, bool) or not isinstance(port, int) or not 0 < port < 65536:
        raise WireError(key + ": port must be from 1 to 65535")
    return host, port
