"""Sampled sound on the true-time axis: its types, levels, and WAV files."""

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE = 48_000
"""Samples a second of every signal that is judged."""

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def db_to_ratio(level_db: float) -> float:
    """Return the amplitude ratio of a level in dB (full scale is 1.0)."""
    return float(10.0 ** (level_db / 20.0))


def moving_rms(samples: Floats, width: int) -> Floats:
    """Return the RMS over `width` samples around each sample, same shape; outside lies silence."""
    energy = np.concatenate(([0.0], np.cumsum(samples * samples)))
    centre = np.arange(len(samples))
    low = np.maximum(centre - width // 2, 0)
    high = np.minimum(centre + (width + 1) // 2, len(samples))
    return np.asarray(np.sqrt(np.maximum(energy[high] - energy[low], 0.0) / width))


def spans(mask: Bools) -> list[tuple[int, int]]:
    """Return ``(first, end)`` of every run of True in `mask`, `end` being the index after it."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
    return [(int(first), int(end)) for first, end in zip(edges[::2], edges[1::2], strict=True)]


def write_wav(path: Path, samples: Floats) -> None:
    """Write mono 48 kHz s16; `samples` beyond full scale are clipped."""
    scaled = np.clip(np.round(samples * 32768.0), -32768, 32767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(scaled.tobytes())


def read_wav(path: Path) -> Floats:
    """Return the samples of a mono 48 kHz s16 file, full scale 1.0; raises ValueError for any other."""
    with wave.open(str(path), "rb") as file:
        if (file.getnchannels(), file.getsampwidth(), file.getframerate()) != (1, 2, RATE):
            raise ValueError(f"{path} is not 48 kHz mono s16")
        raw = file.readframes(file.getnframes())
    return np.frombuffer(raw, "<i2").astype(np.float64) / 32768.0
