"""The DAC of a simulated board, with the interface of ``loadac``: its emission is computed, not run.

The I2S clock runs from creation on at the board's crystal. Each time a DMA buffer has been sent, the interrupt fills it
from the ring; it is sent again once the others have been. Interrupts are worked off, each as of its own time, whenever
the firmware asks for something. What has left is appended to the capture file (format: docs/architecture.md); frames
that a reset catches in ring or DMA never leave, as on a board.
"""

import math
import random
import struct
import time
from array import array

import ffi
import micropython
import uctypes
import utime
from _board import ppb, settings

_HEADER = "<qII"
_HEADER_BYTES = 16
_NS_PER_MHZ_FRAME = 1000000000000

_SENSOR_BLOCKS = 6
"""The sensor shows the effective current of as many runs of the DMA, 10 ms each."""
_SILENT_NS = 100000000
_TONE_RMS = 5793.0
"""Of the firmware's test tone: full scale less 12 dB."""
_OPEN_SHARE, _SHORT_SHARE = 0.02, 15.0
_MOST_MA = 11000
"""The amplifier limits."""

_libc = ffi.open("libc.so.6")
_malloc = _libc.func("P", "malloc", "L")
_free = _libc.func("v", "free", "P")
_memcpy = _libc.func("P", "memcpy", "PPL")


@micropython.viper
def _mean_square(at: int, count: int) -> int:
    samples = ptr16(at)  # noqa: F821 - a viper type
    total = 0
    for i in range(count):
        y = (int(samples[i]) ^ 0x8000) - 0x8000
        total += y * y
    return total // count


_energies = array("q", bytes(8 * _SENSOR_BLOCKS))
_heard = 0
_heard_ns = 0
_measured = any(wired[0] == "speaker" for wired in settings["pins"].values())


def _hear(at, frames, end_ns):
    """`frames` samples at address `at` have left until `end_ns`."""
    global _heard, _heard_ns
    _energies[_heard % _SENSOR_BLOCKS] = _mean_square(at, frames)
    _heard += 1
    _heard_ns = end_ns


def speaker_ma(fault):
    """Return the current into the horns now, mA; `fault` is None, "open" or "short"."""
    if utime.ticks_us() * 1000 - _heard_ns > _SILENT_NS:
        return 0
    rms = math.sqrt(sum(_energies) // _SENSOR_BLOCKS)
    share = _OPEN_SHARE if fault == "open" else _SHORT_SHARE if fault == "short" else 1
    return min(settings["speaker_tone_ma"] * rms / _TONE_RMS * share, _MOST_MA)


class DAC:
    """Mono 16-bit output; the pins are accepted and ignored."""

    def __init__(self, sck=None, ws=None, sd=None, rate=48000, dma_frames=120, dma_count=4, ring_frames=6240):
        self._rate_mhz = rate * 1000 + rate * ppb // 1000000
        self._dma_frames = dma_frames
        self._dma_count = dma_count
        self._ring_frames = ring_frames
        # Room for what is in the DMA and for the run before, which is kept until all of it has left.
        self._size = ring_frames + 2 * dma_frames * dma_count
        self._ring = _malloc(2 * self._size)  # as on a board: not of Python's heap
        self._record = memoryview(bytearray(_HEADER_BYTES + 2 * dma_frames * dma_count))
        self._noise_us = settings["position_noise_us"]
        self._capture = open(settings["capture"], "ab")
        self._start_ns = utime.ticks_us() * 1000
        self._accepted = 0  # frames ever written
        self._moved = 0  # frames ever moved to the DMA
        self._out = 0  # frames that had left at the last interrupt
        self._block = 0  # interrupts so far; also the number of the DMA buffer that is leaving
        self._filled = [0] * dma_count  # frames in each DMA buffer
        self._sounding = []  # [number of the first block, first frame, frames] of the DMA's gapless runs
        self._full = 0  # how many of the last DMA buffers were filled to the end
        self._dry = True
        self._underruns = 0
        random.seed(settings["seed"])

    def _block_ns(self, block):
        """Return when DMA block number `block` starts to leave, CLOCK_MONOTONIC nanoseconds."""
        return self._start_ns + block * self._dma_frames * _NS_PER_MHZ_FRAME // self._rate_mhz

    def _advance(self):
        """Work off the interrupts that were due until now."""
        now_ns = utime.ticks_us() * 1000
        due = (now_ns - self._start_ns) * self._rate_mhz // (self._dma_frames * _NS_PER_MHZ_FRAME)
        if due == self._block:
            return
        # While nothing runs dry, all that the DMA can hold in one step.
        blocks = min(due - self._block, self._dma_count)
        if self._full == self._dma_count and blocks * self._dma_frames <= self._accepted - self._moved:
            self._out += blocks * self._dma_frames
            self._move(self._block + self._dma_count, blocks * self._dma_frames)
            self._block += blocks
        while self._block < due:
            self._interrupt()
        while self._sounding and self._end(self._sounding[0]) <= due:
            self._emit(self._sounding.pop(0))

    def _end(self, run):
        return run[0] + -(-run[2] // self._dma_frames)

    def _interrupt(self):
        """Block number `_block` has been sent: count it, fill its buffer for its next turn."""
        slot = self._block % self._dma_count
        self._out += self._filled[slot]
        frames = min(self._accepted - self._moved, self._dma_frames)
        self._filled[slot] = frames
        if frames:
            self._move(self._block + self._dma_count, frames)
        dry = frames < self._dma_frames
        if dry and not self._dry:
            self._underruns += 1
        self._dry = dry
        self._full = 0 if dry else min(self._full + 1, self._dma_count)
        self._block += 1

    def _move(self, block, frames):
        """Take `frames` from the ring into the buffers that leave from number `block` on."""
        runs = self._sounding
        if self._dry or not runs or runs[-1][2] + frames > self._dma_frames * self._dma_count:
            runs.append([block, self._moved, frames])
        else:
            runs[-1][2] += frames
        self._moved += frames

    def _emit(self, run):
        block, first, frames = run
        record = self._record[: _HEADER_BYTES + 2 * frames]
        struct.pack_into(_HEADER, record, 0, self._block_ns(block), frames, self._rate_mhz)
        samples = uctypes.addressof(record) + _HEADER_BYTES
        start = first % self._size
        whole = min(frames, self._size - start)
        _memcpy(samples, self._ring + 2 * start, 2 * whole)
        _memcpy(samples + 2 * whole, self._ring, 2 * (frames - whole))
        self._capture.write(record)  # all at once: a node may be killed at any time
        if _measured:
            _hear(samples, frames, self._block_ns(self._end(run)))

    def free(self):
        """Return how many frames :meth:`write` would accept now."""
        self._advance()
        return self._ring_frames - (self._accepted - self._moved)

    def write(self, buf):
        """Take as many int16 frames of `buf`, an array of them, as fit; return their number. Never blocks."""
        frames = min(self.free(), len(buf))
        start = self._accepted % self._size
        whole = min(frames, self._size - start)
        source = uctypes.addressof(buf)
        _memcpy(self._ring + 2 * start, source, 2 * whole)
        _memcpy(self._ring, source + 2 * whole, 2 * (frames - whole))
        self._accepted += frames
        return frames

    def position(self):
        """Return ``(frames_out, local_us)`` of the last DMA interrupt."""
        self._advance()
        noise_us = 0.0
        for _ in range(4):  # the sum of four uniform numbers is near enough to normal
            noise_us += random.random() - 0.5
        stamp_us = self._block_ns(self._block) // 1000 + round(noise_us * 1.732 * self._noise_us)
        return self._out, time.ticks_of_mono_us(stamp_us)

    def underruns(self):
        """Return how often the sound ran dry."""
        self._advance()
        return self._underruns

    def deinit(self):
        """Stop; what has not left is lost."""
        self._advance()
        self._sounding = []
        self._capture.close()
        _free(self._ring)
        self._ring = None
