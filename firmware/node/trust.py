"""Which certificate authorities the broker may be from: the one of the enrolment, until the controller names others."""

import json
from hashlib import sha256

from codec.wire import body
from codec.wire.command import MAX_CA_CHARS
from codec.wire.errors import WireError

MAX_AUTHORITIES = 2
"""The one that is, and the one that comes."""


class Trust:
    """The kept authorities, in PEM, the newest last. `authorities` is None where the link is in the clear."""

    def __init__(self, config, storage):
        self._storage = storage
        self._given = None
        self.authorities = None
        if config.ca is None:
            return
        # A new enrolment is with another controller: what the last one named is worth nothing then.
        self._given = "%x" % int.from_bytes(sha256(config.ca.encode()).digest()[:8], "big")
        self.authorities = [config.ca]
        raw = storage.load_trust()
        if raw:
            try:
                self._take(body.parse(raw))
            except WireError:
                storage.log("trusted authorities are damaged; starting from the one of the enrolment")

    def add(self, pem, only):
        """Trust `pem` as well, or `only` it, which must be trusted already. Raises WireError."""
        if self.authorities is None:
            raise WireError("this node speaks in the clear")
        known = pem in self.authorities
        if only and not known:
            raise WireError("not trusted yet: it cannot be the only one")
        if not known:
            try:
                self._storage.check_authority(pem)
            except ValueError as error:
                raise WireError(str(error)[:100])
        others = [] if only else [each for each in self.authorities if each != pem]
        authorities = others[1 - MAX_AUTHORITIES :] + [pem]
        if authorities != self.authorities:
            self.authorities = authorities
            self._storage.save_trust(json.dumps({"given": self._given, "authorities": authorities}).encode())

    def _take(self, found):
        if found.get("given") != self._given:
            return
        kept = found.get("authorities")
        if not isinstance(kept, list) or not 0 < len(kept) <= MAX_AUTHORITIES:
            raise WireError("authorities must be a list")
        for pem in kept:
            if not isinstance(pem, str) or len(pem) > MAX_CA_CHARS:
                raise WireError("an authority must be a text")
        self.authorities = kept
