"""Reads what a simulated DAC emitted (docs/architecture.md) and finds a source in it."""

import struct
from pathlib import Path

import numpy as np

RATE = 48_000


def read(path: Path, start_ns: int, seconds: float) -> np.ndarray:
    """Return `seconds` of true time from CLOCK_MONOTONIC `start_ns` on, float samples at 48 kHz; gaps are
    0."""
    data = path.read_bytes()
    out = np.zeros(int(seconds * RATE))
    offset = 0
    while offset + 16 <= len(data):
        first_ns, frames, rate_mhz = struct.unpack_from("<qII", data, offset)
        offset += 16
        samples = np.frombuffer(data, np.int16, min(frames, (len(data) - offset) // 2), offset).astype(float)
        offset += 2 * frames
        first = (first_ns - start_ns) * RATE / 1e9
        step = RATE * 1000 / rate_mhz
        low = max(int(np.ceil(first)), 0)
        high = min(int(np.floor(first + (len(samples) - 1) * step)) + 1, len(out) - 1)
        if high >= low and len(samples):
            grid = np.arange(low, high + 1)
            out[low : high + 1] = np.interp(grid, first + np.arange(len(samples)) * step, samples)
    return out


def delay_samples(source: np.ndarray, emitted: np.ndarray, reach: int = 2400) -> float:
    """Return how much later `source` is found in `emitted`, samples with fractions, within +-`reach`."""
    size = 1 << int(np.ceil(np.log2(len(source) + len(emitted))))
    spectrum = np.fft.rfft(emitted, size) * np.conj(np.fft.rfft(source, size))
    correlation = np.fft.irfft(spectrum, size)
    window = np.concatenate([correlation[-reach:], correlation[: reach + 1]])
    peak = int(np.argmax(window))
    if not 0 < peak < len(window) - 1:
        return float(peak - reach)
    left, middle, right = window[peak - 1 : peak + 2]
    return peak - reach + 0.5 * (left - right) / (left - 2 * middle + right)
