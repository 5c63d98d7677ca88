"""A sound card by ALSA through ffi: never blocks, and says where it is by the driver's own time stamp."""

import time
from array import array

import ffi

from .clock import raw_us

RATE = 48000
_PLAYBACK = 0
_NONBLOCK = 1
_FORMAT_S16_LE = 2
_ACCESS_RW_INTERLEAVED = 3
_TSTAMP_ENABLE = 1
_TSTAMP_MONOTONIC = 1
_BUFFER_US = 150000
_EAGAIN = -11
_STALLED_FRAMES = 480
_STALE_US = 1000000


def _open():
    try:
        return ffi.open("libasound.so.2")
    except OSError:
        raise OSError("libasound.so.2 is missing: install libasound2")


_library = _open()
_pcm_open = _library.func("i", "snd_pcm_open", "psii")
_pcm_close = _library.func("i", "snd_pcm_close", "p")
_set_params = _library.func("i", "snd_pcm_set_params", "piiIIiI")
_sw_malloc = _library.func("i", "snd_pcm_sw_params_malloc", "p")
_sw_free = _library.func("v", "snd_pcm_sw_params_free", "p")
_sw_current = _library.func("i", "snd_pcm_sw_params_current", "pp")
_sw_start = _library.func("i", "snd_pcm_sw_params_set_start_threshold", "ppL")
_sw_tstamp_mode = _library.func("i", "snd_pcm_sw_params_set_tstamp_mode", "ppi")
_sw_tstamp_type = _library.func("i", "snd_pcm_sw_params_set_tstamp_type", "ppi")
_sw_apply = _library.func("i", "snd_pcm_sw_params", "pp")
_status_malloc = _library.func("i", "snd_pcm_status_malloc", "p")
_status_free = _library.func("v", "snd_pcm_status_free", "p")
_status = _library.func("i", "snd_pcm_status", "pp")
_status_delay = _library.func("l", "snd_pcm_status_get_delay", "p")
_status_htstamp = _library.func("v", "snd_pcm_status_get_htstamp", "pp")
_avail = _library.func("l", "snd_pcm_avail_update", "p")
_writei = _library.func("l", "snd_pcm_writei", "ppL")
_recover = _library.func("i", "snd_pcm_recover", "pii")
_strerror = _library.func("s", "snd_strerror", "i")


def _check(code, what):
    if code < 0:
        raise OSError(-code, "sound card: %s: %s" % (what, _strerror(code)))
    return code


class Dac:
    """The ALSA device `device`, mono 16 bit 48 kHz; see firmware/hal. Raises OSError when it cannot be opened.

    It begins to play once `start_frames` are written: a sound server takes the first ones at once and calls it an
    underrun when no more are there.
    """

    def __init__(self, device, ticks_period, start_frames):
        self._device = device
        self._start_frames = start_frames
        self._mask = ticks_period - 1
        self._written = 0
        self._delay = 0
        self._underruns = 0
        self._stamp = array("l", [0, 0])
        pointer = array("P", [0])
        _check(_status_malloc(pointer), "memory")
        self._status = pointer[0]
        self._pcm = None
        self._open()

    def _open(self):
        pointer = array("P", [0])
        _check(_pcm_open(pointer, self._device, _PLAYBACK, _NONBLOCK), self._device)
        self._pcm = pointer[0]
        try:
            _check(
                _set_params(self._pcm, _FORMAT_S16_LE, _ACCESS_RW_INTERLEAVED, 1, RATE, 1, _BUFFER_US),
                "48 kHz mono 16 bit",
            )
            self._set_software()
            self._capacity = _check(_avail(self._pcm), "buffer")
        except OSError:
            self._close()
            raise

    def _set_software(self):
        """Start once `start_frames` are there, and stamp by CLOCK_MONOTONIC, as plugins do whatever they are told."""
        pointer = array("P", [0])
        _check(_sw_malloc(pointer), "memory")
        params = pointer[0]
        try:
            _check(_sw_current(self._pcm, params), "parameters")
            _check(_sw_start(self._pcm, params, self._start_frames), "start threshold")
            _check(_sw_tstamp_mode(self._pcm, params, _TSTAMP_ENABLE), "time stamps")
            _check(_sw_tstamp_type(self._pcm, params, _TSTAMP_MONOTONIC), "monotonic time stamps")
            _check(_sw_apply(self._pcm, params), "parameters")
        finally:
            _sw_free(params)

    def _close(self):
        pcm, self._pcm = self._pcm, None
        if pcm is not None:
            _pcm_close(pcm)

    def _recovered(self, code):
        """Bring the device back after an error; an xrun or a suspend is an underrun."""
        self._underruns += 1
        self._delay = 0
        _check(_recover(self._pcm, code, 1), "recovery")

    def free(self):
        """Return the frames that write() would accept."""
        if self._pcm is None:
            self._open()
        found = _avail(self._pcm)
        if found < 0:
            self._recovered(found)
            return self._capacity
        if found < _STALLED_FRAMES and self._delay <= 0:
            # PulseAudio's plugin can come out of an underrun with nothing queued and nothing free, for ever.
            self._underruns += 1
            self._close()
            self._open()
            return self._capacity
        return found

    def write(self, block):
        """Write int16 frames; return how many were taken."""
        taken = _writei(self._pcm, block, len(block))
        if taken == _EAGAIN:
            return 0
        if taken < 0:
            self._recovered(taken)
            taken = max(_writei(self._pcm, block, len(block)), 0)
        self._written += taken
        self._delay += taken
        return taken

    def position(self):
        """Return ``(frames_out, ticks)`` of the driver's last time stamp."""
        ticks = raw_us()
        now_us = time.ticks_us()
        if self._pcm is None:  # it could not be opened again; the next try may succeed
            self._open()
        code = _status(self._pcm, self._status)
        if code < 0:
            self._recovered(code)
            return self._written, ticks & self._mask
        _status_htstamp(self._status, self._stamp)
        age_us = now_us - (self._stamp[0] * 1000000 + self._stamp[1] // 1000 & self._mask)
        # A plugin without time stamps leaves 0; then now is as good as it gets.
        if not 0 <= age_us < _STALE_US:
            age_us = 0
        self._delay = max(_status_delay(self._status), 0)
        return max(self._written - self._delay, 0), (ticks - age_us) & self._mask

    def underruns(self):
        """Return how often the device ran dry."""
        return self._underruns

    def deinit(self):
        """Close the device."""
        _status_free(self._status)
        self._close()
