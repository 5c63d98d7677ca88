"""libopus through ffi, with the interface of the C module ``opus`` (firmware/cmodules/opus)."""

from array import array

import ffi

_MAX_FRAME_SAMPLES = 5760  # 120 ms, RFC 6716 section 2.1.4
_MAX_PACKET_BYTES = 1500
_RESET_STATE = 4028  # opus_defines.h


def _open():
    for name in ("libopus.so.0", "libopus.so"):
        try:
            return ffi.open(name)
        except OSError:
            pass
    raise OSError("libopus.so.0 is missing: install libopus0")


_library = _open()
_create = _library.func("p", "opus_decoder_create", "iip")
_destroy = _library.func("v", "opus_decoder_destroy", "p")
_decode = _library.func("i", "opus_decode", "pPipii")
_control = _library.func("i", "opus_decoder_ctl", "pi")


class Decoder:
    """One decoder: `rate` Hz, `channels` interleaved."""

    def __init__(self, rate, channels):
        error = array("i", [0])
        self._channels = channels
        self._state = _create(rate, channels, error)
        if error[0] or not self._state:
            raise ValueError("no Opus decoder for %d Hz, %d channels" % (rate, channels))

    def decode(self, packet, pcm, fec=False):
        """Decode `packet` into the int16 buffer `pcm`; return the samples a channel.

        None for `packet` conceals a loss, `fec` takes the copy of the frame before from `packet`: then the
        frame is as long as `pcm`. Raises ValueError for a packet that is no Opus.
        """
        if self._state is None:
            raise ValueError("decoder is closed")
        size = 0
        if packet is not None:
            size = len(packet)
            if not 0 < size <= _MAX_PACKET_BYTES:
                raise ValueError("Opus packet of %d bytes" % size)
        room = min(len(pcm) // self._channels, _MAX_FRAME_SAMPLES)
        samples = _decode(self._state, packet, size, pcm, room, 1 if fec else 0)
        if samples < 0:
            raise ValueError("Opus error %d" % samples)
        return samples

    def reset(self):
        """Forget what was decoded, for a new stream."""
        _control(self._state, _RESET_STATE)

    def close(self):
        """Free the decoder."""
        if self._state is not None:
            _destroy(self._state)
            self._state = None
