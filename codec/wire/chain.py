"""What a node must know of a chain of keys: told by a command at first, then by ``loaxa/v1/chain/<name>``.

The topic's body is sealed (:mod:`.tesla`). Its key needs no seal, the chain itself proves it; what comes after this
chain does.
"""

from . import body
from .errors import WireError
from .names import check_name
from .tesla import KEY_BYTES, MAX_INTERVAL_US, MAX_LAG, MIN_INTERVAL_US, SALT_BYTES, Terms

VERSION = 1
_MAX_INTERVAL = 1 << 53


class Anchor:
    """One key of a chain that is known to be the sender's. salt: the chain's. interval, key: which one, and it.

    until: the last interval of this chain.
    """

    def __init__(self, salt: bytes, interval: int, key: bytes, until: int) -> None:
        self.salt = salt
        self.interval = interval
        self.key = key
        self.until = until


def anchor_fields(anchor: Anchor) -> dict[str, object]:
    """Return an Anchor as the fields of a body."""
    return {"salt": anchor.salt.hex(), "i": anchor.interval, "key": anchor.key.hex(), "until": anchor.until}


def parse_anchor(found: object) -> Anchor:
    """Return the Anchor in the fields of a body; raises WireError."""
    if not isinstance(found, dict):
        raise WireError("a chain must be an object")
    interval = body.integer(found, "i", 0, _MAX_INTERVAL)
    return Anchor(
        body.octets(found, "salt", SALT_BYTES),
        interval,
        body.octets(found, "key", KEY_BYTES),
        body.integer(found, "until", interval, _MAX_INTERVAL),
    )


def terms_fields(terms: Terms) -> dict[str, object]:
    """Return Terms as the fields of a body."""
    return {"name": terms.name, "interval_us": terms.interval_us, "lag": terms.lag}


def parse_terms(found: object) -> Terms:
    """Return the Terms in the fields of a body; raises WireError."""
    if not isinstance(found, dict):
        raise WireError("terms of a chain must be an object")
    return Terms(
        check_name(body.text(found, "name", 32)),
        body.integer(found, "interval_us", MIN_INTERVAL_US, MAX_INTERVAL_US),
        body.integer(found, "lag", 1, MAX_LAG),
    )


def build(interval: int, key: bytes, after: Anchor | None = None) -> bytes:
    """Return the body that tells the key of `interval`, and what comes `after` this chain where that is known."""
    found: dict[str, object] = {"v": VERSION, "i": interval, "key": key.hex()}
    if after is not None:
        found["next"] = anchor_fields(after)
    return body.build(found)


def parse(raw: bytes) -> tuple[int, bytes, Anchor | None]:
    """Return ``(interval, key, after)`` as :func:`build` took them; raises WireError."""
    found = body.parse(raw)
    body.integer(found, "v", VERSION, VERSION)
    after = found.get("next")
    return (
        body.integer(found, "i", 0, _MAX_INTERVAL),
        body.octets(found, "key", KEY_BYTES),
        None if after is None else parse_anchor(after),
    )
