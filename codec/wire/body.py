"""JSON bodies: capped in length, read field by field with a range, refused as a whole when one field is wrong."""

import json

from .errors import WireError

MAX_BODY_BYTES = 8192
"""Caps what a peer can make a node hold in memory; the largest real body, a zone's announcement, is a quarter of it."""


def parse(raw):
    """Return the object in the bytes `raw` as a dict; raises WireError."""
    if len(raw) > MAX_BODY_BYTES:
        raise WireError("body larger than 8192 bytes")
    try:
        body = json.loads(raw)
    except (ValueError, RuntimeError, RecursionError):  # MicroPython raises RuntimeError when nesting exhausts its stack
        raise WireError("body is not JSON")
    if not isinstance(body, dict):
        raise WireError("body is not a JSON object")
    return body


def build(body):
    """Return the bytes of the dict `body`."""
    return json.dumps(body).encode()


def integer(body, key, low, high, default=None):
    """Return the integer `body[key]` within [low, high], or `default` when it is absent; raises WireError."""
    value = body.get(key, default)
    if value is None and key not in body:
        raise WireError(key + " is missing")
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise WireError("%s must be an integer from %d to %d" % (key, low, high))
    return value


def number(body, key, low, high, default=None):
    """Return the number `body[key]` within [low, high] as a float; raises WireError (NaN is in no range)."""
    value = body.get(key, default)
    if value is None and key not in body:
        raise WireError(key + " is missing")
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise WireError("%s must be a number from %s to %s" % (key, low, high))
    return float(value)


def text(body, key, max_chars, default=None):
    """Return the string `body[key]` of at most `max_chars` characters; raises WireError."""
    value = body.get(key, default)
    if value is None and key not in body:
        raise WireError(key + " is missing")
    if not isinstance(value, str) or len(value) > max_chars:
        raise WireError("%s must be a text of at most %d characters" % (key, max_chars))
    return value


def boolean(body, key, default=None):
    """Return the boolean `body[key]`; raises WireError."""
    value = body.get(key, default)
    if not isinstance(value, bool):
        raise WireError(key + " must be true or false")
    return value


def address(body, key):
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
