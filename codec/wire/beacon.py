"""What the leader of a village says twice a second to its neighbours' multicast group.

It tells how to read the media time off the leader's own counter, which the others learn to read by time exchanges with
it (:mod:`codec.wire.sync`). A counter runs evenly, so it can be learned well; what the leader thinks of the media clock
may wander, and then wanders for all alike.

     0               1               2               3
    +---------------+---------------+-------------------------------+
    | 0x4C ('L')    | type 3        |             term              |
    +---------------+---------------+-------------------------------+
    |                     node tag (64 bits)                        |
    +---------------------------------------------------------------+
    |   leader's local microseconds at sending (64 bits)            |
    +---------------------------------------------------------------+
    |   media microseconds that the village plays by then (64 bits) |
    +---------------------------------------------------------------+
    |   drift: media faster than local, parts per 10^9 (signed)     |
    +---------------------------------------------------------------+
    |   rest: media microseconds still to be gained (signed)        |
    +---------------------------------------------------------------+
    |   uncertainty of local + rest as media, microseconds          |
    +---------------------------------------------------------------+
    |   tag (128 bits) of the 40 bytes before it                    |
    +---------------------------------------------------------------+

The tag is under a key that the zone's nodes share, and is that of their time exchanges with the leader too.
`term` is drawn when a node begins to lead. From `local` on, `rest` is gained at 1 us in :data:`SLEW` us.
"""

import struct

from .errors import WireError
from .mac import Mac, same
from .sync import MAGIC

SIZE = 56
BEACON = 3
PERIOD_US = 500000
SLEW = 2000
MAX_REST_US = 100000
"""More is another place, not another rate: it is stepped over."""
MAX_DRIFT_PPB = 1000000
MAX_UNCERTAINTY_US = 1000000
_TAG_BYTES = 16
_TAGGED = SIZE - _TAG_BYTES
_FORMAT = ">BBH8sqqiiI"


class Beacon:
    """One beacon; the names are those of the diagram above.

    term: 16 bits. tag: 8 bytes. local_us: the leader's. media_us, drift_ppb, rest_us: what media time it stands for.
    uncertainty_us: how far media time can be off once the rest is gained.
    """

    def __init__(
        self, term: int, tag: bytes, local_us: int, media_us: int, drift_ppb: int, rest_us: int, uncertainty_us: int
    ) -> None:
        self.term = term
        self.tag = tag
        self.local_us = local_us
        self.media_us = media_us
        self.drift_ppb = drift_ppb
        self.rest_us = rest_us
        self.uncertainty_us = uncertainty_us

    def media_at(self, local_us: int) -> int:
        """Return the media microseconds that the village plays by when the leader's counter shows `local_us`."""
        return self.aim_at(local_us) - self.left_at(local_us)

    def aim_at(self, local_us: int) -> int:
        """Return the same with the rest gained: what the leader itself takes for media time."""
        elapsed_us = local_us - self.local_us
        return self.media_us + elapsed_us + elapsed_us * self.drift_ppb // 1000000000 + self.rest_us

    def left_at(self, local_us: int) -> int:
        """Return what is left of the rest then, microseconds."""
        return self.rest_us - slewed(self.rest_us, local_us - self.local_us)


def slewed(rest_us: int, elapsed_us: int, slew: int = SLEW) -> int:
    """Return how many of `rest_us` are gained after `elapsed_us` at 1 us in `slew` us."""
    most_us = max(elapsed_us // slew, 0)
    return max(-most_us, min(rest_us, most_us))


def pack(beacon: Beacon, key: Mac) -> bytes:
    """Return the 56 bytes of a Beacon, tagged under `key`."""
    head = struct.pack(
        _FORMAT,
        MAGIC,
        BEACON,
        beacon.term,
        beacon.tag,
        beacon.local_us,
        beacon.media_us,
        beacon.drift_ppb,
        beacon.rest_us,
        beacon.uncertainty_us,
    )
    return head + key.digest(head)[:_TAG_BYTES]


def genuine(data: bytes, key: Mac) -> bool:
    """True when a beacon that was parsed bears the tag of `key`."""
    view = memoryview(data)
    return same(view[_TAGGED:], key.digest(view[:_TAGGED])[:_TAG_BYTES])


def parse(data: bytes) -> Beacon:
    """Return the Beacon in `data`, whose tag is not checked; raises WireError."""
    if len(data) != SIZE:
        raise WireError("beacon is not 56 bytes")
    magic, kind, term, tag, local_us, media_us, drift_ppb, rest_us, uncertainty_us = struct.unpack_from(_FORMAT, data)
    if magic != MAGIC or kind != BEACON:
        raise WireError("not a beacon")
    if local_us < 0 or media_us < 0:
        raise WireError("negative time")
    if not -MAX_DRIFT_PPB <= drift_ppb <= MAX_DRIFT_PPB:
        raise WireError("drift of no crystal")
    if not -MAX_REST_US <= rest_us <= MAX_REST_US:
        raise WireError("rest longer than 100 ms")
    if uncertainty_us > MAX_UNCERTAINTY_US:
        raise WireError("uncertainty of more than 1 s")
    return Beacon(term, tag, local_us, media_us, drift_ppb, rest_us, uncertainty_us)
