"""A node's pipeline in virtual time: a crystal, a DAC and a programme whose every sample is known."""

import math
from array import array

from chance import Chance
from voice import LAN, LOW, NODE_KEY, Voice, packet

from codec.wire import announcement, names, sync
from codec.wire.mac import Mac, derive
from firmware.node.clock import Clock
from firmware.node.counters import new_counters
from firmware.node.keychain import Keychain
from firmware.node.pipeline import Pipeline

EPOCH_US = 1700000000000000
HZ = 50
LEVEL = 10000


def programme(sample):
    """The programme: a sine, so that a value and its neighbours tell the position."""
    return round(LEVEL * math.sin(2 * math.pi * HZ * sample / 48000))


class ProgrammeDecoder:
    """Decodes payloads that hold a frame's number; conceals by silence."""

    def __init__(self, frame_samples):
        self.frame_samples = frame_samples
        self.resets = 0

    def reset(self):
        self.resets += 1

    def decode(self, packet, pcm, fec=False):
        if packet is None:
            for i in range(len(pcm)):
                pcm[i] = 0
            return len(pcm)
        text = bytes(packet)
        if text[:1] != b"F":
            raise ValueError("not of this codec")
        first = (int(text[1:]) - (1 if fec else 0)) * self.frame_samples
        for i in range(self.frame_samples):
            pcm[i] = programme(first + i)
        return self.frame_samples


class Dac:
    """Four DMA buffers of 2.5 ms behind a ring, at crystal `scale` from true time 0 (as firmware/cmodules/loadac)."""

    BLOCK = 120
    COUNT = 4

    def __init__(self, scale):
        self._frames_a_us = 0.048 * scale
        self._block = 0
        self._moved = 0
        self._filled = [0] * self.COUNT
        self._starts = []  # (first frame, DMA block that it leaves in)
        self._dry = True
        self.accepted = 0
        self.out = 0
        self.underruns = 0

    def advance(self, true_us):
        """Work off the interrupts that were due until `true_us`."""
        while (self._block + 1) * self.BLOCK <= true_us * self._frames_a_us:
            slot = self._block % self.COUNT
            self.out += self._filled[slot]
            frames = min(self.accepted - self._moved, self.BLOCK)
            self._filled[slot] = frames
            if frames:
                self._starts.append((self._moved, self._block + self.COUNT))
                self._moved += frames
            dry = frames < self.BLOCK
            if dry and not self._dry:
                self.underruns += 1
            self._dry = dry
            self._block += 1

    def stamp_us(self):
        """Return the true time of the last interrupt."""
        return self._block * self.BLOCK / self._frames_a_us

    def leaves_us(self, frame):
        """Return the true time at which `frame` leaves; None if it is still in the ring."""
        if frame >= self._moved:
            return None
        low, high = 0, len(self._starts)
        while high - low > 1:
            middle = (low + high) // 2
            if self._starts[middle][0] <= frame:
                low = middle
            else:
                high = middle
        first, block = self._starts[low]
        return (block * self.BLOCK + frame - first) / self._frames_a_us


class Node:
    """A node at crystal `ppm` in true time `now_us`, which its DAC shares. It has been told the chain of `voice`."""

    def __init__(self, ppm, frame_us=20000, delay_us=5000, turn_us=5000):
        self.turn_us = turn_us
        self.scale = 1 + ppm * 1e-6
        self.now_us = 0
        self.delay_us = delay_us
        self.frame_us = frame_us
        self.counters = new_counters()
        self.time_key = Mac(derive(NODE_KEY, "time"))
        self.clock = Clock(names.node_tag("node-1"), self.time_key, lambda: 7)
        self.opus = ProgrammeDecoder(frame_us * 48 // 1000)
        self.voice = Voice(LOW if frame_us == 10000 else LAN, EPOCH_US)
        self.keychain = Keychain()
        self.keychain.take(self.voice.terms, self.voice.anchors(EPOCH_US))
        chance = Chance(17)
        self.pipeline = Pipeline(
            self.clock,
            self.clock,
            self.keychain,
            Mac(derive(NODE_KEY, "audio")),
            lambda: chance.next(256),
            self.opus,
            self.counters,
        )
        self.dac = Dac(self.scale)
        self.emitted = []
        self.replies = []
        self.drift_of_media = 0
        self.media_jump_us = 0

    def local(self, true_us):
        return int(true_us * self.scale) + 777000000

    def media(self, true_us):
        return EPOCH_US + true_us + self.media_jump_us

    def step(self, noise=None):
        """Let a turn pass."""
        self.now_us += self.turn_us
        local_us = self.local(self.now_us)
        jitter = noise() if noise else 0
        request = self.clock.poll(local_us)
        if request is not None:
            t2_us = self.media(self.now_us + self.delay_us)
            reply = bytes(sync.pack_reply(request, t2_us, t2_us + 10, self.time_key))
            self.replies.append((self.now_us + 2 * self.delay_us + jitter + 10, reply))
        for item in [item for item in self.replies if item[0] <= self.now_us]:
            self.replies.remove(item)
            self.clock.receive(item[1], self.local(item[0]))
        player = self.pipeline.player
        dac = self.dac
        dac.advance(self.now_us)
        player.observe(dac.out, self.local(dac.stamp_us()), dac.underruns)
        while True:
            queued = player.queued_frames(local_us)
            urgent = queued <= player.floor_frames()
            if queued + player.block_frames(urgent) > player.fill_frames():
                break
            samples = self.pipeline.render(local_us, urgent)
            if samples is None:
                break
            self.emitted.append((dac.accepted, array("h", samples)))
            dac.accepted += len(samples)

    def stall(self, milliseconds):
        """Let time pass in which the node does nothing, and its DAC goes on."""
        self.now_us += milliseconds * 1000

    def run(self, milliseconds):
        for _ in range(milliseconds * 1000 // self.turn_us):
            self.step()

    def stream(self, ssrc=7, lead_us=150000, priority=3, start_in_us=200000):
        """Return a stream that begins then, on the grid of frames as the engine's are."""
        start_us = -(-self.media(self.now_us + start_in_us) // self.frame_us) * self.frame_us
        return announcement.Stream(ssrc, self.frame_us, start_us, lead_us, priority)

    def packet(self, stream, index, payload=None):
        """Return a packet as the controller sends it."""
        media_us = stream.media0_us + index * stream.frame_us
        return bytes(self.voice.sign(packet(stream, index, payload or b"F%d" % index), media_us))

    def send(self, stream, first, count, drop=(), late_us=10000):
        """Step through `count` frames, each packet arriving `late_us` after its media time."""
        for index in range(first, first + count):
            due_us = stream.media0_us + index * stream.frame_us + late_us
            while self.media(self.now_us) < due_us:
                self.step()
            if index not in drop:
                self.pipeline.receive(self.packet(stream, index), self.local(self.now_us))

    def errors_us(self, stream, first_sample, samples):
        """Return how far each 480th emitted sample is from its instant, by the programme's steep parts."""
        errors = []
        slope = LEVEL * 2 * math.pi * HZ / 48000
        for first, block in self.emitted:
            for i in range(0, len(block), 16):
                true_us = self.dac.leaves_us(first + i)
                if true_us is None:
                    continue
                position = (self.media(true_us) - stream.media0_us - stream.lead_us) * 0.048
                if not first_sample <= position < first_sample + samples:
                    continue
                angle = 2 * math.pi * HZ * position / 48000
                if abs(math.cos(angle)) > 0.9:
                    wrong = block[i] - LEVEL * math.sin(angle)
                    errors.append(wrong / (slope * math.cos(angle)) / 0.048)
        return errors
