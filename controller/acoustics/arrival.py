"""When and how loud a known sweep arrives in a recording, and how sure that is: a matched filter.

The filter's envelope has one narrow peak (a fifth of a millisecond) for each path the sound took. The direct path is
the first of them, but not always the strongest: a wall may face the microphone while the horn does not.
"""

from dataclasses import dataclass

import numpy as np
from scipy.fft import fft, ifft, next_fast_len
from scipy.signal import find_peaks

from controller.acoustics.probe import RATE_HZ, Floats

LEAST_OVER_NOISE_DB = 18.0
"""Of noise alone, the strongest peak of a few seconds is 12 dB over the median."""
LEAST_OVER_SECOND_DB = 3.0
EARLY_S = 0.05
"""Reflections within so long are one sound with the direct path to the ear (ISO 3382-1: D50)."""
_BEFORE_S = 0.002
_DIRECT_RATIO = 0.5
_DIRECT_WITHIN_S = 0.06
_APART_S = 0.1
_CLIPPED = 0.985
_CLIPPED_SHARE = 0.002
_MOST_DB = 120.0


@dataclass(frozen=True)
class Arrival:
    """One sweep as it was heard.

    at_s: of the recording, the first path's. level_db: of the sound within EARLY_S, dB of the sweep itself.
    over_noise_db: the peak over the median of the window. over_second_db: the peak over the strongest other one that is
    a tenth of a second away or more. clipped: the recorder was overloaded.
    """

    at_s: float
    level_db: float
    over_noise_db: float
    over_second_db: float
    clipped: bool

    @property
    def problem(self) -> str:
        """What makes it useless, and what to do; empty when it is good."""
        if self.over_noise_db < LEAST_OVER_NOISE_DB:
            return (
                f"not heard over the noise ({self.over_noise_db:.0f} dB, {LEAST_OVER_NOISE_DB:.0f} are needed): "
                "go nearer, play louder, or wait for less wind"
            )
        if self.over_second_db < LEAST_OVER_SECOND_DB:
            return (
                "heard twice, as from two horns or with a strong echo: see that no other horn sounds, "
                "or put the microphone elsewhere"
            )
        if self.clipped:
            return "too loud for the microphone: turn its level down or go farther away"
        return ""


def envelope(recording: Floats, template: Floats) -> Floats:
    """Return the matched filter's envelope, ``(len(recording),)``: index k is a template that begins at sample k."""
    size = next_fast_len(len(recording) + len(template))
    spectrum = fft(recording, size) * np.conj(fft(template, size))
    spectrum[size // 2 :] = 0.0  # half of the spectrum alone makes the signal analytic
    return np.asarray(np.abs(ifft(spectrum))[: len(recording)] * (2.0 / np.sum(template**2)))


def find(recording: Floats, template: Floats, low_s: float, high_s: float) -> Arrival:
    """Return how `template` arrives within [low_s, high_s] of `recording`, both 48 kHz; see `problem` of it."""
    low = max(round(low_s * RATE_HZ), 0)
    high = max(min(round(high_s * RATE_HZ), len(recording)), low)
    heard = recording[low : high + len(template)]
    found = envelope(heard, template)[: high - low]
    median = float(np.median(found)) if len(found) else 0.0
    strongest = int(np.argmax(found)) if len(found) else 0
    if not len(found) or found[strongest] <= 0.0:
        return Arrival(low_s, -_MOST_DB, 0.0, 0.0, clipped=False)
    first = _direct(found, strongest)
    apart = round(_APART_S * RATE_HZ)
    others = np.concatenate((found[: max(first - apart, 0)], found[first + apart :]))
    peak = float(found[first])
    sounding = heard[first : first + len(template)]
    return Arrival(
        at_s=(low + first + _fraction(found, first)) / RATE_HZ,
        level_db=_early_db(found, first, median, template),
        over_noise_db=_db(peak, median),
        over_second_db=_db(peak, float(np.max(others, initial=0.0))),
        clipped=bool(np.mean(np.abs(sounding) > _CLIPPED) > _CLIPPED_SHARE),
    )


def _direct(found: Floats, strongest: int) -> int:
    """Return the first peak shortly before the strongest that is at least half as high, or that one."""
    start = max(strongest - round(_DIRECT_WITHIN_S * RATE_HZ), 0)
    peaks, _ = find_peaks(found[start : strongest + 1], height=_DIRECT_RATIO * found[strongest])
    return start + int(peaks[0]) if len(peaks) else strongest


def _fraction(found: Floats, at: int) -> float:
    """Return where between samples the peak is, -0.5 to 0.5: the vertex of a parabola through its logarithm."""
    if not 0 < at < len(found) - 1 or min(found[at - 1 : at + 2]) <= 0.0:
        return 0.0
    before, here, after = np.log(found[at - 1 : at + 2])
    bend = before - 2.0 * here + after
    return float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5)) if bend < 0.0 else 0.0


def _early_db(found: Floats, at: int, median: float, template: Floats) -> float:
    """Return the energy of the early sound less the noise's, against that of the sweep heard once at its own level."""
    start, end = max(at - round(_BEFORE_S * RATE_HZ), 0), at + round(EARLY_S * RATE_HZ)
    early = found[start:end]
    noise = median**2 / np.log(2.0)  # of a Rayleigh distribution, mean square by median
    energy = float(np.sum(early**2)) - noise * len(early)
    padded = np.concatenate((np.zeros(at - start), template, np.zeros(end - at)))
    once = float(np.sum(envelope(padded, template)[: end - start] ** 2))
    return 10.0 * float(np.log10(max(energy, 1e-12 * once) / once))


def _db(peak: float, other: float) -> float:
    return min(20.0 * float(np.log10(peak / other)), _MOST_DB) if other > 0.0 else _MOST_DB
