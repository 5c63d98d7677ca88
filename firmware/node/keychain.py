"""The keys by which a node knows the controller's voice (codec.wire.tesla): one chain, and the one after it."""

from codec.wire.mac import same
from codec.wire.tesla import Chain

MAX_STEPS = 2048
"""From the newest key to one that is told: 20 s of intervals of 10 ms. What is farther is told by a command."""
_MOST_BACK = 256
_KEPT_TAGS = 4


class _Part:
    """A chain from its anchor to its end, and the newest of its keys that is known."""

    def __init__(self, anchor):
        self.chain = Chain(anchor.salt)
        self.after = anchor.interval
        self.until = anchor.until
        self.newest = anchor.interval
        self.key = anchor.key


class Keychain:
    """Keys by interval. terms: how the chain is used, None before a command told."""

    def __init__(self):
        self.terms = None
        self._parts = []
        self._tags = {}

    def take(self, terms, anchors):
        """Replace everything, as a command says; return whether what waits for its key has been waiting for another's.

        A newer key of the same chain stays.
        """
        known = {part.chain.salt: part for part in self._parts}
        parts = []
        for anchor in anchors:
            part = known.get(anchor.salt)
            if part is None or part.newest < anchor.interval:
                part = _Part(anchor)
            parts.append(part)
        other = anchors[0].salt not in known  # the chain of another profile has another salt
        self.terms = terms
        self._parts = parts
        if other:
            self._tags = {}
        return other

    def add(self, anchor):
        """Take the chain that comes after the present one, as the present one says."""
        last = self._parts[-1]
        if anchor.until <= last.until:
            return  # it is known
        self._parts = [last, _Part(anchor)]

    def newest(self):
        """Return the newest interval whose key is known, -1 where none is."""
        return max([part.newest for part in self._parts] or [-1])

    def learn(self, interval, key):
        """Take the key of `interval` from anyone; True if it is genuine and new. One that is known is not compared."""
        part = self._part(interval)
        if part is None or not 0 < interval - part.newest <= MAX_STEPS:
            return False
        if not same(part.chain.before(key, interval - part.newest), part.key):
            return False
        part.newest = interval
        part.key = bytes(key)
        return True

    def tags(self, interval):
        """Return what makes the tags of `interval`, or None while its key is not known, or not any more."""
        found = self._tags.get(interval)
        if found is not None:
            return found
        part = self._part(interval)
        if part is None or not 0 <= part.newest - interval <= _MOST_BACK:
            return None
        found = part.chain.tags(part.chain.before(part.key, part.newest - interval))
        if len(self._tags) >= _KEPT_TAGS:
            del self._tags[min(self._tags)]
        self._tags[interval] = found
        return found

    def told(self, interval):
        """True when the key of `interval` is known already."""
        part = self._part(interval)
        return part is not None and interval <= part.newest

    def _part(self, interval):
        for part in self._parts:
            if part.after < interval <= part.until:
                return part
        return None
