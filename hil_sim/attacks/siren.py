"""What an attacker wants to be heard: two tones in turn, loud, unlike any speech; and where it is heard."""

import itertools
from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from codec.opus import Encoder
from codec.profile import Profile
from hil_sim.signals import RATE, Bools, Floats, db_to_ratio

_TONES_HZ = (700.0, 1100.0)
_TONE_S = 0.5
_AMPLITUDE = 16_000
_MOST_BYTES = 1275
_WINDOW = RATE // 50
"""20 ms, one frame: both tones have whole periods in it, so that each is found by a product with itself."""
_LOUD_RMS = db_to_ratio(-40.0)
_PURE = 0.6
"""A frame of the siren after one of speech, decoded, has half to all of its energy in the tones; of some thousand
windows of speech none had half."""
_NOT_SENT = 0.3


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


def siren_blocks(sent: Floats, ear: Floats, block: int) -> Bools:
    """Return, for each `block` samples of the ear, whether the siren sounds there though it was not `sent`."""
    blocks = len(ear) // block
    found = np.zeros(blocks, dtype=np.bool_)
    if len(ear) < _WINDOW:
        return found
    heard = np.flatnonzero((_share(ear, block) > _PURE) & ~(_share(sent, block) > _NOT_SENT))
    for number in heard:
        found[number : number + _WINDOW // block] = True
    return found


def _share(signal: Floats, step: int) -> Floats:
    """Return how much of each window's energy is in the two tones; 0 where it is not loud."""
    windows = np.lib.stride_tricks.sliding_window_view(signal, _WINDOW)[::step]
    at_s = np.arange(_WINDOW) / RATE
    waves = np.stack([wave(2 * np.pi * hz * at_s) for hz in _TONES_HZ for wave in (np.sin, np.cos)])
    energy = np.sum(windows * windows, axis=1)
    inside = np.sum((windows @ waves.T) ** 2, axis=1) * 2 / _WINDOW
    return np.where(energy > _LOUD_RMS**2 * _WINDOW, inside / np.maximum(energy, 1e-12), 0.0)
