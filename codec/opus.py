"""libopus, wrapped once: an encoder whose state can be copied, and a decoder that checks its buffers.

States live in memory that Python owns, so copying one is a copy of bytes (libopus: "the state can be copied
with a shallow copy") and nothing needs to be freed. Calls release the GIL. One state must not be used by two
threads at once.
"""

import ctypes
from typing import Any

from codec.profile import RESTRICTED_LOWDELAY, VOIP, Profile

try:
    import opuslib_next
    from opuslib_next.api import libopus as _library
except Exception as error:  # opuslib_next raises a bare Exception where the library is missing
    raise ImportError(
        "libopus is missing; install it, on Debian and Ubuntu with: sudo apt-get install libopus0"
    ) from error

SAMPLE_RATE = 48_000
MAX_PAYLOAD_BYTES = 1275
"""The largest Opus frame (RFC 6716 section 3.2)."""
MAX_FRAME_SAMPLES = 5760
"""120 ms, the longest packet (RFC 6716 section 3.1)."""

_APPLICATIONS = {
    VOIP: opuslib_next.APPLICATION_VOIP,
    RESTRICTED_LOWDELAY: opuslib_next.APPLICATION_RESTRICTED_LOWDELAY,
}
_FRAME_SAMPLES = (120, 240, 480, 960, 1920, 2880)

_int, _pointer = ctypes.c_int, ctypes.c_void_p


def _function(name: str, *arguments: Any) -> Any:
    # A prototype of our own: those of opuslib_next take C strings and allocate their results.
    return ctypes.CFUNCTYPE(_int, *arguments)((name, _library))


_encoder_size = _function("opus_encoder_get_size", _int)
_encoder_init = _function("opus_encoder_init", _pointer, ctypes.c_int32, _int, _int)
_encode = _function("opus_encode", _pointer, _pointer, _int, _pointer, ctypes.c_int32)
_encoder_ctl = _library["opus_encoder_ctl"]  # by index: a function object that nobody else has set types of
_encoder_ctl.argtypes = (_pointer, _int)
_decoder_size = _function("opus_decoder_get_size", _int)
_decoder_init = _function("opus_decoder_init", _pointer, ctypes.c_int32, _int)
_decode = _function("opus_decode", _pointer, ctypes.c_char_p, ctypes.c_int32, _pointer, _int, _int)
_strerror = ctypes.CFUNCTYPE(ctypes.c_char_p, _int)(("opus_strerror", _library))


class OpusError(ValueError):
    """libopus refused a setting, a buffer or a packet."""


def _check(result: int, what: str) -> int:
    if result < 0:
        raise OpusError(f"opus {what}: {_strerror(result).decode()}")
    return result


def _samples(pcm: Any, least: int) -> int:
    """Return the address of int16 memory of at least `least` samples; libopus would read past it."""
    view = memoryview(pcm)
    if view.itemsize != 2 or view.nbytes < 2 * least:
        raise OpusError(f"PCM buffer must hold {least} int16 samples, has {view.nbytes} bytes of {view.format}")
    return ctypes.addressof(ctypes.c_char.from_buffer(view))


class Encoder:
    """One mono 48 kHz Opus encoder.

    frame_samples: samples of each frame, 120 to 2880. application: VOIP or RESTRICTED_LOWDELAY. bitrate:
    bit/s. complexity: 0-10. fec: in-band forward error correction, sized by expected_loss_percent. dtx:
    frames of silence shrink to at most 2 bytes, which need not be sent. Raises OpusError for a setting that
    libopus refuses.
    """

    def __init__(
        self,
        frame_samples: int,
        *,
        application: str = VOIP,
        bitrate: int = 32_000,
        complexity: int = 5,
        fec: bool = False,
        dtx: bool = False,
        expected_loss_percent: int = 0,
    ) -> None:
        if frame_samples not in _FRAME_SAMPLES:
            raise OpusError(f"a frame of {frame_samples} samples is none of {_FRAME_SAMPLES}")
        if application not in _APPLICATIONS:
            raise OpusError(f"application {application!r} is none of {tuple(_APPLICATIONS)}")
        self.frame_samples = frame_samples
        self._memory = ctypes.create_string_buffer(_encoder_size(1))
        self._state = ctypes.addressof(self._memory)
        _check(_encoder_init(self._state, SAMPLE_RATE, 1, _APPLICATIONS[application]), "encoder")
        self._set(opuslib_next.SET_BITRATE_REQUEST, bitrate, "bitrate")
        self._set(opuslib_next.SET_COMPLEXITY_REQUEST, complexity, "complexity")
        self._set(opuslib_next.SET_INBAND_FEC_REQUEST, int(fec), "fec")
        self._set(opuslib_next.SET_DTX_REQUEST, int(dtx), "dtx")
        self._set(opuslib_next.SET_PACKET_LOSS_PERC_REQUEST, expected_loss_percent, "expected_loss_percent")

    @classmethod
    def of_profile(cls, profile: Profile) -> "Encoder":
        """Return an encoder with the settings of `profile`."""
        return cls(
            profile.frame_samples,
            application=profile.application,
            bitrate=profile.bitrate,
            complexity=profile.complexity,
            fec=profile.fec,
            dtx=profile.dtx,
            expected_loss_percent=profile.expected_loss_percent,
        )

    def encode_into(self, pcm: Any, out: Any) -> int:
        """Encode one frame of int16 `pcm` into the writable buffer `out`; return how many bytes it took."""
        room = memoryview(out)
        return _check(
            _encode(
                self._state,
                _samples(pcm, self.frame_samples),
                self.frame_samples,
                ctypes.addressof(ctypes.c_char.from_buffer(room)),
                min(room.nbytes, MAX_PAYLOAD_BYTES),
            ),
            "encode",
        )

    def clone(self) -> "Encoder":
        """Return an encoder in the same state: both give the same bytes from here on for the same sound."""
        copy = Encoder.__new__(Encoder)
        copy.frame_samples = self.frame_samples
        copy._memory = ctypes.create_string_buffer(len(self._memory))
        copy._state = ctypes.addressof(copy._memory)
        ctypes.memmove(copy._state, self._state, len(self._memory))
        return copy

    def reset(self) -> None:
        """Forget all sound heard; keep the settings."""
        _check(_encoder_ctl(self._state, opuslib_next.RESET_STATE), "reset")

    @property
    def lookahead_samples(self) -> int:
        """Samples by which the decoded sound is later than the encoded one."""
        found = ctypes.c_int32()
        request = opuslib_next.GET_LOOKAHEAD_REQUEST
        _check(_encoder_ctl(self._state, request, ctypes.byref(found)), "lookahead")
        return int(found.value)

    def _set(self, request: int, value: int, what: str) -> None:
        _check(_encoder_ctl(self._state, request, ctypes.c_int32(value)), f"{what} {value}")


class Decoder:
    """One mono 48 kHz Opus decoder. Every method writes int16 samples into `pcm` and returns how many."""

    def __init__(self) -> None:
        self._memory = ctypes.create_string_buffer(_decoder_size(1))
        self._state = ctypes.addressof(self._memory)
        _check(_decoder_init(self._state, SAMPLE_RATE, 1), "decoder")

    def decode(self, payload: bytes, pcm: Any) -> int:
        """Decode one packet; raises OpusError for one that is none or longer than `pcm`."""
        if not payload:
            raise OpusError("opus decode: empty packet")
        room = min(memoryview(pcm).nbytes // 2, MAX_FRAME_SAMPLES)
        return _check(_decode(self._state, payload, len(payload), _samples(pcm, 0), room, 0), "decode")

    def conceal(self, pcm: Any, frame_samples: int) -> int:
        """Make up `frame_samples` samples for a packet that is lost."""
        return _check(_decode(self._state, None, 0, _samples(pcm, frame_samples), frame_samples, 0), "conceal")

    def recover(self, next_payload: bytes, pcm: Any, frame_samples: int) -> int:
        """Decode a lost frame of `frame_samples` from the in-band FEC of the next packet, or conceal it."""
        if not next_payload:
            raise OpusError("opus recover: empty packet")
        address = _samples(pcm, frame_samples)
        return _check(_decode(self._state, next_payload, len(next_payload), address, frame_samples, 1), "recover")
