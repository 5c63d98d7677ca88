"""How long a node waits for a frame (firmware/node/player.py), and what it may believe of it."""

from codec.profile import Profile
from codec.wire.tesla import EARLY_SHARE
from hil_sim.scenario import LinkSettings

_LOW_LEAD_US = 120_000
_US, _LOW_US = 70_000, 31_000
_REACH = 100
_OF_JITTER = 1.0
_DRIFT_US = 4_000
"""800 parts per million for four seconds (firmware/node/clock.py), and a little."""


def given_up_us(profile: Profile) -> int:
    """Return how long before its instant a node may give up a frame: 50 ms, 25 where the lead is short, and a turn.

    A packet that comes earlier than this is not late for any node.
    """
    return _LOW_US if profile.lead_us < _LOW_LEAD_US else _US


def doubt_us(line: LinkSettings) -> int:
    """Return how much later than it is a node on `line` may have to take the media time to be.

    What it knows is how long an exchange took at the least: its way there, the quickest of the last burst, and what
    crystals drift until the next one.
    """
    return round((line.up().delay_ms + _OF_JITTER * line.jitter_ms) * 1000) + _DRIFT_US


class Trust:
    """When a node can know that a frame is the controller's (codec.wire.tesla), as far as its packets tell.

    doubt_us: how much later than it is a node must take the media time to be, for all that it knows of it.
    """

    def __init__(self, lag_us: int, frame_us: int, doubt_us: int) -> None:
        self._lag_us = lag_us
        self._frame_us = frame_us
        self._lag = lag_us // frame_us
        self.doubt_us = doubt_us
        self._came_us: dict[int, int] = {}
        self._told_us: dict[int, int] = {}

    def arrive(self, index: int, transit_us: int, now_us: int) -> None:
        """The packet of frame `index` came at media time `now_us`, `transit_us` after its own."""
        if transit_us + self._frame_us // EARLY_SHARE + self.doubt_us < self._lag_us:
            self._came_us.setdefault(index, now_us)
        self._tell(index, now_us)

    def _tell(self, index: int, now_us: int) -> None:
        for told in range(index - self._lag, index - self._lag - _REACH, -1):
            if told in self._told_us:
                break
            self._told_us[told] = now_us

    def again(self, index: int, now_us: int) -> None:
        """The packet came that the node asked for: it proves itself."""
        self._came_us.setdefault(index, now_us)
        self._told_us.setdefault(index, now_us)
        self._tell(index, now_us)

    def known_us(self, index: int) -> int | None:
        """Return the media time from which on the frame can be played, or None."""
        came_us, told_us = self._came_us.get(index), self._told_us.get(index)
        return None if came_us is None or told_us is None else max(came_us, told_us)

    def forget(self, oldest: int) -> None:
        """Frames before `oldest` are over."""
        for found in (self._came_us, self._told_us):
            for index in [index for index in found if index < oldest]:
                del found[index]
