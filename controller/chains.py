"""The chains of keys by which nodes know the controller's voice (codec.wire.tesla): one a profile, and the next one.

Their seeds are all that an attacker would need; they never leave this machine, and the engine is told of them by its
socket. The chains of one boot outlive controller and engine (controller.memory).
"""

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from codec.profile import PROFILES, Profile
from codec.wire import chain
from codec.wire.chain import Anchor
from codec.wire.mac import Mac
from codec.wire.tesla import KEY_BYTES, SALT_BYTES, Chain, seal
from controller.engine.keys import SecretChain

LENGTH = 1 << 17
"""Intervals: 44 min of frames of 20 ms; some 100 ms of work."""
RENEW_SHARE = 4
"""The next chain is told while a quarter of the present one is left: nodes hear it thirty times or more."""
STEP_BACK_US = 10_000
"""A media clock that goes back by more might soon say again in intervals whose keys are told. It is stepped by far more
than that, and set anew by microseconds."""

Seeds = dict[str, list[dict[str, Any]]]


class Chains:
    """Chains by profile. now_us: the media clock. token: random bytes. length: intervals of each chain. profiles: how
    the controller's zones are coded."""

    def __init__(
        self,
        now_us: Callable[[], int],
        token: Callable[[int], bytes] = secrets.token_bytes,
        length: int = LENGTH,
        profiles: Mapping[str, Profile] = PROFILES,
    ) -> None:
        self._profiles = profiles
        self._now_us = now_us
        self._token = token
        self._length = length
        self._chains: dict[str, list[SecretChain]] = {}
        self._latest_us = 0

    def load(self, seeds: Seeds) -> None:
        """Take up the chains that :meth:`seeds` gave; raises KeyError, TypeError, ValueError for a damaged one."""
        for name, entries in seeds.items():
            if name in self._profiles:
                self._chains[name] = [
                    SecretChain.make(
                        bytes.fromhex(entry["salt"]),
                        bytes.fromhex(entry["seed"]),
                        int(entry["first"]),
                        int(entry["length"]),
                    )
                    for entry in entries
                ]

    def seeds(self) -> Seeds:
        """Return what :meth:`load` needs."""
        return {
            name: [
                {
                    "salt": each.salt.hex(),
                    "seed": each.kept[0].hex(),
                    "first": each.first,
                    "length": each.last - each.first + 1,
                }
                for each in chains
            ]
            for name, chains in self._chains.items()
        }

    @property
    def names(self) -> list[str]:
        """The profiles that have a chain."""
        return list(self._chains)

    def reached(self, media_us: int) -> None:
        """The media clock has been there, whatever it shows now: keys may have been told until then."""
        self._latest_us = max(media_us, self._latest_us)

    def renew(self, names: set[str]) -> tuple[bool, set[str]]:
        """Make what is missing for the profiles `names`; return whether anything changed, and the profiles whose nodes
        must be told by command, as the old chain does not lead to the new one."""
        now_us = self._now_us()
        stepped_back = now_us < self._latest_us - STEP_BACK_US
        self._latest_us = now_us if stepped_back else max(now_us, self._latest_us)
        changed, broken = False, set()
        for name in names | set(self._chains):
            terms = self._profiles[name].terms
            interval = terms.interval(now_us)
            # The last keys of a chain are still to be told when the next one has begun.
            needed = interval - terms.lag
            chains = [] if stepped_back else [each for each in self._chains.get(name, ()) if each.last >= needed]
            if not chains or chains[0].first > interval + 1:
                # From a little before on: what is said within the first lag needs keys that are told then.
                chains = [self._make(interval - terms.lag)]
                broken.add(name)
            if len(chains) == 1 and chains[0].last - interval < self._length // RENEW_SHARE:
                chains.append(self._make(chains[0].last + 1))
            if chains != self._chains.get(name):
                self._chains[name] = chains
                changed = True
        return changed, broken

    def anchors(self, name: str) -> list[Anchor]:
        """Return the newest key of a profile's chain that may be told, and the next chain's beginning if it is made."""
        interval = self._told(name)
        first, *more = self._chains[name]
        newest = min(max(interval, first.first - 1), first.last)
        anchors = [Anchor(first.salt, newest, first.key(newest), first.last)]
        return anchors + [_beginning(each) for each in more]

    def telling(self, name: str) -> bytes:
        """Return the body of ``loaxa/v1/chain/<name>`` as of now, sealed."""
        current, *more = self.anchors(name)
        body = chain.build(current.interval, current.key, _beginning(self._chains[name][1]) if more else None)
        return self.seal(name, body)

    def seal(self, name: str, body: bytes) -> bytes:
        """Return `body` as said now, sealed by a profile's chain."""
        interval = self._profiles[name].terms.interval(self._now_us())
        for each in self._chains[name]:
            if interval <= each.last:
                interval = max(interval, each.first)
                return seal(body, interval, _tags(each, interval))
        raise ValueError(f"the chain {name} is at its end")

    def wait_us(self, name: str) -> int:
        """Return after how long the key of what is sealed now may be told."""
        terms = self._profiles[name].terms
        return (terms.lag + 1) * terms.interval_us

    def message(self) -> dict[str, Any]:
        """Return what the engine is told."""
        entries = []
        for name, chains in self._chains.items():
            terms = self._profiles[name].terms
            head = {"name": name, "interval_us": terms.interval_us, "lag": terms.lag}
            entries += [{**head, **each.message()} for each in chains]
        return {"chains": entries}

    def _told(self, name: str) -> int:
        terms = self._profiles[name].terms
        return terms.interval(self._now_us()) - terms.lag

    def _make(self, first: int) -> SecretChain:
        return SecretChain.make(self._token(SALT_BYTES), self._token(KEY_BYTES), first, self._length)


def _beginning(secret: SecretChain) -> Anchor:
    return Anchor(secret.salt, secret.first - 1, secret.key(secret.first - 1), secret.last)


def _tags(secret: SecretChain, interval: int) -> Mac:
    return Chain(secret.salt).tags(secret.key(interval))
