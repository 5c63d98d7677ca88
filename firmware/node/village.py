"""The village: which of its nodes leads, and what this one says and asks.

The leader says in beacons (codec.wire.beacon) how media time is read off its counter; the others learn that counter by
time exchanges with it, as short as the LAN is. So all of them are off by what the leader is off, its asymmetric path
to the controller included, and apart by what the LAN hides. Who leads next takes over the time that the village has and
slews it to its own.
"""

from codec.wire import beacon as wire
from codec.wire.beacon import MAX_REST_US, MAX_UNCERTAINTY_US, Beacon
from codec.wire.errors import ForgedError

from .clock import Clock
from .mediatime import Leader

_SILENCE_US = 2000000
"""Nobody leads when four beacons in a row are missing."""
_PAUSE_US = 6000
"""Times a byte of chance: who begins first leads."""
_PATIENCE_US = 1200000
_ENOUGH_BURSTS = 3
_HASTE = ((800000, 200000, 0), (120000000, 1000000, 0))
"""As in firmware.node.clock; milder, as all of a village may ask at once, and its leader answers 200 a second."""
_BETTER_FOR_US = 10000000


class Village:
    """Gives `time`, a MediaTime, a leader. `key` makes the tags of what nodes say to each other. `clock` is the
    controller's, `random` returns a byte."""

    def __init__(self, tag, key, clock, time, random):
        self._tag = tag
        self.key = key
        self._clock = clock
        self._time = time
        self._random = random
        self._joined = False
        self._leader = None
        self._lead_at_us = 0
        self._better_us = None
        self._beat_us = 0
        self._term = 0
        self.leading = False

    def share(self, key):
        """Speak to the zone's nodes under this key from now on; who leads is learned anew."""
        self.key = key
        self._leader = None

    def join(self, now_us, sounding):
        """The zone has a group; `sounding`: this node plays already."""
        self._joined = True
        self._time.sounding = sounding
        self._time.patience_us = now_us if sounding else now_us + _PATIENCE_US
        self._wait(now_us)

    def leave(self, now_us, sounding):
        """The zone has none any more."""
        self._time.sounding = sounding
        self._joined = self.leading = self._clock.relaxed = False
        self._leader = self._better_us = self._time.patience_us = None
        if self._time.leader is not None:
            self._time.follow(None, now_us)

    @property
    def role(self):
        """1: the village goes by this node, 0: this node goes by another, None: by the controller alone."""
        if self.leading:
            return 1
        return None if self._time.leader is None else 0

    # ---- in and out ----

    def poll(self, now_us, sounding):
        """Return ``(datagram, address)`` that is due, address None for the group; or None."""
        self._time.sounding = sounding
        if not sounding:
            self._time.settle()
        self._judge(now_us)
        if self.leading:
            return (self._beat(now_us), None) if now_us >= self._beat_us else None
        leader = self._leader
        request = None if leader is None else leader.clock.poll(now_us)
        return None if request is None else (request, leader.address)

    def next_us(self, now_us):
        """Return the local time at which :meth:`poll` has something to send."""
        if self.leading:
            return self._beat_us
        return now_us + wire.PERIOD_US if self._leader is None else self._leader.clock.next_us(now_us)

    def receive(self, data, source, now_us):
        """Take the leader's reply that came at local `now_us`; False if nobody asked for it. Raises WireError."""
        leader = self._leader
        return leader is not None and source == leader.address and leader.clock.receive(data, now_us)

    def hear(self, data, source, now_us):
        """Take a beacon that came at local `now_us` from `source`; False if it is not followed. Raises WireError."""
        beacon = wire.parse(data)
        if not self._joined or beacon.tag == self._tag:
            return self._joined  # one's own comes back
        if not wire.genuine(data, self.key):
            raise ForgedError("beacon with another's tag")
        clock = self._clock
        ours_us = clock.uncertainty_us(now_us) if clock.locked(now_us) else MAX_UNCERTAINTY_US
        better = 2 * ours_us < beacon.uncertainty_us
        if self.leading:
            if _stays(self._tag, ours_us, beacon.tag, beacon.uncertainty_us):
                return True
            self.leading = False
        if not better:
            self._better_us = None
        elif self._better_us is None:
            self._better_us = now_us
        if not better or now_us - self._better_us < _BETTER_FOR_US:
            self._wait(now_us)
        return self._heard(beacon, source, now_us)

    def _heard(self, beacon, source, now_us):
        leader = self._leader
        if leader is not None:
            old = leader.beacon
            if beacon.tag == old.tag and beacon.term == old.term and source == leader.address:
                if beacon.local_us <= old.local_us:
                    return False
                leader.beacon = beacon
                leader.heard_us = now_us
                return True
            present = beacon.tag != old.tag and now_us - leader.heard_us < _SILENCE_US
            if present and _stays(old.tag, old.uncertainty_us, beacon.tag, beacon.uncertainty_us):
                return False
        self._leader = Leader(beacon, source, Clock(self._tag, self.key, self._random, _HASTE), now_us)
        return True

    # ---- who leads ----

    def _wait(self, now_us):
        """Begin to lead only after so much silence."""
        self._lead_at_us = now_us + _SILENCE_US + self._random() * _PAUSE_US

    def _judge(self, now_us):
        clock = self._clock
        time = self._time
        known = clock.locked(now_us) and clock.uncertainty_us(now_us) <= MAX_UNCERTAINTY_US
        if self.leading != known and (self.leading or now_us >= self._lead_at_us):
            self.leading = known
            self._leader = self._better_us = None
            self._beat_us = now_us
            self._term = self._random() << 8 | self._random()
            self._wait(now_us)
        leader = self._leader
        if leader is not None and not leader.heard(now_us):
            self._leader = leader = None
        ready = leader is not None and leader.clock.bursts >= _ENOUGH_BURSTS and leader.fresh(now_us)
        if ready and time.credible(leader, now_us):
            if time.leader is not leader:
                time.follow(leader, now_us)
        elif time.leader is not None and (time.leader is leader or not time.leader.fresh(now_us)):
            time.follow(None, now_us)
        clock.relaxed = time.leader is not None and not self.leading

    def _beat(self, now_us):
        """Return the next beacon, and play by it."""
        clock = self._clock
        aim_us = clock.media_us(now_us)
        media_us = self._time.media_us(now_us)
        if not -MAX_REST_US <= aim_us - media_us <= MAX_REST_US:
            media_us = aim_us
        drift_ppb = round(clock.drift_ppm * 1000)
        uncertainty_us = clock.uncertainty_us(now_us)
        beacon = Beacon(self._term, self._tag, now_us, media_us, drift_ppb, aim_us - media_us, uncertainty_us)
        self._time.settle()
        self._time.leader = Leader(beacon, None, None, now_us)
        self._beat_us = now_us + wire.PERIOD_US
        return wire.pack(beacon, self.key)


def _stays(tag, uncertainty_us, other_tag, other_uncertainty_us):
    """True when of two that lead this one does not give way: what it says is clearly better, or its tag lower."""
    if 2 * uncertainty_us < other_uncertainty_us:
        return True
    return 2 * other_uncertainty_us >= uncertainty_us and tag < other_tag
