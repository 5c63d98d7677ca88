"""The DAC of a simulated board, with the interface of ``loadac``: its emission is computed, not run.

The I2S clock runs from creation on at the board's crystal. Frames leave in DMA blocks; when the ring is
empty, silence leaves, and frames written later start at the next block boundary. What has left is appended to
the capture file (format: docs/architecture.md); frames that a reset catches in the ring never leave, as on a
board.
"""

import random
import struct
import time

import utime
from _board import ppb, settings

_HEADER = "<qII"
_NS_PER_MHZ_FRAME = 1000000000000


class DAC:
    """Mono 16-bit output; the pins are accepted and ignored."""

    def __init__(self, sck=None, ws=None, sd=None, rate=48000, dma_frames=240, dma_count=6):
        self._rate_mhz = rate * 1000 + rate * ppb // 1000000
        self._dma_frames = dma_frames
        self._ring_frames = dma_frames * dma_count
        self._noise_us = settings["position_noise_us"]
        self._capture = open(settings["capture"], "ab")
        self._start_ns = utime.ticks_us() * 1000
        self._accepted = 0
        self._underruns = 0
        # The run of frames without a gap: number of its first frame and of the block that it starts at.
        self._run_first = 0
        self._run_block = 0
        self._running = False
        self._pending = []
        random.seed(settings["seed"])

    def _block_ns(self, block):
        """Return when DMA block number `block` starts to leave, CLOCK_MONOTONIC nanoseconds."""
        return self._start_ns + block * self._dma_frames * _NS_PER_MHZ_FRAME // self._rate_mhz

    def _block_at(self, now_ns):
        return (now_ns - self._start_ns) * self._rate_mhz // (self._dma_frames * _NS_PER_MHZ_FRAME)

    def _advance(self):
        """Bring the model to now; return the number of the block that is leaving."""
        now_ns = utime.ticks_us() * 1000
        block = self._block_at(now_ns)
        while self._pending and self._pending[0][0] <= now_ns:
            first_ns, data = self._pending.pop(0)
            self._capture.write(struct.pack(_HEADER, first_ns, len(data) // 2, self._rate_mhz) + data)
        if self._running:
            left_ns = now_ns - self._block_ns(self._run_block)
            if left_ns * self._rate_mhz >= (self._accepted - self._run_first) * _NS_PER_MHZ_FRAME:
                self._running = False
                self._underruns += 1
        return block

    def _left(self, block):
        """Return how many accepted frames have left when block number `block` starts."""
        if not self._running:
            return self._accepted
        in_run = (block - self._run_block) * self._dma_frames
        return self._run_first + min(max(in_run, 0), self._accepted - self._run_first)

    def free(self):
        """Return how many frames :meth:`write` would accept now."""
        return self._ring_frames - (self._accepted - self._left(self._advance()))

    def write(self, buf):
        """Take as many int16 frames of `buf` as fit; return their number. Never blocks."""
        block = self._advance()
        data = bytes(buf)
        frames = min(len(data) // 2, self._ring_frames - (self._accepted - self._left(block)))
        if frames <= 0:
            return 0
        if not self._running:
            self._running = True
            self._run_first = self._accepted
            self._run_block = block + 1
        ahead = self._accepted - self._run_first
        first_ns = self._block_ns(self._run_block) + ahead * _NS_PER_MHZ_FRAME // self._rate_mhz
        self._pending.append((first_ns, data[: 2 * frames]))
        self._accepted += frames
        return frames

    def position(self):
        """Return ``(frames_out, local_us)`` of the last DMA interrupt."""
        block = self._advance()
        noise_us = 0.0
        for _ in range(4):  # the sum of four uniform numbers is near enough to normal
            noise_us += random.random() - 0.5
        stamp_us = self._block_ns(block) // 1000 + round(noise_us * 1.732 * self._noise_us)
        return self._left(block), time.ticks_of_mono_us(stamp_us)

    def underruns(self):
        """Return how often the ring ran empty."""
        self._advance()
        return self._underruns

    def deinit(self):
        """Stop; what has not left is lost."""
        self._advance()
        self._pending = []
        self._capture.close()
