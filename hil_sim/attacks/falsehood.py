"""What liars at the broker announce, and those on the path say then: a stream and a chain of their own.

Both know it before, so they need not speak to each other.
"""

from dataclasses import dataclass
from functools import lru_cache

from codec.profile import Profile
from codec.wire.announcement import PRIORITY_EMERGENCY, Stream
from codec.wire.chain import Anchor
from codec.wire.tesla import KEY_BYTES, SALT_BYTES, Chain

SSRC = 0x5151
_LENGTH = 2048
"""Intervals: longer than any attack."""
_UNTIL = 1 << 52


def false_stream(profile: Profile, media0_us: int) -> Stream:
    """Return a stream beside the true one, with its indices, above it in priority."""
    return Stream(SSRC, profile.frame_us, media0_us, profile.lead_us, PRIORITY_EMERGENCY)


@dataclass(frozen=True)
class FalseChain:
    """A chain from the interval `first` on whose keys are all known to its maker; keys: each of them."""

    salt: bytes
    first: int
    keys: tuple[bytes, ...]

    @property
    def last(self) -> int:
        """The last interval."""
        return self.first + len(self.keys) - 1

    def key(self, interval: int) -> bytes:
        """Return the key of an interval from `first` to `last`."""
        return self.keys[interval - self.first]

    def anchor(self) -> Anchor:
        """Return how it is offered as the chain after the present one."""
        return Anchor(self.salt, self.first - 1, Chain(self.salt).before(self.keys[0]), _UNTIL)


@lru_cache
def false_chain(first: int) -> FalseChain:
    """Return the liars' chain from the interval `first` on."""
    salt, keys = b"\x51" * SALT_BYTES, [b"\x15" * KEY_BYTES]
    step = Chain(salt)
    for _ in range(_LENGTH - 1):
        keys.append(step.before(keys[-1]))
    return FalseChain(salt, first, tuple(reversed(keys)))
