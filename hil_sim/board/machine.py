"""Stands in for an ESP32's ``machine``: identity, reset, watchdog, I2S."""

import asyncio
import asyncio.core
import os
import random

import _board
import _dac
import ffi
import utime

# See ``time``: asyncio has taken the board's ticks from there, and its C task queue has the host's.
asyncio.core.ticks = utime.ticks_ms
asyncio.core.ticks_add = utime.ticks_add
asyncio.core.ticks_diff = utime.ticks_diff

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
DEEPSLEEP_RESET = 4
SOFT_RESET = 5

_DMA_FRAMES = 240
_RING_FRAMES = 4 * _DMA_FRAMES

REBOOT_EXIT_CODE = 75
"""The process ends with it when the firmware asks for a reset: whoever launched it starts it again."""

_libc = ffi.open("libc.so.6")
_exit = _libc.func("v", "_exit", "i")
_setitimer = _libc.func("i", "setitimer", "ipp")
_ITIMER_REAL = 0


def reset():
    """Restart the board."""
    _exit(REBOOT_EXIT_CODE)


def reset_cause():
    """Return why the board started; the launcher says so in LOAXA_RESET_CAUSE."""
    return int(os.getenv("LOAXA_RESET_CAUSE") or PWRON_RESET)


def unique_id():
    """Return 6 bytes that no other board has."""
    return b"\x02\x00" + _board.settings["seed"].to_bytes(4, "big")


def freq(hz=240000000):
    """Return the processor's frequency, Hz."""
    return hz


class WDT:
    """A watchdog that bites: unless it is fed, SIGALRM ends the process, however busy the interpreter is."""

    def __init__(self, id=0, timeout=5000):
        self._timeout_ms = timeout
        self.feed()

    def feed(self):
        """Put the end off by another timeout."""
        from array import array

        seconds, rest_ms = divmod(self._timeout_ms, 1000)
        _setitimer(_ITIMER_REAL, array("q", [0, 0, seconds, rest_ms * 1000]), None)


class Pin:
    """A pin; board.json says what hangs on it."""

    IN = 0
    OUT = 1
    PULL_UP = 2

    def __init__(self, id, mode=IN, pull=None, value=0):
        self.wired = _board.settings["pins"].get(str(id), ("nothing",))
        self._value = 1 if pull == Pin.PULL_UP else value

    def value(self, value=None):
        """Return the level, or set it."""
        if value is not None:
            self._value = value
            return None
        what = self.wired[0]
        if what in ("door_open", "tilted"):
            return 1 if _board.now(what) else 0
        if what == "fm":
            return 1 if _board.now("fm") == "carrier" else 0
        if what == "fm_power":
            return 0 if _board.now("fm") == "off" else 1
        return self._value


class ADC:
    """A converter at a pin: the supply behind a divider, or a sensor of the current into the horns."""

    ATTN_11DB = 3
    _MOST_MV = 3100
    _NOISE_MV = 5

    def __init__(self, pin, atten=ATTN_11DB):
        self._wired = pin.wired
        if self._wired[0] not in ("speaker", "supply"):
            raise ValueError("invalid pin")

    def read_uv(self):
        """Return the voltage, microvolts."""
        what, factor, zero_mv = self._wired
        value = _board.now("supply_mv") if what == "supply" else _dac.speaker_ma(_board.now("speaker"))
        millivolts = zero_mv + value / factor + (random.random() * 2 - 1) * self._NOISE_MV
        return int(max(min(millivolts, self._MOST_MV), 0) * 1000)


class I2S:
    """The stock peripheral, non-blocking: takes one buffer at a time and calls back once all of it is in the DMA."""

    TX = 1
    RX = 0
    MONO = 1
    STEREO = 0

    def __init__(self, id, sck=None, ws=None, sd=None, mode=TX, bits=16, format=MONO, rate=48000, ibuf=8000):
        if mode != I2S.TX or bits != 16 or format != I2S.MONO:
            raise ValueError("only mono 16-bit output")
        # The peripheral feeds its DMA from `buf`. Here one DMA buffer of the ring stands for one of its own.
        self._dac = _dac.DAC(
            rate=rate, dma_frames=_DMA_FRAMES, dma_count=max(ibuf // (2 * _DMA_FRAMES) - 1, 2), ring_frames=_RING_FRAMES
        )
        self._busy = False
        self._handler = None

    def irq(self, handler):
        """Call `handler` whenever a buffer has been taken. Needs a running asyncio loop to do so."""
        self._handler = handler
        self._task = asyncio.create_task(self._watch())

    def write(self, buf):
        """Begin with `buf`; return its bytes. Another one before it has been taken is lost."""
        if not self._busy:
            self._busy = True
            if self._dac.write(buf) < len(buf):
                raise ValueError("a buffer longer than this peripheral holds")
        return 2 * len(buf)

    async def _watch(self):
        while True:
            if self._busy and _RING_FRAMES - self._dac.free() <= _DMA_FRAMES:
                self._busy = False
                self._handler(self)
            await asyncio.sleep_ms(1)

    def deinit(self):
        """Stop."""
        self._dac.deinit()
