"""The DAC of an ESP32: the C module ``loadac`` where the firmware has it, else ``machine.I2S``."""

import time

import machine

RATE = 48000
_DMA_FRAMES = 240
_DMA_COUNT = 14
"""5 ms a block; 70 ms in all: 60 ms ahead while playing, and room to write."""


def open_dac(pins):
    """Return a DAC (see firmware/hal) on the I2S pins sck, ws, sd."""
    try:
        import loadac
    except ImportError:
        return I2sDac(pins)
    return loadac.DAC(
        sck=pins["sck"],
        ws=pins["ws"],
        sd=pins["sd"],
        rate=RATE,
        dma_frames=_DMA_FRAMES,
        dma_count=_DMA_COUNT,
    )


def stamp_sd_us():
    """Return the standard deviation of the DAC's position stamp: an interrupt's, or a scheduled
    callback's."""
    try:
        import loadac  # noqa: F401
    except ImportError:
        return 1500.0
    return 30.0


class I2sDac:
    """``machine.I2S`` knows its position only to a buffer: each time a buffer's callback comes, so much has
    left.

    The callback is scheduled, not an interrupt's own: its stamp is late by up to some milliseconds. Good
    enough to hear a programme, not to hold neighbours together; build with firmware/cmodules/loadac for that.
    """

    _CHUNK_FRAMES = 480

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
            ibuf=2 * _DMA_FRAMES * _DMA_COUNT,
        )
        self._capacity = _DMA_FRAMES * _DMA_COUNT
        self._i2s.irq(self._emptied)
        self._written = 0
        self._out = 0
        self._stamp = time.ticks_us()
        self._underruns = 0

    def _emptied(self, _):
        self._stamp = time.ticks_us()
        self._out = min(self._out + self._CHUNK_FRAMES, self._written)

    def free(self):
        """Return the frames that write() would accept."""
        return self._capacity - (self._written - self._out)

    def write(self, block):
        """Queue a block; non-blocking since a callback is set."""
        if self.free() < len(block):
            return 0
        self._i2s.write(block)
        self._written += len(block)
        return len(block)

    def position(self):
        """Return ``(frames_out, ticks)`` of the last callback."""
        return self._out, self._stamp

    def underruns(self):
        """Return how often the buffer ran dry; the peripheral does not tell."""
        return self._underruns
