"""Repair: which frames are missing, and when to ask for them again.

A frame is asked for once it is later than reordering explains, again when the answer should have come, and no more
when the answer would come too late. What is asked for stays within a share of what arrives.
"""

_MAX_MISSING = 128
_SHARE = 0.25
"""Frames asked for to frames that arrive; 10 % loss, asked for over a road that loses as much, takes 0.13."""
_MOST_CREDIT = 40.0
_FIRST_CREDIT = 16.0
"""A node that joins must not fill a narrow line with what it missed: its time exchanges would wait behind it."""
_OVERDUE_SCATTERS = 3.0
_LEAST_WAIT_US = 4000
_ANSWER_SCATTERS = 4.0
_LEAST_ANSWER_US = 20000
"""Sooner the controller takes a request for a copy of the one before."""
_COPIES = 3
_COPY_GAP_US = 10000
_LEAST_COPIED_US = 60000
"""Where an answer takes this long, a request is sent so often, so far apart: the way there loses bursts too, and it
costs a quarter of what an answer does. Nearer, the next request comes as soon as a copy would."""
_HORIZON = 100
"""A gap of more frames is another place in the stream, not loss: the longest lead holds no more."""


class Repair:
    """Of the stream that plays; indices are its frames'."""

    def __init__(self, arrivals, counters):
        self._arrivals = arrivals
        self._counters = counters
        self._missing = {}  # by index: when to ask next (transit, microseconds, or None) and copies still to be sent
        self._asked = set()
        self._highest = None
        self._credit = _FIRST_CREDIT

    def restart(self):
        """Another stream begins."""
        self._missing = {}
        self._asked = set()
        self._highest = None

    def arrived(self, frame_index, marker, kept, floor=None):
        """A frame came; `marker` says that it follows silence, `kept` that it was wanted. Returns whether it came
        unasked.

        floor: the next frame to be decoded. The first frames may come before the announcement that makes them known,
        and a node that joins late has missed what is still to be played: with a stream's first frame those before it
        are missing too.
        """
        self._missing.pop(frame_index, None)
        if frame_index in self._asked:
            self._asked.remove(frame_index)
            if kept:
                self._counters["repaired"] += 1
            return False
        self._credit = min(self._credit + _SHARE, _MOST_CREDIT)
        highest = self._highest
        if highest is None or frame_index > highest:
            self._highest = frame_index
            first = highest + 1 if highest is not None else frame_index if floor is None else floor
            if not marker and frame_index - first < _HORIZON:
                for index in range(first, frame_index):
                    if len(self._missing) < _MAX_MISSING:
                        self._missing[index] = (None, 0)
        return True

    def missed(self, frame_index):
        """What came for a frame was not the controller's: it has still to come."""
        if self._highest is not None and len(self._missing) < _MAX_MISSING:
            self._missing[frame_index] = (None, 0)

    def due(self, floor, transit_us, patience_us, trip_us, least_trip_us):
        """Return the frames to ask for now, ascending.

        floor: the next frame to be decoded. transit_us(index): how long ago a frame's media time was. patience_us:
        the longest transit that is in time. trip_us, least_trip_us: round trips, the usual and the least.
        """
        missing = self._missing
        if not missing:
            return []
        arrivals = self._arrivals
        overdue_us = arrivals.usual_us + max(_OVERDUE_SCATTERS * arrivals.scatter_us, _LEAST_WAIT_US)
        answer_us = max(trip_us + _ANSWER_SCATTERS * arrivals.scatter_us, _LEAST_ANSWER_US)
        copies = _COPIES if answer_us >= _LEAST_COPIED_US else 1
        found = []
        for index in sorted(missing):
            waited_us = transit_us(index)
            if index < floor or waited_us + least_trip_us > patience_us:
                del missing[index]
                continue
            due_us, copies_left = missing[index]
            if waited_us < (overdue_us if due_us is None else due_us):
                continue
            if not copies_left:
                if self._credit < 1.0:
                    continue
                self._credit -= 1.0
                self._counters["asked"] += 1
                copies_left = copies
            copies_left -= 1
            self._asked.add(index)
            missing[index] = waited_us + (_COPY_GAP_US if copies_left else answer_us), copies_left
            found.append(index)
        if len(self._asked) > 2 * _MAX_MISSING:  # what never came
            self._asked = {index for index in self._asked if index in missing}
        return found
