"""What an attacker wants to be heard: two tones in turn, loud, unlike any speech."""

import itertools
from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from codec.opus import Encoder
from codec.profile import Profile
from hil_sim.signals import RATE

_TONES_HZ = (700.0, 1100.0)
_TONE_S = 0.5
_AMPLITUDE = 16_000
_MOST_BYTES = 1275


def siren_frames(profile: Profile) -> Iterator[bytes]:
    """Yield Opus payloads of a profile's frames, for ever."""
    return itertools.cycle(_payloads(profile))


@lru_cache  # else the line of every node stood still while its attacker prepares
def _payloads(profile: Profile) -> tuple[bytes, ...]:
    encoder = Encoder(profile.frame_samples, application=profile.application, bitrate=profile.bitrate)
    tone = np.arange(round(_TONE_S * RATE)) / RATE
    cycle = np.concatenate([np.sin(2 * np.pi * hz * tone) for hz in _TONES_HZ])
    samples = (cycle * _AMPLITUDE).astype(np.int16)
    count = len(samples) // profile.frame_samples
    buffer = memoryview(bytearray(_MOST_BYTES))
    payloads = []
    for number in range(count):
        frame = samples[number * profile.frame_samples :][: profile.frame_samples]
        payloads.append(bytes(buffer[: encoder.encode_into(frame, buffer)]))
    return tuple(payloads)
