"""One record of the audit: its fields, its canonical bytes, its hash; and what must not get into it."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

GENESIS = "0" * 64
MAX_DETAILS_BYTES = 300_000
SECRETS = frozenset({"password", "new_password", "code", "token", "secret"})
"""Fields of bodies that are left out of a record."""


@dataclass(frozen=True)
class Record:
    """Record `n`, from 1. wall_us: when, UTC. who: an account, a token of one, "local" or "system".

    address: where it came from, empty for the controller itself. action, object: what was done to what.
    details: canonical JSON. previous: the hash of record n - 1. hash: SHA-256 of all before it, hexadecimal.
    """

    n: int
    wall_us: int
    who: str
    address: str
    action: str
    object: str
    details: str
    previous: str
    hash: str = ""

    def digest(self) -> str:
        """Return what the hash must be."""
        fields = dict(vars(self))  # all are plain values; half a million records are verified at a time
        del fields["hash"]
        return hashlib.sha256(canonical(fields).encode()).hexdigest()

    def line(self) -> str:
        """Return the record as one line of an export."""
        return canonical(vars(self))


def canonical(value: Any) -> str:
    """Return the one JSON form of a value: sorted keys, no spaces, UTF-8. Raises ValueError for NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def details_of(value: Any) -> str:
    """Return a value as a record's details, without secrets; what is too large by its size and hash alone."""
    text = canonical(_clean(value))
    content = text.encode("utf-8", "replace")
    if len(content) > MAX_DETAILS_BYTES:
        return canonical({"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()})
    return content.decode()


def _clean(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _clean(each) for name, each in value.items() if name not in SECRETS}
    if isinstance(value, list | tuple):
        return [_clean(each) for each in value]
    if isinstance(value, str) and value[:8].lower().startswith(("http://", "https://")):
        return public_url(value)
    return value


def public_url(url: str) -> str:
    """Return a URL without what it may hold of secrets: a password, a query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "http://?"
    query = "?…" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}{query}"
