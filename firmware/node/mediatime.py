"""The media time that a node plays by: as it knows the controller's clock, or as the leader of its village says.

It never steps while the node sounds: where its source changes, what they differ by is slewed.
"""

from codec.wire.beacon import MAX_REST_US, slewed

_FRESH_US = 10000000
"""Without a word from the leader its time is kept so long."""
_SLACK_US = 2000
_SLEW = 300
"""Faster than a leader slews the village: who comes to it catches up."""


class Leader:
    """A node that leads; `clock` reads its counter, None for this node itself. heard_us: when its `beacon` came."""

    def __init__(self, beacon, address, clock, now_us):
        self.beacon = beacon
        self.address = address
        self.clock = clock
        self.heard_us = now_us

    def local_us(self, local_us):
        """Return what its counter shows at this node's `local_us`."""
        # What a Clock calls media time is here the counter of who answers.
        return local_us if self.clock is None else self.clock.media_us(local_us)

    def heard(self, now_us):
        """True while its last beacon is new enough to go by."""
        return now_us - self.heard_us < _FRESH_US

    def fresh(self, now_us):
        """True while its time is known well enough to play by."""
        return self.heard(now_us) and (self.clock is None or self.clock.locked(now_us, _FRESH_US))


class MediaTime:
    """Stands for a clock towards the pipeline; `clock` is the controller's. sounding: whether a step is heard.

    patience_us: until this local time a node does not begin to sound by its own clock.
    """

    def __init__(self, clock):
        self._clock = clock
        self._rest_us = 0
        self._rest_at_us = 0
        self.leader = None
        self.sounding = False
        self.patience_us = None

    def locked(self, now_us):
        """True while the media time is known well enough to play."""
        if self.leader is not None and self.leader.fresh(now_us):
            return True
        return self._clock.locked(now_us) and (self.patience_us is None or now_us >= self.patience_us)

    def media_us(self, local_us):
        """Return the media time of `local_us`; only while locked."""
        leader = self.leader
        if leader is None:
            media_us = self._clock.media_us(local_us)
        else:
            media_us = leader.beacon.media_at(leader.local_us(local_us))
        return media_us - self._left(local_us)

    @property
    def drift_ppm(self):
        """How much faster media time runs than the node's, parts per million."""
        leader = self.leader
        if leader is None:
            return self._clock.drift_ppm
        drift_ppm = leader.beacon.drift_ppb * 0.001
        return drift_ppm if leader.clock is None else drift_ppm + leader.clock.drift_ppm

    @property
    def round_trip_us(self):
        """The least round trip to the controller of late, or None."""
        return self._clock.round_trip_us

    @property
    def trip_us(self):
        """The usual round trip to the controller, or None."""
        return self._clock.trip_us

    def sd_us(self, now_us):
        """Return the standard deviation of the estimate of the controller's clock, or None."""
        return self._clock.sd_us(now_us)

    def uncertainty_us(self, now_us):
        """Return how far media time can be off: what the leader may err, and what this node may by the leader."""
        leader = self.leader
        if leader is None:
            return self._clock.uncertainty_us(now_us)
        known_us = 0 if leader.clock is None else leader.clock.uncertainty_us(now_us)
        left_us = abs(self._left(now_us)) + abs(leader.beacon.left_at(leader.local_us(now_us)))
        return leader.beacon.uncertainty_us + known_us + left_us

    # ---- where it comes from ----

    def credible(self, leader, now_us):
        """True unless `leader` is off by more than this node's own exchanges allow."""
        clock = self._clock
        if not clock.locked(now_us):
            return True
        off_us = leader.beacon.aim_at(leader.local_us(now_us)) - clock.media_us(now_us)
        return abs(off_us) <= clock.uncertainty_us(now_us) + leader.beacon.uncertainty_us + _SLACK_US

    def follow(self, leader, now_us):
        """Take the time from this Leader, or from the controller where None."""
        before_us = self.media_us(now_us) if self.sounding and self.locked(now_us) else None
        self.leader = leader
        self._rest_us = 0
        if before_us is not None:
            rest_us = self.media_us(now_us) - before_us
            if -MAX_REST_US <= rest_us <= MAX_REST_US:
                self._rest_us = rest_us
                self._rest_at_us = now_us

    def settle(self):
        """Gain the rest at once: nobody hears it."""
        self._rest_us = 0

    def _left(self, local_us):
        return self._rest_us - slewed(self._rest_us, local_us - self._rest_at_us, _SLEW)
