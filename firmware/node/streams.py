"""Which of the announced streams plays: the highest in priority that is heard."""

DEAD_AFTER_US = 2000000
"""A stream without packets for so long is dead: the node falls back by itself."""


class Streams:
    """What the zone's announcement says is on air, and what of it arrives."""

    def __init__(self):
        self._streams = {}
        self._expected = {}
        self._heard_us = {}
        self._current = None

    def expect(self, streams):
        """Take what an announcement says that has still to prove genuine: packets may be kept, none is played."""
        self._expected = {stream.ssrc: stream for stream in streams}

    def replace(self, streams):
        """Take the list of codec.wire.announcement.Stream: it is the whole state."""
        self._expected = {}
        found = {stream.ssrc: stream for stream in streams}
        self._heard_us = {ssrc: us for ssrc, us in self._heard_us.items() if ssrc in found}
        self._streams = found

    def find(self, ssrc):
        """Return the announced or expected stream `ssrc`, or None."""
        return self._streams.get(ssrc) or self._expected.get(ssrc)

    def announced(self, ssrc):
        """Return the announced stream `ssrc`, or None."""
        return self._streams.get(ssrc)

    def empty(self):
        """True when nothing is announced or expected."""
        return not self._streams and not self._expected

    def groups(self):
        """Return the list of multicast groups ``(address, port)`` that carry these streams."""
        return [stream.group for stream in self._streams.values() if stream.group]

    def heard(self, ssrc, now_us):
        """A packet of `ssrc` that came at local `now_us` has proved genuine."""
        self._heard_us[ssrc] = max(now_us, self._heard_us.get(ssrc, now_us))

    def select(self, now_us):
        """Return the stream to play at local `now_us`, or None for silence; of equals the one playing
        stays."""
        best = None
        for ssrc, heard_us in self._heard_us.items():
            if now_us - heard_us > DEAD_AFTER_US:
                continue
            stream = self._streams[ssrc]
            if best is None or (stream.priority, ssrc == self._current) > (
                best.priority,
                best.ssrc == self._current,
            ):
                best = stream
        self._current = best.ssrc if best else None
        return best
