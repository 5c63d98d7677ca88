"""Opus: microseconds a frame for each profile, of something like speech."""

import statistics
import time
from typing import Any

import numpy as np

from benchmarks import table
from benchmarks.speech import speech_like
from codec.opus import MAX_PAYLOAD_BYTES, Encoder
from codec.profile import PROFILES

SECONDS = 10


def run() -> dict[str, Any]:
    """Return the median microseconds of a frame by profile, and the share of a core that one stream takes."""
    result: dict[str, Any] = {}
    sound = (speech_like(SECONDS) * 32767).astype(np.int16)
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
