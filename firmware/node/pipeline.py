"""The stages of a node, in order: receiver, verifier, repair, jitter buffer, decoder, drift corrector, volume,
player."""

from codec.wire import nack, rtp

from .arrivals import Arrivals
from .decoder import Decoder
from .drift import DriftCorrector
from .jitter import JitterBuffer
from .player import Player
from .receiver import Receiver
from .repair import Repair
from .streams import Streams
from .verifier import GENUINE, REFUSED, Verifier
from .volume import Volume


class Pipeline:
    """Datagrams in at one end, blocks for the DAC out at the other.

    clock: the time to play by; judge: the one that says what may be believed. own: makes the tags of the node's key.
    chance: returns a byte. stamp_sd_us: standard deviation of the DAC's position stamp. least_fill_frames: how far a
    sound system that buffers by itself must be kept ahead; 0 for a bare DAC.
    """

    def __init__(self, clock, judge, keychain, own, chance, opus, counters, stamp_sd_us=30.0, least_fill_frames=0):
        self._clock = clock
        self._now_us = 0
        self.streams = streams = Streams()
        self.receiver = Receiver(streams, counters)
        self.verifier = Verifier(keychain, judge, own, counters, chance, streams.announced, self._deliver, self._missed)
        self.arrivals = Arrivals()
        self.repair = Repair(self.arrivals, counters)
        self.jitter = JitterBuffer(counters)
        self.decoder = Decoder(opus, self.jitter, counters)
        self.drift = DriftCorrector()
        self.volume = Volume()
        self.player = Player(
            clock,
            self.jitter,
            self.decoder,
            self.drift,
            self.volume,
            counters,
            stamp_sd_us,
            least_fill_frames,
        )

    def receive(self, data, now_us):
        """Take a datagram that came at local `now_us`."""
        self._now_us = now_us
        found = self.receiver.receive(data)
        if found is None:
            return
        stream, frame_index = found
        self.poll(now_us)
        outcome = self.verifier.receive(stream, frame_index, data, now_us)
        if outcome == REFUSED:
            return
        if outcome == GENUINE:
            self._deliver(stream.ssrc, frame_index, data, now_us)
        elif self._plays(stream.ssrc):
            self._arrived(frame_index, False, True, self.jitter.floor, now_us)

    def _plays(self, ssrc):
        stream = self.player.stream
        return stream is not None and stream.ssrc == ssrc and self._clock.locked(self._now_us)

    def _deliver(self, ssrc, frame_index, data, arrived_us):
        """A packet has proved genuine; it came unasked if it had to wait for its key."""
        if self.streams.announced(ssrc) is None:
            return
        now_us = self._now_us
        played = self._plays(ssrc)
        self.streams.heard(ssrc, arrived_us)  # a stream is not alive because its last keys are told
        self.poll(now_us)
        if not self._plays(ssrc):
            return
        player = self.player
        floor = self.jitter.floor
        slack_us = player.patience_us(player.stream) - player.transit_us(player.stream, frame_index, now_us)
        kept = self.jitter.put(frame_index, memoryview(data)[rtp.HEADER_BYTES :], slack_us)
        if arrived_us == now_us or not played:
            self._arrived(frame_index, data[1] >= 0x80, kept, floor, arrived_us)
        if not played:
            for index, came_us in self.verifier.held(ssrc):
                self._arrived(index, False, True, floor, came_us)

    def _missed(self, ssrc, frame_index):
        if self._plays(ssrc):
            self.repair.missed(frame_index)

    def _arrived(self, frame_index, marker, kept, floor, arrived_us):
        # marker: it follows silence. Not believed of what waits for its key, or a forged one would make a loss silence.
        if self.repair.arrived(frame_index, marker, kept, floor):
            self.arrivals.put(self.player.transit_us(self.player.stream, frame_index, arrived_us))

    def tell(self, raw, take_next, now_us):
        """Take what the chain's topic said at local `now_us`; raises WireError."""
        self._now_us = now_us
        self.verifier.tell(raw, take_next, now_us)

    def expect(self, raw, streams, take, now_us):
        """Hand an announcement that came at local `now_us` to ``take(body)`` once it proves genuine; `streams` are what
        it says. False if it never will. Raises WireError."""
        self._now_us = now_us
        if not self.verifier.sealed(raw, take, now_us):
            return False
        self.streams.expect(streams)
        return True

    def ask_again(self, node_tag, now_us):
        """Return the datagram that asks for what is missing at local `now_us`, or None."""
        stream = self.player.stream
        floor = self.jitter.floor
        clock = self._clock
        if stream is None or floor is None or not clock.locked(now_us) or clock.round_trip_us is None:
            return None  # it may play by its village before it knows the way to the controller
        player = self.player
        frames = self.repair.due(
            floor,
            lambda index: player.transit_us(stream, index, now_us),
            player.patience_us(stream),
            clock.trip_us,
            clock.round_trip_us,
        )
        return nack.build(node_tag, stream.ssrc, frames) if frames else None

    def silent(self):
        """Return why nothing plays though something is on air, or None."""
        if self.player.on_air is not None or self.streams.empty():
            return None
        return self.verifier.silent

    def tail_us(self):
        """Return how long after its media time nearly every frame of this stream has come, or None."""
        tail_us = self.arrivals.tail_us
        return None if tail_us is None else int(tail_us)

    def announce(self, streams, now_us):
        """Take the zone's announcement, a list of codec.wire.announcement.Stream."""
        self.streams.replace(streams)
        for stream in streams:
            self.player.update(stream)
        self.poll(now_us)

    def poll(self, now_us):
        """Give the turn to the stream that has it at local `now_us`."""
        stream = self.streams.select(now_us)
        if stream is not self.player.stream:
            self.player.play(stream, now_us)
            self.repair.restart()
            self.arrivals.restart()

    def render(self, now_us, urgent):
        """Return the next block for the DAC; None unless `urgent` while it should wait for a frame."""
        self.poll(now_us)
        return self.player.render(now_us, urgent)
