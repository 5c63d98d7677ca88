"""Speaker: from the current into the horns, while something is played, to what is wrong with them.

What the DAC is driven with calls for a current: the test tone at 0 dB for `tone_ma`, which was measured when the horns
were known to be good, and everything else in proportion. Over windows of half a second the measured one is compared
with it. A window that is too quiet says nothing, so a pause in speech, or a night, changes nothing.
"""

import math

from .hot import power

OK = "ok"
OPEN = "open"
SHORT = "short"

WINDOW_FRAMES = 24000
MEASURE_FRAMES = 2400
"""A reading every 50 ms; the sensor smooths over as much, and less than a window."""
_TONE_RMS = 362.0
"""Of the test tone, sqrt(hot.power())."""
_LOUD_SHARE = 1 / 8
"""Of the test tone's current, -18 dB: what calls for less is lost in the sensor's noise."""
_MOST_SHARE = 3.0
"""Of what is called for: no horn takes that much more at any frequency. A short circuit shows at half volume, too."""
_OVER_OPEN = 1.25
_UNDER_SHORT = 0.8
"""A fault is over when the current is clearly on the right side, not when it touches the limit."""
_WINDOWS = {OK: 2, OPEN: 3, SHORT: 2}
"""So many windows in a row must say the same: one alone may be the beginning of a word, to which the sensor is late."""
_MOST_BLOCKS = 64


class Speaker:
    """state: OK, OPEN, SHORT, or None until something loud enough was played. current_ma: of the last window in which
    anything was played, or None.

    tone_ma: what the test tone calls for at 0 dB. short_ma: more is a short circuit, and so is three times what is
    called for. open_share: of what is called for, less is an open one.
    """

    def __init__(self, tone_ma, short_ma, open_share):
        self.state = None
        self.current_ma = None
        self._tone_ma = tone_ma
        self._short_ma = short_ma
        self._open_share = open_share
        self._written = 0
        self._ends = []  # of blocks that have not left: the frame after each, and how loud it is
        self._levels = []
        self._begin = 0
        self._out = 0
        self._suspect = None
        self._windows = 0
        self._restart()

    def _restart(self):
        self._driven = 0.0
        self._frames = 0
        self._sum_ma = 0.0
        self._readings = 0

    def drive(self, samples, count):
        """The DAC has taken `count` int16 samples, to be emitted after all before."""
        self._written += count
        if len(self._ends) == _MOST_BLOCKS:  # more than any DAC holds: nobody measures
            self._begin = self._ends.pop(0)
            self._levels.pop(0)
        self._ends.append(self._written)
        self._levels.append(math.sqrt(power(samples, count)))

    def due(self, frames_out):
        """True when a reading is wanted; `frames_out` frames have left the DAC."""
        return frames_out - self._out >= MEASURE_FRAMES

    def measure(self, frames_out, current_ma):
        """Take a reading, mA, or None where it failed, made when `frames_out` frames had left the DAC."""
        if frames_out == self._out:
            return  # the DAC ran dry: it is no wonder that there is no current
        self._out = frames_out
        while self._ends and self._ends[0] <= frames_out:
            end = self._ends.pop(0)
            self._driven += self._levels.pop(0) * (end - self._begin)
            self._frames += end - self._begin
            self._begin = end
        if current_ma is not None:
            self._sum_ma += current_ma
            self._readings += 1
        if self._frames >= WINDOW_FRAMES:
            if self._driven and self._readings:
                self._judge(
                    self._tone_ma * self._driven / self._frames / _TONE_RMS,
                    self._sum_ma / self._readings,
                )
            self._restart()

    def _judge(self, expected_ma, current_ma):
        self.current_ma = round(current_ma)
        state = self.state
        loud = expected_ma >= self._tone_ma * _LOUD_SHARE
        most_ma = min(self._short_ma, _MOST_SHARE * expected_ma) if loud else self._short_ma
        if current_ma > most_ma * (_UNDER_SHORT if state == SHORT else 1.0):
            found = SHORT
        elif not loud:
            return
        else:
            share = self._open_share * (_OVER_OPEN if state == OPEN else 1.0)
            found = OPEN if current_ma < share * expected_ma else OK
        if found != self._suspect:
            self._suspect = found
            self._windows = 0
        self._windows += 1
        if self._windows >= _WINDOWS[found]:
            self.state = found
