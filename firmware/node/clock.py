"""The controller's media clock, estimated from four-timestamp exchanges (codec.wire.sync) in bursts.

An exchange gives the offset to half the difference of its two path delays. Within a burst the quick round
trips count most: what they lost in queues is least. Bursts feed a two-state filter; they come close together
after boot and far apart later, but always often enough to keep the way back through a NAT open.
"""

from codec.wire import sync

from .line import Line

BURST = 8
_GAP_US = 8000
_EARLY_BURSTS = 20
_EARLY_PERIOD_US = 250000
_SETTLING_BURSTS = 70
_SETTLING_PERIOD_US = 1000000
_STEADY_PERIOD_US = 4000000
_RETRY_PERIOD_US = 250000
_ENOUGH_REPLIES = 4
_WAIT_US = 120000
_WAIT_LONG_US = 1000000
_MAX_ROUND_TRIP_US = 2000000
_FLOOR_SD_US = 30.0
_FLOOR_FORGETS_SHIFT = 6
_EXCESS_WEIGHT = 0.2
_JUMP_SD = 6.0
_JUMP_US = 2000.0
_LOST_AFTER_US = 300000000

_DRIFT_SD_PPM = 60.0
_DRIFT_WALK_PPM = 0.02


class Clock:
    """Asks for time, takes the answers, and says what media time a local time is."""

    def __init__(self, node_tag):
        self._tag = node_tag
        self._line = Line(_DRIFT_SD_PPM, _DRIFT_WALK_PPM)
        self._sequence = node_tag[0] << 8 | node_tag[1]
        self._t1_us = [0] * BURST
        self._answered = [True] * BURST
        self._offset_us = [0] * BURST
        self._trip_us = [0] * BURST
        self._sent = 0
        self._replies = 0
        self._in_burst = False
        self._next_us = None
        self._last_sent_us = 0
        self._burst_us = 0
        self._bursts = 0
        self._sd_us = None
        self._floor_us = None
        self._outliers = 0
        self._updated_us = 0
        self.round_trip_us = None

    # ---- exchanges ----

    def poll(self, now_us):
        """Return the bytes of the request that is due at local `now_us`, or None."""
        if self._next_us is None:
            self._next_us = now_us
        if now_us < self._next_us:
            return None
        if not self._in_burst:
            self._in_burst = True
            self._sent = 0
            self._replies = 0
            self._burst_us = now_us
        if self._sent < BURST:
            slot = self._sent
            self._sent += 1
            self._sequence = (self._sequence + 1) & 0xFFFF
            self._t1_us[slot] = now_us
            self._answered[slot] = False
            self._last_sent_us = now_us
            self._next_us = now_us + (_GAP_US if self._sent < BURST else _WAIT_US)
            return sync.pack_request(self._sequence, self._tag, now_us)
        if self._replies < _ENOUGH_REPLIES and now_us < self._last_sent_us + _WAIT_LONG_US:
            self._next_us = self._last_sent_us + _WAIT_LONG_US
            return None
        self._close(now_us)
        return None

    def next_us(self, now_us):
        """Return the local time at which :meth:`poll` has something to do."""
        return now_us if self._next_us is None else self._next_us

    def receive(self, data, now_us):
        """Take a reply that came at local `now_us`; False if nobody asked for it. Raises WireError."""
        sequence, tag, t1_us, t2_us, t3_us = sync.parse_reply(data)
        slot = self._sent - 1 - ((self._sequence - sequence) & 0xFFFF)
        # The echoed t1 is what a blind forger cannot know.
        if tag != self._tag or not 0 <= slot < self._sent or self._answered[slot] or self._t1_us[slot] != t1_us:
            return False
        trip_us = (now_us - t1_us) - (t3_us - t2_us)
        if not 0 <= trip_us <= _MAX_ROUND_TRIP_US or not self._in_burst:
            return False
        self._answered[slot] = True
        self._offset_us[slot] = (t2_us - t1_us + t3_us - now_us) // 2
        self._trip_us[slot] = trip_us
        self._replies += 1
        if self._replies == BURST:
            self._next_us = now_us
        return True

    # ---- estimate ----

    def _close(self, now_us):
        self._in_burst = False
        if not self._replies:
            self._next_us = now_us + _RETRY_PERIOD_US
            return
        offset_us, sd_us = self._estimate()
        self._bursts += 1
        if self._bursts < _EARLY_BURSTS:
            period_us = _EARLY_PERIOD_US
        elif self._bursts < _SETTLING_BURSTS:
            period_us = _SETTLING_PERIOD_US
        else:
            period_us = _STEADY_PERIOD_US
        self._next_us = max(self._burst_us + period_us, now_us + _GAP_US)
        middle_us = (self._burst_us + self._last_sent_us) // 2
        line = self._line
        if line.known:
            innovation_us = line.innovation_us(middle_us, middle_us + offset_us)
            # No path asymmetry errs by more than half a round trip.
            limit_us = max(_JUMP_SD * (sd_us + line.sd_us(middle_us)), self.round_trip_us * 0.5, _JUMP_US)
            if not -limit_us <= innovation_us <= limit_us:
                # One strange burst may be the network's; two in a row are a controller with another clock.
                self._outliers += 1
                if self._outliers < 2:
                    self._next_us = now_us + _GAP_US
                    return
                line.restart()
                self._bursts = 0
        self._outliers = 0
        self._updated_us = now_us
        line.update(middle_us, middle_us + offset_us, sd_us)

    def _estimate(self):
        """Return ``(offset_us, sd_us)`` of the burst."""
        replies = [i for i in range(BURST) if i < self._sent and self._answered[i]]
        trips_us = sorted([self._trip_us[i] for i in replies])
        least_us = trips_us[0]
        self.round_trip_us = least_us
        # Half of what a round trip took too long bounds its error; the median says what is usual here.
        usual_us = (trips_us[len(trips_us) // 2] - least_us) * 0.5 + 5.0
        base_us = self._offset_us[replies[0]]
        weights = mean = square = squares = 0.0
        for i in replies:
            excess_us = (self._trip_us[i] - least_us) * 0.5 / usual_us
            weight = 1.0 / (1.0 + excess_us * excess_us)
            difference_us = self._offset_us[i] - base_us
            weights += weight
            squares += weight * weight
            mean += weight * difference_us
            square += weight * difference_us * difference_us
        mean /= weights
        if len(replies) >= 3:
            spread = max(square / weights - mean * mean, 0.0)
            sd_us = (spread * squares) ** 0.5 / weights
        else:
            sd_us = least_us * 0.25
        # All of a burst may have waited in the same queue: then it agrees with itself, and is wrong.
        floor_us = least_us if self._floor_us is None else self._floor_us
        self._floor_us = min(least_us, floor_us + (floor_us >> _FLOOR_FORGETS_SHIFT))
        sd_us = max(sd_us + (least_us - self._floor_us) * _EXCESS_WEIGHT, _FLOOR_SD_US)
        # A burst that agrees with itself by chance must not outweigh the others.
        self._sd_us = sd_us if self._sd_us is None else self._sd_us + 0.25 * (sd_us - self._sd_us)
        return base_us + round(mean), max(sd_us, self._sd_us)

    def locked(self, now_us):
        """True while the media clock is known well enough to play."""
        return self._line.known and now_us - self._updated_us < _LOST_AFTER_US

    def media_us(self, local_us):
        """Return the media time of `local_us`; only while locked."""
        return self._line.y_us(local_us)

    def local_us(self, media_us):
        """Return the local time of `media_us`; only while locked."""
        return self._line.x_us(media_us)

    @property
    def drift_ppm(self):
        """How much faster the media clock runs than the node's, parts per million."""
        return self._line.drift_ppm

    def uncertainty_us(self, now_us):
        """Return the standard deviation of the estimate; None before the first lock."""
        sd_us = self._line.sd_us(now_us)
        return None if sd_us is None else round(sd_us)
