"""Authenticator: each packet of a block gets its tag and tells an older key (codec.wire.tesla)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from codec.profile import PROFILES
from codec.wire import rtp
from codec.wire.chain import parse_terms
from codec.wire.errors import WireError
from codec.wire.mac import Mac
from codec.wire.tesla import Chain, Terms
from controller.engine.keys import SecretChain, parse_chain

MAX_CHAINS = 16


@dataclass(frozen=True, slots=True)
class Signature:
    """What the packets of one profile bear in one interval. told: the key that they tell."""

    tags: Mac
    told: bytes

    def put(self, packet: memoryview) -> None:
        """Sign a whole packet that the packetiser made."""
        packet[rtp.KEY_AT : rtp.KEY_AT + rtp.KEY_BYTES] = self.told
        rtp.put_tag(packet, self.tags)


class Authenticator:
    """Signs with the chains that the controller gave."""

    def __init__(self) -> None:
        self._chains: dict[str, list[SecretChain]] = {}
        self._terms: dict[str, Terms] = {}
        self._signatures: dict[str, tuple[int, Signature]] = {}

    def set_chains(self, message: dict[str, Any]) -> None:
        """Take the chains of a message; raises WireError, and then nothing has changed."""
        entries = message.get("chains")
        if not isinstance(entries, list) or len(entries) > MAX_CHAINS:
            raise WireError(f"chains must be a list of at most {MAX_CHAINS}")
        found: dict[str, list[SecretChain]] = {}
        terms: dict[str, Terms] = {}
        for entry in entries:
            if not isinstance(entry, dict) or str(entry.get("name")) not in PROFILES:
                raise WireError("a chain is an object with the name of a profile")
            try:
                terms[entry["name"]] = parse_terms(entry)
                found.setdefault(entry["name"], []).append(parse_chain(entry))
            except (ValueError, TypeError) as error:
                raise WireError(f"chain {entry['name']}: {error}") from None
        self._chains, self._terms = found, terms
        self._signatures = {}

    def signatures(self, names: Iterable[str], media_us: int) -> dict[str, Signature]:
        """Return by profile what the packets of the block at `media_us` are signed with; one without a chain is left
        out."""
        found = {}
        for name in set(names):
            terms = self._terms.get(name)
            signature = None if terms is None else self._signature(terms, terms.interval(media_us))
            if signature is not None:
                found[name] = signature
        return found

    def _signature(self, terms: Terms, interval: int) -> Signature | None:
        name = terms.name
        known = self._signatures.get(name)
        if known is not None and known[0] == interval:
            return known[1]
        key = self._key(name, interval)
        told = self._key(name, interval - terms.lag)
        if key is None:
            return None
        salt = next(chain.salt for chain in self._chains[name] if chain.first <= interval <= chain.last)
        # What lies before the first chain is known to nobody, and needed by nobody.
        signature = Signature(Chain(salt).tags(key), told if told is not None else bytes(rtp.KEY_BYTES))
        self._signatures[name] = interval, signature
        return signature

    def _key(self, name: str, interval: int) -> bytes | None:
        for chain in self._chains.get(name, ()):
            if chain.first <= interval <= chain.last:
                return chain.key(interval)
        return None
