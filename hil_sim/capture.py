"""Captures of DACs and of the mixer's input, laid on one axis of true time.

A capture file is a row of records: little-endian ``<qII`` (CLOCK_MONOTONIC nanoseconds of the first frame,
number of frames, sample rate in millihertz) and that many int16 samples. The file of a process that was
killed may end inside a record.

The engine stamps its blocks evenly, with their instants on the media clock, and tells before each, in a record
without frames, when it really began to mix it: up to half a block earlier, jittering by what waking up jitters.
Samples stay evenly spaced; a whole run is laid earlier by the median of what its blocks were early, so that latency
counts from when sound really entered the mixer.
"""

import struct
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hil_sim.resampling import interpolate
from hil_sim.signals import RATE, Bools, Floats

_HEADER = struct.Struct("<qII")
_NS = 1_000_000_000
SEAM_NS = 5_000
"""Records that meet this closely are one run: a quarter of a sample, well above a stamp's rounding."""
MAX_RECORD_FRAMES = 1 << 24


class CaptureError(ValueError):
    """A capture file that is not one."""


@dataclass(frozen=True)
class Run:
    """Samples emitted without a pause.

    first_ns: CLOCK_MONOTONIC of the first. rate_hz: of the crystal that moved them.
    stamps: ``(records, 2)`` sample number and nanoseconds since `first_ns` at which each record began.
    """

    first_ns: int
    rate_hz: float
    samples: Floats
    stamps: Floats = field(default_factory=lambda: np.zeros((1, 2)))

    @property
    def knots(self) -> Floats:
        """Sample numbers and nanoseconds since `first_ns`, the end of the last record included."""
        number, at_ns = self.stamps[-1]
        end_ns = at_ns + (len(self.samples) - number) * _NS / self.rate_hz
        return np.vstack((self.stamps, (len(self.samples), end_ns)))


@dataclass(frozen=True)
class Track:
    """One ear on the true-time axis: 48 kHz, `covered` False where the DAC emitted nothing at all."""

    samples: Floats
    covered: Bools


def read_runs(path: Path) -> list[Run]:
    """Return the runs of a capture in order of time; an absent file has none. Raises CaptureError."""
    raw = path.read_bytes() if path.exists() else b""
    runs: list[Run] = []
    parts: list[Floats] = []
    stamps: list[tuple[int, int]] = []
    early_ns: list[int] = []
    first_ns, rate_hz, due_ns, total, offset = 0, 0.0, 0.0, 0, 0
    begun_ns: int | None = None

    def finish() -> None:
        if total:
            began_ns = first_ns - round(float(np.median(early_ns))) if early_ns else first_ns
            runs.append(Run(began_ns, rate_hz, np.concatenate(parts), np.array(stamps, dtype=np.float64)))

    while offset + _HEADER.size <= len(raw):
        stamp_ns, frames, rate_mhz = _HEADER.unpack_from(raw, offset)
        offset += _HEADER.size
        if frames > MAX_RECORD_FRAMES or not 1_000_000 <= rate_mhz <= 400_000_000:
            raise CaptureError(f"{path}: byte {offset - _HEADER.size} is no record's header")
        if not frames:
            begun_ns = stamp_ns
            continue
        body = raw[offset : offset + 2 * frames]
        offset += 2 * frames
        samples = np.frombuffer(body[: len(body) // 2 * 2], "<i2").astype(np.float64) / 32768.0
        if not parts or rate_hz != rate_mhz / 1000 or abs(stamp_ns - due_ns) > SEAM_NS:
            finish()
            first_ns, rate_hz, total, parts, stamps, early_ns = stamp_ns, rate_mhz / 1000, 0, [], [], []
        if begun_ns is not None:
            early_ns.append(stamp_ns - begun_ns)
            begun_ns = None
        parts.append(samples)
        stamps.append((total, stamp_ns - first_ns))
        total += len(samples)
        due_ns = stamp_ns + len(samples) * _NS / rate_hz
    finish()
    return sorted(runs, key=lambda run: run.first_ns)


def write_runs(path: Path, runs: list[Run]) -> None:
    """Write a capture file of one record a run (what boards and engine do, for tests and tools)."""
    with path.open("wb") as file:
        for run in runs:
            file.write(_HEADER.pack(run.first_ns, len(run.samples), round(run.rate_hz * 1000)))
            file.write(np.clip(np.round(run.samples * 32768), -32768, 32767).astype("<i2").tobytes())


def lay(runs: list[Run], origin_ns: int, length: int) -> Track:
    """Return the runs on the axis whose sample 0 is `origin_ns` and whose sample k is k/48000 s later."""
    samples = np.zeros(length)
    covered = np.zeros(length, dtype=np.bool_)
    for run in runs:
        numbers, at_ns = run.knots.T
        at_ns = at_ns + (run.first_ns - origin_ns)
        first = max(int(np.ceil(at_ns[0] * RATE / _NS)), 0)
        end = min(int(np.ceil(at_ns[-1] * RATE / _NS)), length)
        if end <= first:
            continue
        positions = np.interp(np.arange(first, end) * (_NS / RATE), at_ns, numbers)
        samples[first:end] = interpolate(run.samples, positions)
        covered[first:end] = True
    return Track(samples, covered)
