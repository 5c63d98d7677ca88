"""Loudness of a file (EBU R 128, ITU-R BS.1770-4), measured while it is decoded.

Memory hardly grows with the sound: the K-weighting is pyloudnorm's, applied block by block, and the gating
needs one number per 100 ms.
"""

from array import array
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from .decode import file_samples
from .errors import IngestError
from .output import RATE_HZ, Samples
from .report import Report
from .signals import gathered

TARGET_LUFS = -16.0
MAX_PEAK_DB = 6.0
"""True peak after the gain, dB of full scale. What is above -1 dB the engine's limiter takes back: a single clap must
not make the speech around it too quiet, and no more than 7 dB of limiting is to be heard in music."""
MAX_GAIN_DB = 20.0
"""More would lift the noise of a bad recording over the horns."""
MAX_HOURS = 12
SILENCE_LUFS = -70.0
"""The absolute gate of BS.1770: what stays below it everywhere is silence."""

_STEP_FRAMES = RATE_HZ // 10
_BLOCK_STEPS = 4
_OVERSAMPLING = 4


@dataclass(frozen=True, slots=True)
class Measured:
    """What a file sounds like after mixing to mono.

    duration_s: seconds. loudness_lufs: integrated. true_peak_db: dB of full scale, four times oversampled.
    """

    duration_s: float
    loudness_lufs: float
    true_peak_db: float

    def gain_db(self, target_lufs: float = TARGET_LUFS, max_peak_db: float = MAX_PEAK_DB) -> float:
        """Return the gain towards the target, dB; `max_peak_db` and MAX_GAIN_DB cap it."""
        return min(target_lufs - self.loudness_lufs, max_peak_db - self.true_peak_db, MAX_GAIN_DB)

    def to_json(self) -> dict[str, Any]:
        """Return the fields as a dict."""
        return asdict(self)


class LoudnessMeter:
    """Takes 48 kHz mono samples block by block."""

    def __init__(self) -> None:
        from pyloudnorm import Meter
        from scipy.signal import sosfilt

        filters = Meter(RATE_HZ)._filters.values()  # the two stages of BS.1770's K-weighting, as coefficients b and a
        self._sections = np.array([np.concatenate((stage.b, stage.a)) for stage in filters])
        self._state = np.zeros((len(self._sections), 2))
        self._sosfilt = sosfilt
        self._oversampler = soxr.ResampleStream(RATE_HZ, RATE_HZ * _OVERSAMPLING, 1, dtype="float32", quality="LQ")
        self._energies = array("d")
        self._rest = np.zeros(0)
        self._peak = 0.0
        self.frames = 0

    def add(self, samples: Samples) -> None:
        """Take the next samples."""
        self.frames += len(samples)
        self._note_peak(samples, last=False)
        weighted, self._state = self._sosfilt(self._sections, samples.astype(np.float64), zi=self._state)
        squares = np.concatenate((self._rest, np.square(weighted)))
        whole = len(squares) // _STEP_FRAMES * _STEP_FRAMES
        self._energies.extend(squares[:whole].reshape(-1, _STEP_FRAMES).sum(axis=1).tolist())
        self._rest = squares[whole:]

    def result(self) -> Measured:
        """Return the measurement of all that was added; raises IngestError("silent")."""
        self._note_peak(np.zeros(0, np.float32), last=True)
        duration_s = self.frames / RATE_HZ
        loudness = gated_loudness(self._block_powers())
        if loudness is None:
            raise IngestError("silent", "this file holds only silence; check how it was recorded")
        peak_db = 20.0 * float(np.log10(max(self._peak, 1e-10)))
        return Measured(round(duration_s, 6), round(loudness, 2), round(peak_db, 2))

    def _note_peak(self, samples: Samples, *, last: bool) -> None:
        for block in (samples, self._oversampler.resample_chunk(samples, last=last)):
            if len(block):
                self._peak = max(self._peak, float(np.abs(block).max()))

    def _block_powers(self) -> np.ndarray:
        steps = np.array(self._energies)
        if len(steps) < _BLOCK_STEPS:  # shorter than one block of the standard: taken as one
            total = steps.sum() + self._rest.sum()
            return np.array([total / max(self.frames, 1)])
        sums = np.convolve(steps, np.ones(_BLOCK_STEPS), mode="valid")
        return np.maximum(sums, 0.0) / (_BLOCK_STEPS * _STEP_FRAMES)


def gated_loudness(block_powers: np.ndarray) -> float | None:
    """Return the integrated loudness of K-weighted mean squares, LUFS (BS.1770-4); None for silence."""
    loud = block_powers[block_powers > _power(SILENCE_LUFS)]
    if not len(loud):
        return None
    relative_gate = float(loud.mean()) * 0.1  # 10 LU below
    gated = loud[loud > relative_gate]
    return -0.691 + 10.0 * float(np.log10(gated.mean()))


def measure(path: Path, report: Report) -> Measured:
    """Return the measurement of a file; raises IngestError for one without sound, silent, or far too long."""
    return measure_blocks(file_samples(path), report)


def measure_blocks(blocks: Iterable[Samples], report: Report | None = None) -> Measured:
    """Return the measurement of blocks of samples; raises IngestError."""
    meter = LoudnessMeter()
    for samples in gathered(blocks, RATE_HZ):
        finite = np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0)
        meter.add(finite)
        if meter.frames > MAX_HOURS * 3600 * RATE_HZ:
            raise IngestError("too_long", f"this file is longer than {MAX_HOURS} hours; cut it into parts")
        if report is not None:
            report.advance(meter.frames * 1_000_000 // RATE_HZ)
    return meter.result()


def _power(loudness_lufs: float) -> float:
    return float(10.0 ** ((loudness_lufs + 0.691) / 10.0))
