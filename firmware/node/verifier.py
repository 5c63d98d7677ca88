"""Verifier: keeps what comes back until the key of its interval is told, and hands on what the controller made.

A packet counts only if it came before its key could be known to anyone but the controller, by the latest time that it
can be there (firmware.node.clock). One that a node asked for again bears the tag of the node's own key and needs not
wait.
"""

from codec.wire import chain, rtp, tesla
from codec.wire.errors import ForgedError, WireError
from codec.wire.mac import same

_MOST_HELD = 96
_MOST_BYTES = 14336
"""A third of what an ESP32's heap has left. A flood of ten for one fits in where keys are told after 60 ms; where it is
after 240 ms, a quarter of the true ones has no place, and is asked for again."""
_MOST_A_FRAME = 12
"""Ten made-up packets for each true one leave it its place."""
_MOST_SEALED = 4
_MOST_WAITING = 100
_PAST_US = 2000000
_STARVED_US = 1000000

HELD, GENUINE, REFUSED = 1, 2, 0


class Verifier:
    """`own` makes the tags of this node's key. `clock` has media_us() and latest_us(). `chance` returns a byte.

    announced(ssrc): whether a stream is the controller's. deliver(ssrc, frame_index, data, arrived_us): a packet proves
    genuine. missed(ssrc, frame_index): nothing that came for a frame did. silent: why nothing is played,
    a text, or None.
    """

    def __init__(self, keychain, clock, own, counters, chance, announced, deliver, missed):
        self._keychain = keychain
        self._clock = clock
        self._own = own
        self._counters = counters
        self._chance = chance
        self._announced = announced
        self._deliver = deliver
        self._missed = missed
        self._frames = {}  # by (interval, ssrc, index): a list of (data, arrived_us)
        self._held = 0
        self._bytes = 0
        self._sealed = []
        self.silent = None

    def forget(self):
        """Another chain, or another zone: what is kept is of no use."""
        self._frames = {}
        self._held = self._bytes = 0
        self._sealed = []

    def receive(self, stream, frame_index, data, now_us):
        """Return HELD, GENUINE or REFUSED for a packet of an announced stream that came at local `now_us`."""
        counters = self._counters
        kind = rtp.tag_kind(data)
        own = kind == rtp.BY_NODE_KEY
        if kind == 0 or (
            own and not same(memoryview(data)[rtp.TAG_AT : rtp.TAG_AT + rtp.TAG_BYTES], rtp.tag(data, self._own))
        ):
            counters["forged"] += 1
            return REFUSED
        media_us = stream.media0_us + frame_index * stream.frame_us
        if own:
            if self._keychain.terms is not None:
                self._learn(media_us, data)
            return GENUINE
        latest_us = self._latest_us(now_us)
        if latest_us is None:
            counters["unverified"] += 1
            return REFUSED
        terms = self._keychain.terms
        early_us = terms.interval_us // tesla.EARLY_SHARE
        if media_us > latest_us + early_us:
            counters["forged"] += 1  # it tells of a time that has not come
            return REFUSED
        interval = self._learn(media_us, data)
        if latest_us + early_us >= terms.told_us(interval) or self._keychain.told(interval):
            if latest_us - media_us > _PAST_US:
                counters["replayed"] += 1
            else:
                counters["unsafe"] += 1
                self._doubt(latest_us, now_us, terms)
            return REFUSED
        return self._hold((interval, stream.ssrc, frame_index), (data, now_us))

    def _learn(self, media_us, data):
        """Take the key that a packet tells; return the packet's interval."""
        terms = self._keychain.terms
        interval = terms.interval(media_us)
        if self._keychain.learn(interval - terms.lag, memoryview(data)[rtp.KEY_AT : rtp.KEY_AT + rtp.KEY_BYTES]):
            self._release()
        return interval

    def held(self, ssrc):
        """Return ``(frame_index, arrived_us)`` of each frame of a stream that waits for its key."""
        return [(frame[2], kept[0][1]) for frame, kept in self._frames.items() if frame[1] == ssrc]

    def sealed(self, raw, take, now_us):
        """Hand the body in `raw` to ``take(body)`` once it proves genuine; False if it never will. Raises WireError."""
        interval, tag, body = tesla.parse_seal(raw)
        latest_us = self._latest_us(now_us)
        if latest_us is None:
            return False
        terms = self._keychain.terms
        if terms.interval(latest_us) < interval:
            raise ForgedError("of a time that has not come")
        if latest_us + terms.interval_us // tesla.EARLY_SHARE >= terms.told_us(interval):
            return False
        if len(self._sealed) >= _MOST_SEALED:
            self._sealed.pop(self._chance() % _MOST_SEALED)
        self._sealed.append((interval, tag, body, take))
        return True

    def tell(self, raw, take_next, now_us):
        """Take the key in a chain's body; what comes after the chain goes to ``take_next(anchor)`` once it proves
        genuine. Raises WireError."""
        _, _, body = tesla.parse_seal(raw)
        interval, key, after = chain.parse(body)
        latest_us = self._latest_us(now_us)
        if latest_us is None:
            return
        terms = self._keychain.terms
        if terms.told_us(interval) > latest_us + terms.interval_us // tesla.EARLY_SHARE:
            raise ForgedError("the key of a time that has not come")  # and many hashes, if they were made
        if self._keychain.learn(interval, key):
            self._release()
        if after is not None:
            self.sealed(raw, lambda _: take_next(after), now_us)

    def _latest_us(self, now_us):
        if self._keychain.terms is None:
            self.silent = "no key of the controller is known yet"
            return None
        latest_us = self._clock.latest_us(now_us)
        if latest_us is None:
            self.silent = "the controller's time is not known yet"
        return latest_us

    def _doubt(self, latest_us, now_us, terms):
        allowed_us = terms.lag * terms.interval_us
        self.silent = "packets come too late to be trusted: time is known to %d ms, %d ms are allowed" % (
            (latest_us - self._clock.media_us(now_us)) // 1000 if self._clock.locked(now_us) else 9999,
            allowed_us // 1000,
        )

    def _hold(self, frame, packet):
        kept = self._frames.get(frame)
        if kept is None:
            kept = self._frames[frame] = []
        for other in kept:
            if other[0] == packet[0]:
                self._counters["duplicate"] += 1
                return REFUSED
        kept.append(packet)
        self._held += 1
        self._bytes += len(packet[0])
        if len(kept) > _MOST_A_FRAME:
            self._drop(frame)
        while self._held > _MOST_HELD or self._bytes > _MOST_BYTES:
            self._drop(max(self._frames, key=self._size))
        return HELD if packet in kept else REFUSED

    def _size(self, frame):
        return sum([len(packet[0]) for packet in self._frames[frame]])

    def _drop(self, frame):
        """Give up one packet of a frame. Which one is chance, so that who floods cannot push a certain one out; but the
        large ones go first, so that he cannot do it with few."""
        kept = self._frames[frame]
        large = max([len(packet[0]) for packet in kept]) // 2
        places = [place for place in range(len(kept)) if len(kept[place][0]) >= large]
        dropped = kept.pop(places[self._chance() % len(places)])
        self._held -= 1
        self._bytes -= len(dropped[0])
        self._counters["unverified"] += 1
        if not kept:
            del self._frames[frame]
            self._missed(frame[1], frame[2])

    def starved(self, now_us):
        """True when a packet waits for its key long after that must have been told, at local `now_us`."""
        if not self._frames:
            return False
        return self._clock.latest_us(now_us) - self._keychain.terms.told_us(min(self._frames)[0]) > _STARVED_US

    def _release(self):
        keychain = self._keychain
        waiting, self._sealed = self._sealed, []
        for entry in waiting:
            interval, tag, body, take = entry
            if not keychain.told(interval):
                self._sealed.append(entry)
                continue
            tags = keychain.tags(interval)
            if tags is None or not same(tag, tesla.seal_tag(interval, body, tags)):
                self._counters["forged"] += 1
                continue
            try:
                take(body)
            except WireError:
                self._counters["malformed"] += 1
        # A stream is announced some intervals after its first packets: they wait for that, but not for ever.
        oldest = keychain.newest() - _MOST_WAITING
        for frame in sorted(self._frames):
            if keychain.told(frame[0]) and (self._announced(frame[1]) or frame[0] < oldest):
                self._check(frame, self._frames.pop(frame))

    def _check(self, frame, packets):
        interval, ssrc, frame_index = frame
        tags = self._keychain.tags(interval)
        genuine = None
        for packet in packets:
            data = packet[0]
            self._held -= 1
            self._bytes -= len(data)
            if tags is None:
                self._counters["unverified"] += 1
            elif genuine is None and same(
                memoryview(data)[rtp.TAG_AT : rtp.TAG_AT + rtp.TAG_BYTES], rtp.tag(data, tags)
            ):
                genuine = packet
            else:
                self._counters["forged"] += 1
        if genuine is None:
            self._missed(ssrc, frame_index)
            return
        self._deliver(ssrc, frame_index, genuine[0], genuine[1])
