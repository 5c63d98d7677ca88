"""A programme whose every sample says where it belongs, and a codec for it that costs next to nothing.

The programme is a sawtooth: sample n is ``LOW + n % SPAN``. It passes the real mixer as any sound does; the coder reads
from a frame which part of the sawtooth it is, the decoder makes that part again. So what a DAC emits tells, to a
fraction of a sample, which sample of the programme it is. Silence stays silence; what a decoder makes up is NOT_HEARD.
Packets are as long as Opus packets of the profile's bitrate.
"""

import struct
from array import array
from typing import Any

import numpy as np

from codec.profile import Profile

LOW = 1000
SPAN = 16384
"""341 ms: no clock of a village is off by half of that."""
MADE_UP = -8000
LEAST = 900
"""Samples above are the programme's; below, silence or a fade."""
FULL_SCALE = 32767.0
_SILENT = 0xFFFF
_PAYLOAD = struct.Struct(">HHH")
_LONGEST = 2880
_SAW = memoryview(array("h", [LOW + n % SPAN for n in range(SPAN + _LONGEST)]))
_SILENCE = memoryview(array("h", bytes(2 * _LONGEST)))
_NOTHING = memoryview(array("h", [MADE_UP] * _LONGEST))


def programme(first: int, samples: int) -> bytes:
    """Return samples of the programme from number `first` on, as float32 for the engine's pipe."""
    numbers = np.arange(first, first + samples, dtype=np.int64) % SPAN
    return ((LOW + numbers) / FULL_SCALE).astype("<f4").tobytes()


def place_of(payload: bytes | memoryview) -> int | None:
    """Return which sample of the sawtooth a packet begins with, 0 to SPAN - 1; None for silence."""
    place: int = _PAYLOAD.unpack_from(payload)[1]
    return None if place == _SILENT else place


class Coder:
    """Stands in for codec.opus.Encoder (controller.engine.ground.Coder)."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._bytes = max(profile.bitrate * profile.frame_us // 8_000_000, _PAYLOAD.size)
        self._previous = _SILENT

    def encode_into(self, pcm: Any, out: Any) -> int:
        """Write the packet of one frame into `out`; return its length."""
        last = int(pcm[-1])
        rises = last - int(pcm[-2]) in (1, 1 - SPAN)  # else it is fading out
        place = (last - LOW - len(pcm) + 1) % SPAN if rises and last > LEAST else _SILENT
        _PAYLOAD.pack_into(out, 0, len(pcm), place, self._previous if self._profile.fec else _SILENT)
        self._previous = place
        return self._bytes

    def clone(self) -> "Coder":
        """Return a coder in the same state."""
        twin = Coder(self._profile)
        twin._previous = self._previous
        return twin


class Decoder:
    """Stands in for the Opus decoder of a HAL (firmware/hal)."""

    def decode(self, packet: Any, pcm: Any, fec: bool = False) -> int:
        """Fill `pcm` as the interface of firmware/cmodules/opus says; raises ValueError for what is no packet."""
        samples = len(pcm)
        if packet is None:
            pcm[:] = _NOTHING[:samples]
            return samples
        if len(packet) < _PAYLOAD.size:
            raise ValueError("no packet of ours")
        length: int
        length, place, previous = _PAYLOAD.unpack_from(packet)
        if fec:
            pcm[:] = _NOTHING[:samples] if previous == _SILENT else _SAW[previous : previous + samples]
            return samples
        if length > samples or (place >= SPAN and place != _SILENT):
            raise ValueError("no packet of ours")
        pcm[:length] = _SILENCE[:length] if place == _SILENT else _SAW[place : place + length]
        return length

    def reset(self) -> None:
        """Forget nothing: nothing is remembered."""
