"""How much later than the source each ear emits it, for every 100 ms of programme.

Three steps: the whole capture against the whole source gives one rough delay; a second of programme around
each half second, searched a second either way, follows a delay that changes; each 100 ms window is then
searched finely near what those found, by normalised cross-correlation, and its maximum refined below a
sample by Gauss-Newton steps on the residual (Lucas and Kanade, IJCAI 1981, in one dimension).
"""

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft, rfftfreq
from scipy.ndimage import median_filter
from scipy.signal import resample_poly

from hil_sim.signals import RATE, Bools, Floats, db_to_ratio

WINDOW_S = 0.1
WINDOW = round(WINDOW_S * RATE)
SILENCE_RMS = db_to_ratio(-50.0)
"""A window of source below this has nothing that could be timed."""
MIN_CORRELATION = 0.8
"""Speech at 24 kbit/s and more stays above; another's speech, noise and concealment stay below. Less is not
measured.
"""
MAX_DELAY_S = 5.0
MIN_DELAY_S = -0.1
_ROUGH_RATE = 6_000
_ROUGH_STEP = RATE // _ROUGH_RATE
_TRACK_HOP_S = 0.5
_TRACK_REACH_S = 1.0
_TRACK_NEAR_S = 1.1
_TRACK_MIN_CORRELATION = 0.4
_FINE_REACH = round(0.008 * RATE)
_REFINE_STEPS = 3
_MARGIN = 64
_MEDIAN_WINDOWS = 5


@dataclass(frozen=True)
class Alignment:
    """Delays of one ear, a row a 100 ms window of the source's axis.

    start_s: where the window begins. sounding: the source has energy there. delay_s: NaN where not
    measured. correlation: normalised, 0 to 1, of the best match found. rough_s: delay of the whole, NaN
    when nothing matched.
    """

    start_s: Floats
    sounding: Bools
    delay_s: Floats
    correlation: Floats
    rough_s: float

    @property
    def measured(self) -> Bools:
        """Windows that have a delay."""
        return np.isfinite(self.delay_s)

    def delay_at(self, time_s: Floats) -> Floats:
        """Return the delay at times of the source: linear between measured windows, constant outside of them.

        Single windows that a codec or a steady tone shifted do not count: it is the median of five.
        """
        known = self.measured
        if not known.any():
            return np.full(len(time_s), self.rough_s)
        steady_s = median_filter(self.delay_s[known], _MEDIAN_WINDOWS, mode="nearest")
        return np.asarray(np.interp(time_s, self.start_s[known] + WINDOW_S / 2, steady_s))


def align(source: Floats, ear: Floats) -> Alignment:
    """Return the delays of `ear` against `source`, both 48 kHz on one axis."""
    windows = len(source) // WINDOW
    pieces = source[: windows * WINDOW].reshape(windows, WINDOW)
    sounding = np.sqrt(np.mean(pieces * pieces, axis=1)) > SILENCE_RMS
    delay = np.full(windows, np.nan)
    correlation = np.zeros(windows)
    rough_source = resample_poly(source, 1, _ROUGH_STEP)
    rough_ear = resample_poly(ear, 1, _ROUGH_STEP)
    whole_s, likeness = _best_lag(rough_source, rough_ear, _ROUGH_RATE, MIN_DELAY_S, MAX_DELAY_S)
    if likeness > 0.0:
        track = _track(rough_source, rough_ear, whole_s)
        for index in np.flatnonzero(sounding):
            candidates = _near(track, index * WINDOW_S, whole_s)
            delay[index], correlation[index] = _fine(source, ear, int(index) * WINDOW, candidates)
    delay[correlation < MIN_CORRELATION] = np.nan
    found = np.isfinite(delay).any()
    start_s = np.asarray(np.arange(windows) * WINDOW_S, dtype=np.float64)
    return Alignment(start_s, sounding, delay, correlation, whole_s if found else np.nan)


def _best_lag(template: Floats, ear: Floats, rate: float, low_s: float, high_s: float) -> tuple[float, float]:
    """Return ``(lag_s, correlation)`` of the best match of the whole template at a lag within [low_s,
    high_s].
    """
    size = next_fast_len(len(template) + len(ear), real=True)
    cross = irfft(np.conj(rfft(template, size)) * rfft(ear, size), size)
    lags = np.arange(round(low_s * rate), round(high_s * rate) + 1)
    lags = lags[(lags < len(ear)) & (lags > -len(template))]
    norm = np.sqrt(np.sum(template**2) * np.sum(ear**2))
    if norm <= 0.0 or not len(lags):
        return np.nan, 0.0
    best = lags[int(np.argmax(cross[lags]))]
    return float(best / rate), float(cross[best] / norm)


def _track(source: Floats, ear: Floats, whole_s: float) -> list[tuple[float, float]]:
    """Return ``(time_s, delay_s)`` of each second of programme that was found near the whole's delay."""
    width = _ROUGH_RATE
    reach = round(_TRACK_REACH_S * _ROUGH_RATE)
    shift = round(whole_s * _ROUGH_RATE)
    found = []
    for first in range(0, max(len(source) - width, 0) + 1, round(_TRACK_HOP_S * _ROUGH_RATE)):
        template = source[first : first + width]
        if np.sqrt(np.mean(template**2)) < SILENCE_RMS / 2:
            continue
        lag, likeness = _search(template, ear, first + shift, reach)
        if likeness >= _TRACK_MIN_CORRELATION:
            found.append(((first + width / 2) / _ROUGH_RATE, (shift + lag) / _ROUGH_RATE))
    return found


def _near(track: list[tuple[float, float]], time_s: float, whole_s: float) -> list[float]:
    """Return the whole's delay and the distinct others that the track has within a second of `time_s`."""
    delays = [whole_s]
    first = bisect_left(track, (time_s - _TRACK_NEAR_S,))
    for at_s, delay_s in track[first:]:
        if at_s > time_s + _TRACK_NEAR_S:
            break
        if all(abs(delay_s - other) > 0.002 for other in delays):
            delays.append(delay_s)
    return delays


def _search(template: Floats, ear: Floats, at: int, reach: int) -> tuple[int, float]:
    """Return ``(lag, correlation)`` of the best normalised match of `template` within `reach` of index
    `at`.
    """
    segment = cut(ear, at - reach, len(template) + 2 * reach)
    size = next_fast_len(len(segment) + len(template), real=True)
    cross = irfft(np.conj(rfft(template, size)) * rfft(segment, size), size)[: 2 * reach + 1]
    energy = np.concatenate(([0.0], np.cumsum(segment * segment)))
    under = energy[len(template) :] - energy[: -len(template)]
    floor = 1e-4 * float(np.sum(template**2))  # matches in near silence are chance
    likeness = cross / np.sqrt(np.maximum(under, floor) * np.sum(template**2))
    best = int(np.argmax(likeness))
    return best - reach, float(likeness[best])


def _fine(source: Floats, ear: Floats, first: int, candidates: list[float]) -> tuple[float, float]:
    """Return ``(delay_s, correlation)`` of one window, the best over the rough candidates."""
    template = source[first : first + WINDOW]
    best_lag, best_likeness = 0, 0.0
    for rough_s in candidates:
        shift = round(rough_s * RATE)
        lag, likeness = _search(template, ear, first + shift, _FINE_REACH)
        if likeness > best_likeness:
            best_lag, best_likeness = shift + lag, likeness
    if best_likeness < MIN_CORRELATION:
        return np.nan, best_likeness
    return _refine(source, ear, first, best_lag) / RATE, best_likeness


def _refine(source: Floats, ear: Floats, first: int, lag: int) -> float:
    """Return the lag in samples at which the shifted source fits the ear best in the least-squares sense."""
    heard = ear[max(first + lag, 0) : first + lag + WINDOW]
    if len(heard) < WINDOW:
        return float(lag)
    around = cut(source, first - _MARGIN, WINDOW + 2 * _MARGIN)
    spectrum = rfft(around)
    turn = 2j * np.pi * rfftfreq(len(around))
    fraction = 0.0
    for _ in range(_REFINE_STEPS):
        shifted_spectrum = spectrum * np.exp(-turn * fraction)
        shifted = irfft(shifted_spectrum, len(around))[_MARGIN:-_MARGIN]
        slope = irfft(shifted_spectrum * turn, len(around))[_MARGIN:-_MARGIN]
        across = shifted @ slope
        gram = np.array([[shifted @ shifted, across], [across, slope @ slope]])
        gain, gain_times_shift = np.linalg.solve(gram, np.array([shifted @ heard, slope @ heard]))
        step = -gain_times_shift / gain
        if not abs(step) < 1.0:
            break
        fraction += step
    return float(lag + fraction)


def cut(samples: Floats, first: int, length: int) -> Floats:
    """Return `length` samples from index `first`, zero where there are none."""
    result = np.zeros(length)
    low, high = max(first, 0), min(first + length, len(samples))
    if high > low:
        result[low - first : high - first] = samples[low:high]
    return result
