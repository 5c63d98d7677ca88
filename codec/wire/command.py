"""Commands to one node (``.../command``) and its answers (``.../ack``), each with a tag before its JSON body.

    +---------------------------------------------------------------+
    |                     tag (128 bits) of the body                |
    +---------------------------------------------------------------+
    |                     body ...

A command is for one node, once, and until a media time.
"""

from . import body, chain
from .errors import ForgedError, WireError
from .mac import Mac, derive, same
from .names import check_name

TAG_BYTES = 16
VERSION = 1

CONFIGURE = "configure"
"""Sets zone, gain, acoustic delay; sent whenever the node comes on line. Kept by the node through a reboot."""
SET_GAIN = "gain"
MUTE = "mute"
AIR = "air"
"""What is on air, and what the node needs to know whose it is; sent when it comes on line, and when it missed that."""
STOP = "stop"
"""Silence at once, until the zone's next announcement."""
REBOOT = "reboot"
TEST_TONE = "tone"
TRUST = "trust"
"""A certificate authority that the broker may be from, beside the one that is trusted, or in its place."""
OPERATIONS = (CONFIGURE, AIR, SET_GAIN, MUTE, STOP, REBOOT, TEST_TONE, TRUST)

MAX_COUNTER = 1 << 53
MIN_GAIN_DB = -60.0
MAX_GAIN_DB = 12.0
MAX_DELAY_US = 2000000
MAX_TONE_MS = 5000
MAX_CHAINS = 2
"""The one that is in use, and the next."""
LAN_BYTES = 48
"""A nonce of 16 bytes, and the key of the zone's nodes among themselves under it and the node's own (:func:`wrap`)."""
MAX_CA_CHARS = 2048
"""A certificate with an elliptic key takes a third of it."""


def build(
    node_id: str,
    counter: int,
    operation: str,
    arguments: dict[str, object] | None,
    expires_us: int,
    key: Mac,
) -> bytes:
    """Return the bytes of a command: `counter` grows with every command to that node.

    expires_us: the media time from which on it is not done any more. key: what the node's commands are tagged with.
    """
    return _tagged(
        body.build(
            {
                "v": VERSION,
                "node": node_id,
                "n": counter,
                "until": expires_us,
                "op": operation,
                "args": arguments or {},
            }
        ),
        key,
    )


def parse(raw: bytes, node_id: str, key: Mac) -> tuple[int, int, str, dict[str, object]]:
    """Return ``(counter, expires_us, operation, arguments)``, every argument checked and defaulted; raises WireError.

    configure: zone, gain_db, delay_us, muted. air: terms (codec.wire.tesla.Terms), chains (at most two
    codec.wire.chain.Anchor), session (the fields of an announcement, for the node's zone to check), lan (wrapped,
    or None). gain: gain_db.
    mute: muted. tone: duration_ms. trust: ca, only. stop, reboot: nothing.
    """
    found = body.parse(_untagged(raw, key))
    body.integer(found, "v", VERSION, VERSION)
    if found.get("node") != node_id:
        raise WireError("command for another node")
    counter = body.integer(found, "n", 0, MAX_COUNTER)
    expires_us = body.integer(found, "until", 0, 1 << 62)
    operation = body.text(found, "op", 16)
    given = found.get("args", {})
    if not isinstance(given, dict):
        raise WireError("args must be an object")
    return counter, expires_us, operation, _check_arguments(operation, given)


def _check_arguments(operation: str, given: dict[str, object]) -> dict[str, object]:
    if operation == CONFIGURE:
        return {
            "zone": check_name(body.text(given, "zone", 32)),
            "gain_db": body.number(given, "gain_db", MIN_GAIN_DB, MAX_GAIN_DB, 0.0),
            "delay_us": body.integer(given, "delay_us", 0, MAX_DELAY_US, 0),
            "muted": body.boolean(given, "muted", False),
        }
    if operation == AIR:
        chains = given.get("chains")
        if not isinstance(chains, list) or not 0 < len(chains) <= MAX_CHAINS:
            raise WireError("chains must be a list of one or two")
        return {
            "terms": chain.parse_terms(given.get("terms")),
            "chains": [chain.parse_anchor(entry) for entry in chains],
            "session": given.get("session"),
            "lan": None if given.get("lan") is None else body.octets(given, "lan", LAN_BYTES),
        }
    if operation == SET_GAIN:
        return {"gain_db": body.number(given, "gain_db", MIN_GAIN_DB, MAX_GAIN_DB)}
    if operation == MUTE:
        return {"muted": body.boolean(given, "muted")}
    if operation == TEST_TONE:
        return {"duration_ms": body.integer(given, "duration_ms", 10, MAX_TONE_MS, 500)}
    if operation == TRUST:
        return {"ca": body.text(given, "ca", MAX_CA_CHARS), "only": body.boolean(given, "only", False)}
    if operation in (STOP, REBOOT):
        return {}
    raise WireError("unknown command " + operation)


def wrap(key: bytes, nonce: bytes, secret: bytes) -> bytes:
    """Return 32 bytes that only who has a node's `key` can read, or what they hide: it is its own inverse.

    nonce: 16 bytes, never twice for one key.
    """
    pad = Mac(derive(key, "lan")).digest(nonce)
    return bytes([one ^ other for one, other in zip(pad, secret)])


def build_ack(counter: int, error: str | None, key: Mac, last: int | None = None) -> bytes:
    """Return the bytes of a node's answer to command `counter`: done, or the text of what was wrong.

    key: what the node's answers are tagged with. last: the counter that the next command's must exceed, where that was
    what was wrong.
    """
    return _tagged(body.build({"v": VERSION, "n": counter, "error": error, "last": last}), key)


def parse_ack(raw: bytes, key: Mac) -> tuple[int, str | None, int | None]:
    """Return ``(counter, error or None, last or None)``; raises WireError."""
    found = body.parse(_untagged(raw, key))
    counter = body.integer(found, "n", 0, MAX_COUNTER)
    error = None if found.get("error") is None else body.text(found, "error", 200)
    last = None if found.get("last") is None else body.integer(found, "last", 0, MAX_COUNTER)
    return counter, error, last


def _tagged(raw: bytes, key: Mac) -> bytes:
    return key.digest(raw)[:TAG_BYTES] + raw


def _untagged(raw: bytes, key: Mac) -> bytes:
    if len(raw) > TAG_BYTES + body.MAX_BODY_BYTES:
        raise WireError("body larger than 8192 bytes")
    if not same(raw[:TAG_BYTES], key.digest(raw[TAG_BYTES:])[:TAG_BYTES]):
        raise ForgedError("tag is not that of its key")
    return raw[TAG_BYTES:]
