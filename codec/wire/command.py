"""Commands to one node (``.../command``) and its answers (``.../ack``)."""

from . import body
from .errors import WireError
from .names import check_name

VERSION = 1

CONFIGURE = "configure"
"""Sets zone, gain, acoustic delay; sent whenever the node comes on line. Kept by the node through a reboot."""
SET_GAIN = "gain"
MUTE = "mute"
STOP = "stop"
"""Silence at once, until the zone's next announcement."""
REBOOT = "reboot"
TEST_TONE = "tone"
TRUST = "trust"
"""A certificate authority that the broker may be from, beside the one that is trusted, or in its place."""
OPERATIONS = (CONFIGURE, SET_GAIN, MUTE, STOP, REBOOT, TEST_TONE, TRUST)

MIN_GAIN_DB = -60.0
MAX_GAIN_DB = 12.0
MAX_DELAY_US = 2000000
MAX_TONE_MS = 5000
MAX_CA_CHARS = 2048
"""A certificate with an elliptic key takes a third of it."""


def build(node_id: str, counter: int, operation: str, arguments: dict[str, object] | None = None) -> bytes:
    """Return the bytes of a command: `counter` grows with every command to that node."""
    return body.build({"v": VERSION, "node": node_id, "n": counter, "op": operation, "args": arguments or {}})


def parse(raw: bytes, node_id: str) -> tuple[int, str, dict[str, object]]:
    """Return ``(counter, operation, arguments)`` with every argument checked and defaulted; raises WireError.

    configure: zone, gain_db, delay_us, muted. gain: gain_db. mute: muted. tone: duration_ms. trust: ca, only.
    stop, reboot: nothing.
    """
    found = body.parse(raw)
    body.integer(found, "v", VERSION, VERSION)
    if found.get("node") != node_id:
        raise WireError("command for another node")
    counter = body.integer(found, "n", 0, 1 << 53)
    operation = body.text(found, "op", 16)
    given = found.get("args", {})
    if not isinstance(given, dict):
        raise WireError("args must be an object")
    return counter, operation, _check_arguments(operation, given)


def _check_arguments(operation: str, given: dict[str, object]) -> dict[str, object]:
    if operation == CONFIGURE:
        return {
            "zone": check_name(body.text(given, "zone", 32)),
            "gain_db": body.number(given, "gain_db", MIN_GAIN_DB, MAX_GAIN_DB, 0.0),
            "delay_us": body.integer(given, "delay_us", 0, MAX_DELAY_US, 0),
            "muted": body.boolean(given, "muted", False),
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


def build_ack(counter: int, error: str | None = None) -> bytes:
    """Return the bytes of a node's answer to command `counter`: done, or the text of what was wrong."""
    return body.build({"v": VERSION, "n": counter, "error": error})


def parse_ack(raw: bytes) -> tuple[int, str | None]:
    """Return ``(counter, error or None)``; raises WireError."""
    found = body.parse(raw)
    counter = body.integer(found, "n", 0, 1 << 53)
    if found.get("error") is None:
        return counter, None
    return counter, body.text(found, "error", 200)
