"""The DAC of an ESP32: the C module ``loadac`` where the firmware has it, else ``machine.I2S``."""

import time
from array import array

import machine

try:
    import loadac
except ImportError:
    loadac = None

RATE = 48000
_DMA_FRAMES = 120
_DMA_COUNT = 4
"""2.5 ms a buffer: what is in the DMA, 7.5 ms, comes on top of what waits for it, and `low` has 25 ms for both."""
_RING_FRAMES = 6240
"""130 ms: 120 ms ahead while playing, and room to write. The module takes 8192 frames of memory either way."""


def open_dac(pins):
    """Return a DAC (see firmware/hal) on the I2S pins sck, ws, sd."""
    if loadac is None:
        return I2sDac(pins)
    return loadac.DAC(
        sck=pins["sck"],
        ws=pins["ws"],
        sd=pins["sd"],
        rate=RATE,
        dma_frames=_DMA_FRAMES,
        dma_count=_DMA_COUNT,
        ring_frames=_RING_FRAMES,
    )


def stamp_sd_us():
    """Return the standard deviation of the DAC's position stamp: an interrupt's, or a scheduled callback's."""
    return 30.0 if loadac else 1500.0


class I2sDac:
    """``machine.I2S`` knows its position only to a buffer.

    It takes one buffer at a time and calls back when all of it is in the DMA, which then is full: so many frames less
    than were taken have left. The callback is scheduled, not an interrupt's own, and late by up to some milliseconds.
    Good enough to hear a programme, not to hold neighbours together; build with firmware/cmodules/loadac for that.
    """

    _DMA_BUFFER_FRAMES = 960
    _CHUNK_FRAMES = 960
    _CHUNKS = 3

    def __init__(self, pins):
        self._i2s = machine.I2S(
            0,
            sck=machine.Pin(pins["sck"]),
            ws=machine.Pin(pins["ws"]),
            sd=machine.Pin(pins["sd"]),
            mode=machine.I2S.TX,
            bits=16,
            format=machine.I2S.MONO,
            rate=RATE,
            ibuf=2 * self._DMA_BUFFER_FRAMES,
        )
        # The peripheral reads a buffer after write() has returned, so each has its own until its callback.
        self._buffers = [memoryview(array("h", bytes(2 * self._CHUNK_FRAMES))) for _ in range(self._CHUNKS)]
        self._queue = []
        self._next = 0
        self._taken = 0
        self._written = 0
        self._stamp = time.ticks_us()
        self._i2s.irq(self._emptied)

    def _emptied(self, _):
        self._stamp = time.ticks_us()
        self._taken += len(self._queue.pop(0))
        if self._queue:
            self._i2s.write(self._queue[0])

    def free(self):
        """Return the frames that write() would accept."""
        return self._CHUNK_FRAMES * (self._CHUNKS - len(self._queue))

    def write(self, block):
        """Queue a block of at most 960 frames; never blocks."""
        frames = len(block)
        if len(self._queue) == self._CHUNKS or frames > self._CHUNK_FRAMES:
            return 0
        chunk = self._buffers[self._next][:frames]
        self._next = (self._next + 1) % self._CHUNKS
        chunk[:] = block
        self._queue.append(chunk)
        self._written += frames
        if len(self._queue) == 1:
            self._i2s.write(chunk)
        return frames

    def position(self):
        """Return ``(frames_out, ticks)`` of the last callback."""
        return max(self._taken - self._DMA_BUFFER_FRAMES, 0), self._stamp

    def underruns(self):
        """Return 0: the peripheral does not tell."""
        return 0
