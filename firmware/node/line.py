"""A two-state estimate (offset, drift) of one steady microsecond clock read by another.

A Kalman filter over pairs (x, y): y - x = offset + drift * (x - x of the last pair). Whole microseconds are
integers and only what is left of the offset is a float, so that 32-bit floats suffice after days.
"""


class Line:
    """y as a function of x, both in microseconds.

    drift_sd_ppm: how far the drift may be from 0 before anything is known. walk_ppm: how far it wanders in a
    second.
    """

    def __init__(self, drift_sd_ppm, walk_ppm):
        self._drift_var = drift_sd_ppm * drift_sd_ppm
        self._walk_var = walk_ppm * walk_ppm
        self.forget()

    def forget(self):
        """Know nothing, the drift included."""
        self.known = False
        self.drift_ppm = 0.0
        self._x_us = 0
        self._offset_us = 0
        self._rest_us = 0.0
        self._p00 = 0.0
        self._p01 = 0.0
        self._p11 = self._drift_var

    def restart(self):
        """Forget the offset and keep the drift: y jumped."""
        self.known = False
        self._p01 = 0.0

    def loosen(self, sd_us):
        """The offset may be off by `sd_us` more than was thought."""
        self._p00 += sd_us * sd_us

    def innovation_us(self, x_us, y_us):
        """Return how far a pair lies from the line, as a float."""
        return (y_us - x_us - self._offset_us) - self._rest_us - self.drift_ppm * ((x_us - self._x_us) * 1e-6)

    def update(self, x_us, y_us, sd_us):
        """Take a pair whose y has the standard deviation `sd_us`; x must not go back."""
        if not self.known:
            self.known = True
            self._x_us = x_us
            self._offset_us = y_us - x_us
            self._rest_us = 0.0
            self._p00 = sd_us * sd_us
            self._p01 = 0.0
            return
        seconds = (x_us - self._x_us) * 1e-6
        innovation_us = self.innovation_us(x_us, y_us)
        p11 = self._p11 + self._walk_var * seconds
        p01 = self._p01 + seconds * self._p11
        p00 = self._p00 + seconds * (2.0 * self._p01 + seconds * self._p11)
        total = p00 + sd_us * sd_us
        gain0 = p00 / total
        gain1 = p01 / total
        rest_us = self._rest_us + self.drift_ppm * seconds + gain0 * innovation_us
        self.drift_ppm += gain1 * innovation_us
        self._p00 = p00 * (1.0 - gain0)
        self._p01 = p01 * (1.0 - gain0)
        # Rounding must not make a variance negative on 32-bit floats.
        self._p11 = max(p11 - gain1 * p01, 1e-6)
        whole_us = int(rest_us)
        self._x_us = x_us
        self._offset_us += whole_us
        self._rest_us = rest_us - whole_us

    def y_us(self, x_us):
        """Return y at x."""
        return x_us + self._offset_us + round(self._rest_us + self.drift_ppm * ((x_us - self._x_us) * 1e-6))

    def x_us(self, y_us):
        """Return x at y; exact to 1 us while y - x drifts by less than 0.1 %."""
        x_us = y_us - self._offset_us - round(self._rest_us)
        return x_us - round(self.drift_ppm * ((x_us - self._x_us) * 1e-6))

    def sd_us(self, x_us):
        """Return the standard deviation of y at x, or None while nothing is known."""
        if not self.known:
            return None
        seconds = (x_us - self._x_us) * 1e-6
        return max(self._p00 + seconds * (2.0 * self._p01 + seconds * self._p11), 0.0) ** 0.5
