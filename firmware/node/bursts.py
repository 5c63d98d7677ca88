"""Bursts of time exchanges (codec.wire.sync): what to send when, and what came back."""

from codec.wire import sync
from codec.wire.errors import ForgedError

BURST = 8
GAP_US = 4000
_ENOUGH_REPLIES = 4
_LEAST_WAIT_US = 120000
_MOST_WAIT_US = 1000000
MAX_ROUND_TRIP_US = 2000000
_BOOT_BYTES = 7


class Bursts:
    """One burst after another; `offset_us` and `trip_us` hold what came back, `replies` how many.

    key: makes the tags of requests and replies. chance: returns a byte that an onlooker cannot predict.
    """

    def __init__(self, node_tag, key, chance):
        self._tag = node_tag
        self._key = key
        self._echo_us = 0
        # Ticks begin anew with each boot; without this, replies of an earlier one would answer requests of this one.
        self._boot = int.from_bytes(bytes([chance() for _ in range(_BOOT_BYTES)]), "big")
        self._sequence = self._boot & 0xFFFF
        self._t1_us = [0] * BURST
        self._answered = [True] * BURST
        self._sent = 0
        self._open = False
        self._due_us = None
        self._began_us = 0
        self._last_us = 0
        self._wait_us = _LEAST_WAIT_US
        self._most_wait_us = _MOST_WAIT_US
        self.offset_us = [0] * BURST
        self.trip_us = [0] * BURST
        self.replies = 0
        self.least_us = self.most_us = 0
        """Between these is what media time is ahead of local time, as the last reply proves."""

    @property
    def due_us(self):
        """The local time at which :meth:`poll` has something to do; None before its first call."""
        return self._due_us

    @property
    def began_us(self):
        """The local time of the burst's first request."""
        return self._began_us

    @property
    def middle_us(self):
        """The local time between the burst's first request and its last."""
        return (self._began_us + self._last_us) // 2

    @property
    def waiting(self):
        """True while all requests of a burst are sent and answers may come."""
        return self._open and self._sent == BURST

    @property
    def complete(self):
        """True while every answer of the open burst is here and nobody has taken them."""
        return self._open and self.replies == BURST

    def begin_at(self, local_us):
        """Let the next burst begin then."""
        self._due_us = local_us

    def poll(self, now_us):
        """Return ``(request, ended)``: the bytes to send now or None, and whether the burst is over."""
        if self._due_us is None:
            self._due_us = now_us
        if now_us < self._due_us:
            return None, False
        if not self._open:
            self._open = True
            self._sent = 0
            self.replies = 0
            self._began_us = now_us
        if self._sent < BURST:
            slot = self._sent
            self._sent += 1
            self._sequence = (self._sequence + 1) & 0xFFFF
            self._t1_us[slot] = now_us
            self._answered[slot] = False
            self._last_us = now_us
            self._due_us = now_us + (GAP_US if self._sent < BURST else self._wait_us)
            t1 = self._boot + now_us
            return sync.pack_request(self._sequence, self._tag, t1, self._key, self._echo_us), False
        if self.replies < _ENOUGH_REPLIES and now_us < self._last_us + self._most_wait_us:
            self._due_us = self._last_us + self._most_wait_us
            return None, False
        self._open = False
        return None, True

    def receive(self, data, now_us):
        """Take a reply that came at local `now_us`; False if nobody asked for it. Raises WireError."""
        sequence, tag, t1, t2_us, t3_us = sync.parse_reply(data)
        t1_us = t1 - self._boot
        slot = self._sent - 1 - ((self._sequence - sequence) & 0xFFFF)
        # The echoed t1 is what a blind forger cannot know.
        if tag != self._tag or not 0 <= slot < self._sent or self._answered[slot] or self._t1_us[slot] != t1_us:
            return False
        trip_us = (now_us - t1_us) - (t3_us - t2_us)
        if not 0 <= trip_us <= MAX_ROUND_TRIP_US or not self._open:
            return False
        if not sync.genuine(data, self._key):
            raise ForgedError("time reply with another's tag")
        self._echo_us = t3_us
        # It left the controller after it was asked for, and came there before it was answered.
        self.most_us = t3_us - t1_us
        self.least_us = t2_us - now_us
        self._answered[slot] = True
        self.offset_us[self.replies] = (t2_us - t1_us + t3_us - now_us) // 2
        self.trip_us[self.replies] = trip_us
        self.replies += 1
        waited = self._sent == BURST and now_us >= self._last_us + self._wait_us
        if self.replies == BURST or (waited and self.replies >= _ENOUGH_REPLIES):
            self._due_us = now_us
        return True

    def expect(self, trip_us):
        """A round trip usually takes so long: wait for the answers of a burst accordingly."""
        self._wait_us = min(max(int(1.5 * trip_us), _LEAST_WAIT_US), _MOST_WAIT_US)
        self._most_wait_us = min(2 * self._wait_us, _MOST_WAIT_US)
