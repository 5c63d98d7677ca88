"""What liars at the broker announce, and those on the path say then: a stream and a chain of their own.

Both know it before, so they need not speak to each other.
"""

from codec.profile import Profile
from codec.wire.announcement import PRIORITY_EMERGENCY, Stream
from codec.wire.chain import Anchor
from codec.wire.tesla import SALT_BYTES
from controller.engine.keys import SecretChain

SSRC = 0x5151
_LENGTH = 4096
"""Intervals: longer than any attack."""
_UNTIL = 1 << 52


def false_stream(profile: Profile, media0_us: int) -> Stream:
    """Return a stream beside the true one, with its indices, above it in priority."""
    return Stream(SSRC, profile.frame_us, media0_us, profile.lead_us, PRIORITY_EMERGENCY)


def false_chain(first: int) -> SecretChain:
    """Return a chain from the interval `first` on whose keys are all known to its maker."""
    return SecretChain.make(b"\x51" * SALT_BYTES, b"\x15" * 16, first, _LENGTH)


def false_anchor(keys: SecretChain) -> Anchor:
    """Return how it is offered as the chain after the present one."""
    return Anchor(keys.salt, keys.first - 1, keys.key(keys.first - 1), _UNTIL)
