"""Opus: microseconds a frame for each profile, of something like speech."""

import statistics
import time
from typing import Any

import numpy as np

from benchmarks import table
from codec.opus import MAX_PAYLOAD_BYTES, Encoder
from codec.profile import PROFILES

SECONDS = 10
_RATE = 48_000


def run() -> dict[str, Any]:
    """Return the median microseconds of a frame by profile, and the share of a core that one stream takes."""
    result: dict[str, Any] = {}
    sound = _speech_like(SECONDS)
    for name, profile in PROFILES.items():
        encoder = Encoder.of_profile(profile)
        payload = bytearray(MAX_PAYLOAD_BYTES)
        spent_us = []
        for start in range(0, len(sound), profile.frame_samples):
            frame = sound[start : start + profile.frame_samples]
            began_ns = time.perf_counter_ns()
            encoder.encode_into(frame, payload)
            spent_us.append((time.perf_counter_ns() - began_ns) / 1000)
        frame_us = statistics.median(spent_us)
        result[name] = {"frame_us": round(frame_us, 1), "core": round(frame_us / profile.frame_us, 5)}
    return result


def describe(result: dict[str, Any]) -> str:
    """Return the figures as a table."""
    return table.lines(
        *(
            (name, figures["frame_us"], f"µs a frame, {figures['core']:.2%} of a core")
            for name, figures in result.items()
        )
    )


def _speech_like(seconds: int) -> Any:
    """Return int16 pulses at a voice's pitch through moving formants, with pauses: costs what speech
    costs."""
    from scipy.signal import lfilter

    noise = np.random.default_rng(1)
    pieces = []
    for number in range(seconds * 5):
        count = _RATE // 5
        pitch = noise.uniform(90, 220)
        pulses = (np.arange(count) * pitch / _RATE % 1 < pitch / _RATE).astype(float) + noise.normal(0, 0.01, count)
        for formant in (noise.uniform(300, 800), noise.uniform(900, 2500), noise.uniform(2500, 3500)):
            radius = 0.985
            pulses = lfilter([1], [1, -2 * radius * np.cos(2 * np.pi * formant / _RATE), radius**2], pulses)
        pieces.append(pulses / np.abs(pulses).max() * (0.4 if number % 6 else 0.005))
    return (np.concatenate(pieces) * 32767).astype(np.int16)
