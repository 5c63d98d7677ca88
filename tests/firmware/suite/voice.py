"""The controller's voice, for tests on either interpreter: chains of keys, what they sign and seal, what is told."""

from codec.wire import chain, rtp, tesla
from codec.wire.tesla import Chain, Terms

LAN = Terms("lan", 20000, 3)
LOW = Terms("low", 10000, 2)
NODE_KEY = bytes(range(32))
LENGTH = 2048


class _Part:
    def __init__(self, first, length, seed):
        self.first = first
        self.last = first + length - 1
        self.chain = Chain(bytes([seed]) * tesla.SALT_BYTES)
        keys = [bytes([seed + 1]) * tesla.KEY_BYTES]
        for _ in range(length):
            keys.append(self.chain.before(keys[-1]))
        keys.reverse()
        self._keys = keys

    def key(self, interval):
        return self._keys[interval - self.first + 1]


class Voice:
    """A sender whose first chain begins before media time `from_us`. Every method of which a time is part says or signs
    as at that media time."""

    def __init__(self, terms, from_us, length=LENGTH, seed=7):
        self.terms = terms
        self._seed = seed
        self._parts = [_Part(max(terms.interval(from_us) - terms.lag, 1), length, seed)]

    def extend(self, length=LENGTH):
        """Make the chain that comes after the last one; return its Anchor, which lies before its first interval."""
        self._seed += 2
        before = self._parts[-1].last
        self._parts.append(_Part(before + 1, length, self._seed))
        return self.beginning()

    def beginning(self):
        """Return the Anchor before the first interval of the last chain."""
        part = self._parts[-1]
        return chain.Anchor(part.chain.salt, part.first - 1, part.key(part.first - 1), part.last)

    @property
    def last(self):
        """The last interval of all chains."""
        return self._parts[-1].last

    def _part(self, interval):
        for part in self._parts:
            if part.first <= interval <= part.last:
                return part
        raise ValueError("no chain has interval %d" % interval)

    def key(self, interval):
        """Return the key of an interval."""
        return self._part(interval).key(interval)

    def tags(self, interval):
        """Return what makes the tags of an interval."""
        part = self._part(interval)
        return part.chain.tags(part.key(interval))

    def anchors(self, media_us):
        """Return the newest key that may be told, as an Anchor, and the chains that come after its."""
        newest = max(self.terms.interval(media_us) - self.terms.lag, self._parts[0].first)
        part = self._part(newest)
        found = [chain.Anchor(part.chain.salt, newest, part.key(newest), part.last)]
        for after in self._parts[self._parts.index(part) + 1 :]:
            found.append(chain.Anchor(after.chain.salt, after.first - 1, after.key(after.first - 1), after.last))
        return found

    def sign(self, packet, media_us):
        """Sign a whole packet of the frame at `media_us`, and tell the key that is due with it."""
        interval = self.terms.interval(media_us)
        told = max(interval - self.terms.lag, self._parts[0].first)
        packet[rtp.KEY_AT : rtp.KEY_AT + rtp.KEY_BYTES] = self.key(told)
        rtp.put_tag(packet, self.tags(interval))
        return packet

    def seal(self, body, media_us):
        """Return a body sealed."""
        interval = self.terms.interval(media_us)
        return tesla.seal(body, interval, self.tags(interval))

    def telling(self, media_us):
        """Return what the chain's topic says: the newest key that may be told, and the next chain if there is one."""
        current, *more = self.anchors(media_us)
        return self.seal(chain.build(current.interval, current.key, more[0] if more else None), media_us)


def packet(stream, index, payload):
    """Return the packet of a frame, without tag and key, as a bytearray."""
    data = bytearray(rtp.HEADER_BYTES + len(payload))
    timestamp = index * stream.frame_us * 48 // 1000
    rtp.pack_header(data, 0, False, stream.payload_type, index, timestamp, stream.ssrc)
    data[rtp.HEADER_BYTES :] = payload
    return data
