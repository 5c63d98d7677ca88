"""What RTP from other equipment carries: bytes to mono samples at the payload's own rate."""

from typing import Protocol

import numpy as np

from codec import opus

from .output import Samples
from .request import RtpRequest

_L16_STEREO = 10
_L16_MONO = 11
"""Static payload types of RFC 3551 section 6: L16 at 44.1 kHz."""


_CONCEAL_STEP = 120
"""libopus conceals in steps of 2.5 ms."""
_NOTHING = np.zeros(0, np.float32)
_INT16 = np.float32(1 / 32768)


class PayloadError(Exception):
    """A payload that is not what it should be."""


class Decoder(Protocol):
    """Decodes one packet's payload after the other, in order."""

    rate_hz: int

    def decode(self, payload: bytes) -> Samples:
        """Return mono samples; raises PayloadError."""

    def conceal(self, frames: int) -> Samples:
        """Return about `frames` samples, 120 ms at most, in place of a lost packet."""

    def recover(self, frames: int, payload: bytes) -> Samples:
        """Return the same in place of the packet before `payload`, from what that one tells of it."""


class L16Decoder:
    """Linear 16-bit samples, big-endian, channels interleaved (RFC 3551 section 4.5.11)."""

    def __init__(self, rate_hz: int, channels: int) -> None:
        self.rate_hz = rate_hz
        self._channels = channels
        self._last = np.zeros(0, np.float32)

    def decode(self, payload: bytes) -> Samples:
        """Return mono samples; raises PayloadError."""
        if len(payload) % (2 * self._channels):
            raise PayloadError("not a whole number of samples")
        samples = np.frombuffer(payload, ">i2").astype(np.float32) * _INT16
        self._last = np.asarray(samples.reshape(-1, self._channels).mean(axis=1), np.float32)
        return self._last

    def conceal(self, frames: int) -> Samples:
        """Return the last packet's samples fading out, then silence."""
        concealed = np.zeros(frames, np.float32)
        known = self._last[:frames]
        concealed[: len(known)] = known * np.linspace(1.0, 0.0, len(known), dtype=np.float32)
        self._last = _NOTHING
        return concealed

    def recover(self, frames: int, payload: bytes) -> Samples:
        """Return what conceal does: samples tell nothing of those before."""
        del payload
        return self.conceal(frames)


class OpusDecoder:
    """Opus (RFC 7587): 48 kHz mono whatever was encoded, one packet a payload."""

    rate_hz = 48000

    def __init__(self) -> None:
        self._decoder = opus.Decoder()
        self._pcm = np.zeros(opus.MAX_FRAME_SAMPLES, np.int16)

    def decode(self, payload: bytes) -> Samples:
        """Return mono samples; raises PayloadError."""
        try:
            count = self._decoder.decode(payload, self._pcm)
        except opus.OpusError as error:
            raise PayloadError(str(error)) from None
        return self._scaled(count)

    def conceal(self, frames: int) -> Samples:
        """Return `frames` samples that go on as the sound was going, none where that is less than libopus conceals."""
        frames = min(frames, opus.MAX_FRAME_SAMPLES)
        frames -= frames % _CONCEAL_STEP
        return self._scaled(self._decoder.conceal(self._pcm, frames)) if frames else _NOTHING

    def recover(self, frames: int, payload: bytes) -> Samples:
        """Return the packet before `payload` from its in-band FEC, else concealed (RFC 7587 section 3.4)."""
        frames = min(frames, opus.MAX_FRAME_SAMPLES)
        frames -= frames % _CONCEAL_STEP
        if not frames or not payload:
            return _NOTHING
        try:
            return self._scaled(self._decoder.recover(payload, self._pcm, frames))
        except opus.OpusError:
            return self.conceal(frames)

    def _scaled(self, count: int) -> Samples:
        return self._pcm[:count].astype(np.float32) * _INT16


def make_decoder(request: RtpRequest, payload_type: int) -> Decoder:
    """Return the decoder for what the request says, or for what a static payload type says of itself."""
    if request.payload == "opus":
        return OpusDecoder()
    if payload_type in (_L16_STEREO, _L16_MONO):
        return L16Decoder(44100, 2 if payload_type == _L16_STEREO else 1)
    return L16Decoder(request.rate_hz, request.channels)
