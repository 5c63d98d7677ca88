"""Drift corrector: reads the stream at the rate that keeps DAC and media clock together."""

from .hot import resample

ONE = 1 << 24
"""One sample, in the unit of phases and steps."""
_PPM = 16.777216

MAX_CORRECTION_PPM = 5000.0
"""0.5 %: less than a twelfth of a semitone."""
DEAD_BAND_SAMPLES = 1.0
"""Errors that the clocks' own noise makes are left alone."""
SNAP_SAMPLES = 960.0
"""20 ms: read away in 4 s, which nobody hears; a jump would be a gap. More is another place, not another rate."""
_SECONDS_PER_ERROR = 0.5
_PPM_PER_SAMPLE = 1e6 / (48000 * _SECONDS_PER_ERROR)


class DriftCorrector:
    """The reading position in a stream: `position` whole samples and `phase` / 2^24."""

    def __init__(self):
        self.position = 0
        self.phase = 0
        self._step = ONE

    def jump(self, position, phase):
        """Read on from there."""
        self.position = position
        self.phase = phase

    def error_samples(self, position, phase):
        """Return how far the reading is behind where it should be."""
        return (position - self.position) + (phase - self.phase) / ONE

    def steer(self, error_samples, feed_forward_ppm):
        """Set the rate: the known drift, and what takes the error away softly."""
        correction_ppm = 0.0
        if error_samples > DEAD_BAND_SAMPLES:
            correction_ppm = (error_samples - DEAD_BAND_SAMPLES) * _PPM_PER_SAMPLE
        elif error_samples < -DEAD_BAND_SAMPLES:
            correction_ppm = (error_samples + DEAD_BAND_SAMPLES) * _PPM_PER_SAMPLE
        ppm = max(-MAX_CORRECTION_PPM, min(MAX_CORRECTION_PPM, correction_ppm + feed_forward_ppm))
        self._step = ONE + round(ppm * _PPM)

    def span(self, samples):
        """Return how many source samples from `position` on the next `samples` may touch."""
        return samples + (samples * (self._step - ONE) >> 24) + 4

    def run(self, source, offset, target, samples):
        """Write `samples` samples to `target`; `source[offset]` is the sample at `position`."""
        moved, self.phase = resample(source, offset, self.phase, self._step, target, samples)
        self.position += moved
