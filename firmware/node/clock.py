"""The controller's media clock, estimated from bursts of four-timestamp exchanges.

An exchange gives the offset to half the difference of its two path delays. What it is worth is learned
(``noise``); a burst's weighted mean feeds a two-state filter (``line``). Bursts follow each other closely after
boot, and then as often as the noise of the path needs, but always often enough to keep the way back through a NAT
open.
"""

from .bursts import GAP_US, Bursts
from .line import Line
from .noise import Noise

_DRIFT_SD_PPM = 60.0
_DRIFT_WALK_PPM = 0.02
"""A crystal in the open warms by a degree in minutes and follows by a part in ten millions."""

_LEAST_GOAL_US = 30.0
_GOAL_SHARE = 0.003
"""How well the offset should be known: what a listener can hear of it, and on a long path what asymmetry hides."""
_HASTE = ((6000000, 0, 0), (20000000, 60000, 1), (100000000, 120000, 4))
"""Longest pause between bursts until so long after the start, while the goal is not reached: so long, or so many round
trips. A village on a LAN is tight in a minute; on a long path more haste would only load the controller."""
_LEAST_PERIOD_US = 500000
_MOST_PERIOD_US = 4000000
_RETRY_PERIOD_US = 250000
_LOOK_US = 10000
"""How often a burst's end is looked for."""

_JUMP_SD = 6.0
_JUMP_US = 2000.0
_LOST_AFTER_US = 300000000
_GOOD_ENOUGH_US = 6500.0
"""Three standard deviations within 20 ms: sound that begins worse than this may be of the wrong place."""
_BOUND_SD = 4.0
_APART_PPM = 800
"""How fast media time and ours may part: 500 where NTP slews the controller's kernel, its own slewing, and crystals,
ours in the sun. In the 4 s between bursts it costs 3 ms of what a packet may take."""
_CHANCE = 0.4
"""What the mean of the ratios exceeds 1 by without a reason."""
_MOST_INFLATION = 16.0


class Clock:
    """Asks for time, takes the answers, and says what media time a local time is. `key` makes the tags of exchanges;
    `chance` returns a byte."""

    def __init__(self, node_tag, key, chance, haste=_HASTE):
        self._haste = haste
        self._bursts = Bursts(node_tag, key, chance)
        self._most_us = self._least_us = None
        self._proved_us = 0
        self._noise = Noise()
        self._line = Line(_DRIFT_SD_PPM, _DRIFT_WALK_PPM)
        self._started_us = None
        self._ratio = 1.0
        self._burst_variance = 0.0
        self._outliers = 0
        self._updated_us = 0
        self._trip_us = 0.0
        self.bursts = 0
        self._good = False
        self.relaxed = False
        """Set from outside while nobody plays by it: it is kept up with few exchanges."""

    # ---- exchanges ----

    def poll(self, now_us):
        """Return the bytes of the request that is due at local `now_us`, or None."""
        request, ended = self._bursts.poll(now_us)
        if ended:
            self._take(now_us)
        return request

    def next_us(self, now_us):
        """Return the local time at which :meth:`poll` has something to do."""
        bursts = self._bursts
        if bursts.due_us is None:
            return now_us
        # The last answer makes the burst complete, before the time at which it is given up.
        return min(bursts.due_us, now_us + _LOOK_US) if bursts.waiting else bursts.due_us

    def receive(self, data, now_us):
        """Take a reply that came at local `now_us`; False if nobody asked for it. Raises WireError."""
        if not self._bursts.receive(data, now_us):
            return False
        self._prove(now_us)
        if self._bursts.complete:  # what it says is of use before the next poll
            self.poll(now_us)
        return True

    # ---- what is proved ----

    def _prove(self, now_us):
        """Narrow what media time can be; no path, and nobody on it, can make an exchange say what is not so."""
        bursts = self._bursts
        if self._most_us is None:
            self._most_us, self._least_us = bursts.most_us, bursts.least_us
        else:
            grown_us = self._grown_us(now_us)
            self._most_us = min(self._most_us + grown_us, bursts.most_us)
            self._least_us = max(self._least_us - grown_us, bursts.least_us)
            if self._least_us > self._most_us:  # a controller with another clock
                self._most_us, self._least_us = bursts.most_us, bursts.least_us
        self._proved_us = now_us

    def _grown_us(self, now_us):
        return (now_us - self._proved_us) * _APART_PPM // 1000000 + 1

    def latest_us(self, now_us):
        """Return the latest media time that it can be at local `now_us`, or None before the first exchange."""
        return None if self._most_us is None else now_us + self._most_us + self._grown_us(now_us)

    # ---- estimate ----

    def _take(self, now_us):
        """A burst is over: use it, and say when the next one begins."""
        bursts = self._bursts
        if not bursts.replies:
            bursts.begin_at(now_us + _RETRY_PERIOD_US)
            return
        self.bursts += 1
        if self._started_us is None:
            self._started_us = bursts.began_us
        self._line.loosen(self._noise.begin(bursts))
        offset_us, variance, trip_us = self._mean()
        at_us = bursts.middle_us
        line = self._line
        if line.known:
            known = line.sd_us(at_us) ** 2
            innovation_us = line.innovation_us(at_us, at_us + offset_us)
            # No path asymmetry errs by more than half a round trip.
            limit_us = max(_JUMP_SD * (variance + known) ** 0.5, trip_us * 0.5, _JUMP_US)
            if not -limit_us <= innovation_us <= limit_us:
                # One strange burst may be the network's; two in a row are a controller with another clock.
                self._outliers += 1
                if self._outliers < 2:
                    bursts.begin_at(now_us + GAP_US)
                    return
                line.restart()
                self._most_us, self._least_us = bursts.most_us, bursts.least_us
                self._good = False
                self._started_us = bursts.began_us
            else:
                self._learn(at_us, innovation_us, known, variance)
        self._outliers = 0
        self._updated_us = now_us
        self._trip_us = trip_us if self.bursts == 1 else self._trip_us + 0.1 * (trip_us - self._trip_us)
        bursts.expect(self._trip_us)
        variance *= min(max(self._ratio - _CHANCE, 1.0), _MOST_INFLATION)
        line.update(at_us, at_us + offset_us, variance**0.5)
        self._burst_variance = variance
        self._good = self._good or line.sd_us(at_us) < _GOOD_ENOUGH_US
        bursts.begin_at(max(bursts.began_us + self._period_us(now_us), now_us + GAP_US))

    def _mean(self):
        """Return ``(offset_us, variance, trip_us)`` of the burst, its exchanges weighed by what they are worth."""
        bursts = self._bursts
        noise = self._noise
        base_us = bursts.offset_us[0]
        weights = offset = trip = scatter = queue = 0.0
        for i in range(bursts.replies):
            trip_us = bursts.trip_us[i]
            variance = noise.variance(trip_us)
            queue_us = noise.queue_us(trip_us)
            weight = 1.0 / (variance + queue_us * queue_us)
            weights += weight
            offset += weight * (bursts.offset_us[i] - base_us)
            trip += weight * trip_us
            scatter += weight * weight * variance
            queue += weight * queue_us
        if not self._line.known:  # the first burst does not tell scatter from a queue
            scatter *= bursts.replies
        # Scatter averages out; a queue is the same for all that wait in it.
        variance = (scatter + queue * queue) / (weights * weights)
        return base_us + round(offset / weights), variance, trip / weights

    def _learn(self, at_us, innovation_us, known, variance):
        """Compare what was expected with what came: of each exchange, and of the burst as a whole."""
        bursts = self._bursts
        noise = self._noise
        for i in range(bursts.replies):
            if noise.queue_us(bursts.trip_us[i]) > 0.0:
                continue
            error_us = self._line.innovation_us(at_us, at_us + bursts.offset_us[i])
            noise.learn(noise.class_of(bursts.trip_us[i]), error_us, known)
        # Exchanges of one burst may have waited in the same queue: then their mean is worse than they are many.
        ratio = min(innovation_us * innovation_us / (variance + known), 4.0 * _MOST_INFLATION)
        self._ratio += 0.03 * (ratio - self._ratio)

    def _period_us(self, now_us):
        """Return how long after a burst's beginning the next one shall begin."""
        goal_us = max(_LEAST_GOAL_US, self._trip_us * _GOAL_SHARE)
        # Of measurements with variance v every T seconds the filter makes, once it is settled, an offset with
        # variance sqrt(2) * (v T)^(3/4) * walk^(1/2): what a Kalman filter of offset and random-walk drift tends to.
        density = (goal_us * goal_us / (1.414 * _DRIFT_WALK_PPM**0.5)) ** 1.3333
        period_us = int(min(max(density / self._burst_variance * 1e6, _LEAST_PERIOD_US), _MOST_PERIOD_US))
        if self._line.sd_us(now_us + period_us) > 1.25 * goal_us:
            for until_us, hasty_us, round_trips in self._haste:
                if now_us - self._started_us < until_us:
                    return max(hasty_us, int(round_trips * self._trip_us))
        return _MOST_PERIOD_US if self.relaxed else period_us

    def locked(self, now_us, lost_after_us=_LOST_AFTER_US):
        """True while the media clock is known well enough to play."""
        return self._good and now_us - self._updated_us < lost_after_us

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

    @property
    def round_trip_us(self):
        """The least round trip of late, or None."""
        return self._noise.least_us

    @property
    def trip_us(self):
        """The usual round trip, or None."""
        return self._trip_us if self.bursts else None

    def sd_us(self, now_us):
        """Return the standard deviation of the estimate, what the path's asymmetry hides left out; None before
        the first lock."""
        sd_us = self._line.sd_us(now_us)
        return None if sd_us is None else round(sd_us)

    def uncertainty_us(self, now_us):
        """Return how far the estimate can be off, asymmetry included; None before the first lock."""
        sd_us = self._line.sd_us(now_us)
        return None if sd_us is None else round(self._trip_us * 0.5 + _BOUND_SD * sd_us)
