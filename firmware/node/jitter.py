"""Jitter buffer: frames by index until their time, in whatever order they come."""

CAPACITY = 128
"""Slots; bounds what a sender can make a node hold. The longest lead (codec/wire/announcement.py) and what is early."""


MAX_BYTES = 24576
"""Of all payloads together: 1.5 s at 128 kbit/s, and an eighth of an ESP32's heap whatever a sender makes up."""


class JitterBuffer:
    """Holds the frames from `floor` (the next one to decode) up to `floor` + CAPACITY."""

    def __init__(self, counters):
        self._counters = counters
        self._index = [-1] * CAPACITY
        self._payload = [None] * CAPACITY
        self._floor = None
        self._bytes = 0
        self.least_slack_us = None

    def restart(self, floor=None):
        """Forget everything; frames are taken once a floor is known."""
        for slot in range(CAPACITY):
            self._index[slot] = -1
            self._payload[slot] = None
        self._bytes = 0
        self._floor = floor
        self.least_slack_us = None

    def raise_floor(self, frame_index):
        """Frames before `frame_index` are no longer wanted."""
        if self._floor is None or frame_index >= self._floor + CAPACITY:
            self.restart(frame_index)
            return
        while self._floor < frame_index:
            slot = self._floor % CAPACITY
            if self._payload[slot] is not None:
                self._bytes -= len(self._payload[slot])
                self._payload[slot] = None
            self._index[slot] = -1
            self._floor += 1

    def put(self, frame_index, payload, slack_us):
        """Keep a frame that came `slack_us` before it is due; True if it was wanted."""
        if self._floor is None:
            return False
        if self.least_slack_us is None or slack_us < self.least_slack_us:
            self.least_slack_us = slack_us
        if frame_index < self._floor:
            self._counters["late"] += 1
            return False
        if frame_index >= self._floor + CAPACITY or self._bytes + len(payload) > MAX_BYTES:
            self._counters["unexpected"] += 1
            return False
        slot = frame_index % CAPACITY
        if self._index[slot] == frame_index:
            self._counters["duplicate"] += 1
            return False
        self._index[slot] = frame_index
        self._payload[slot] = payload
        self._bytes += len(payload)
        return True

    @property
    def floor(self):
        """The next frame to decode, or None."""
        return self._floor

    def peek(self, frame_index):
        """Return the payload of a frame, or None where it has not come."""
        slot = frame_index % CAPACITY
        return self._payload[slot] if self._index[slot] == frame_index else None

    def take(self, frame_index):
        """Return the payload of a frame or None, and give up it and all before it."""
        payload = self.peek(frame_index)
        self.raise_floor(frame_index + 1)
        return payload

    def first(self, span):
        """Return the least index among the first `span` wanted frames that is here, or None."""
        if self._floor is None:
            return None
        for frame_index in range(self._floor, self._floor + span):
            if self._index[frame_index % CAPACITY] == frame_index:
                return frame_index
        return None
