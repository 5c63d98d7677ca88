"""The stages of a node, in order: receiver, jitter buffer, decoder, drift corrector, volume, player."""

from .decoder import Decoder
from .drift import DriftCorrector
from .jitter import JitterBuffer
from .player import Player
from .receiver import Receiver
from .streams import Streams
from .volume import Volume


class Pipeline:
    """Datagrams in at one end, blocks for the DAC out at the other.

    stamp_sd_us: standard deviation of the DAC's position stamp. least_fill_frames: how far a sound system
    that buffers by itself must be kept ahead; 0 for a bare DAC.
    """

    def __init__(self, clock, opus, counters, stamp_sd_us=30.0, least_fill_frames=0):
        self.streams = Streams()
        self.receiver = Receiver(self.streams, counters)
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
        stream, frame_index, payload = found
        self.poll(now_us)
        if self.player.stream is stream:
            self.jitter.put(frame_index, payload, self.player.slack_us(stream, frame_index, now_us))

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

    def render(self, now_us, urgent):
        """Return the next block for the DAC; None unless `urgent` while it should wait for a frame."""
        self.poll(now_us)
        return self.player.render(now_us, urgent)
