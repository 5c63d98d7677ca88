"""The stages of a node, in order: receiver, repair, jitter buffer, decoder, drift corrector, volume, player."""

from codec.wire import nack

from .arrivals import Arrivals
from .decoder import Decoder
from .drift import DriftCorrector
from .jitter import JitterBuffer
from .player import Player
from .receiver import Receiver
from .repair import Repair
from .streams import Streams
from .volume import Volume


class Pipeline:
    """Datagrams in at one end, blocks for the DAC out at the other.

    stamp_sd_us: standard deviation of the DAC's position stamp. least_fill_frames: how far a sound system
    that buffers by itself must be kept ahead; 0 for a bare DAC.
    """

    def __init__(self, clock, opus, counters, stamp_sd_us=30.0, least_fill_frames=0):
        self._clock = clock
        self.streams = Streams()
        self.receiver = Receiver(self.streams, counters)
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
        found = self.receiver.receive(data, now_us)
        if found is None:
            return
        stream, frame_index, payload, marker = found
        self.poll(now_us)
        player = self.player
        if player.stream is not stream or not self._clock.locked(now_us):
            return
        transit_us = player.transit_us(stream, frame_index, now_us)
        floor = self.jitter.floor
        kept = self.jitter.put(frame_index, payload, player.patience_us(stream) - transit_us)
        if self.repair.arrived(frame_index, marker, kept, floor):
            self.arrivals.put(transit_us)

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
