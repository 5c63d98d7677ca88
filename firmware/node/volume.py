"""Volume: the node's gain and mute, always by a ramp; also the fades of the player."""

from .hot import amplify

UNITY = 1 << 13
RAMP_SAMPLES = 240
"""5 ms: short enough for a first word, long enough not to click."""


class Volume:
    """Multiplies blocks by a gain that never jumps. gain_db, muted: as it was set last."""

    def __init__(self):
        self._wanted = UNITY
        self._gain = UNITY
        self.gain_db = 0.0
        self.muted = False

    def set(self, gain_db, muted):
        """Set the gain, -60 to +12 dB, and whether it counts at all."""
        self._wanted = min(round(UNITY * 10.0 ** (gain_db / 20.0)), 4 * UNITY)
        self.gain_db = gain_db
        self.muted = muted

    def silence(self):
        """Stand at no gain, so that the next block fades in."""
        self._gain = 0

    def apply(self, samples, count, fade_out=False):
        """Amplify `count` int16 samples in place; with `fade_out` they end in silence."""
        target = 0 if fade_out or self.muted else self._wanted
        gain = self._gain
        if gain == UNITY and target == UNITY:
            return
        step = (target - gain if target > gain else gain - target) // min(RAMP_SAMPLES, count) + 1
        self._gain = amplify(samples, count, gain, target, step)
