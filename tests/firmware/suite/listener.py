"""A node as the checks of what it believes see it."""

from chance import Chance
from voice import LAN, NODE_KEY, Voice, packet

from codec.wire import announcement, rtp
from codec.wire.mac import Mac, derive
from firmware.node.counters import new_counters
from firmware.node.keychain import Keychain
from firmware.node.pipeline import Pipeline

START_US = 1700000000000000
OWN = Mac(derive(NODE_KEY, "audio"))


class Node:
    """A node's pipeline whose local time is the media time; it knows it to `doubt_us`. `heard` is what proved genuine.

    It plays nothing: what proved genuine is caught where the jitter buffer would take it.
    """

    round_trip_us = trip_us = 10000

    def __init__(self, terms=LAN, doubt_us=4000, length=2048):
        self.terms = terms
        self.doubt_us = doubt_us
        self.chance = Chance(5)
        self.voice = Voice(terms, START_US, length)
        self.keychain = Keychain()
        self.keychain.take(terms, self.voice.anchors(START_US))
        self.counters = new_counters()
        self.pipeline = Pipeline(self, self, self.keychain, OWN, lambda: self.chance.next(256), None, self.counters)
        self.verifier = self.pipeline.verifier
        self.stream = announcement.Stream(7, terms.interval_us, START_US, 250000, 3)
        self.pipeline.announce([self.stream], START_US)
        self.heard = []
        self.missed = []
        self.deliver = self.verifier._deliver
        self.verifier._deliver = self._deliver
        self.verifier._missed = lambda ssrc, index: self.missed.append((ssrc, index))

    def _deliver(self, ssrc, index, data, arrived_us):
        self.heard.append((ssrc, index, bytes(data[rtp.HEADER_BYTES :])))
        self.deliver(ssrc, index, data, arrived_us)

    def locked(self, now_us, lost_after_us=0):
        return True

    def media_us(self, now_us):
        return now_us

    def latest_us(self, now_us):
        return None if self.doubt_us is None else now_us + self.doubt_us

    def due_us(self, index, stream=None):
        stream = stream or self.stream
        return stream.media0_us + index * stream.frame_us

    def packet(self, index, payload=None, stream=None):
        stream = stream or self.stream
        made = packet(stream, index, payload or b"F%d" % index)
        return bytes(self.voice.sign(made, self.due_us(index, stream)))

    def receive(self, data, now_us):
        """Return what came of a datagram."""
        found = self.pipeline.receiver.receive(data)
        if found is None:
            return None
        stream, index = found
        self.pipeline._now_us = now_us
        return self.verifier.receive(stream, index, data, now_us)

    def take(self, index, late_us=2000, data=None):
        return self.receive(data or self.packet(index), self.due_us(index) + late_us)

    def true(self, first, count, ssrc=7):
        return [(ssrc, index, b"F%d" % index) for index in range(first, first + count)]
