"""How long a node waits for a frame (firmware/node/player.py)."""

from codec.profile import Profile

_LOW_LEAD_US = 120_000
_US, _LOW_US = 90_000, 36_000


def given_up_us(profile: Profile) -> int:
    """Return how long before its instant a node may give up a frame: 50 ms, 25 where the lead is short, and a turn.

    A packet that comes earlier than this is not late for any node.
    """
    return _LOW_US if profile.lead_us < _LOW_LEAD_US else _US
