"""What every attacker on the path has, sees and can do."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from codec.profile import Profile
from codec.wire import nack, rtp, sync
from codec.wire.errors import WireError
from hil_sim.attacks.siren import siren_frames
from hil_sim.packets import TO_NODE

Inject = Callable[[bytes], None]
"""Delivers a datagram to the node at once, as if from the controller."""


@dataclass(frozen=True)
class Plunder:
    """What an attacker has. profile: of the zone. keys: of stolen nodes, by name. salt: of the zone's chain, which all
    nodes know. media0_us: of the stream on air. first: the first interval of the chain that liars offer.

    earlier: packets that were heard before, of this broadcast and of one that is over.
    """

    profile: Profile
    seed: int
    keys: dict[str, bytes]
    salt: bytes
    media0_us: int
    first: int
    earlier: list[bytes]


@dataclass(frozen=True)
class Head:
    """The header of a packet."""

    ssrc: int
    index: int
    timestamp: int
    payload_type: int
    marker: bool

    def packet(self, payload: bytes, later: int = 0, ssrc: int | None = None) -> bytearray:
        """Return a packet like it with another payload, `later` frames away, without a tag."""
        made = bytearray(rtp.HEADER_BYTES + len(payload))
        index = max(self.index + later, 0)
        rtp.pack_header(
            made, 0, self.marker, self.payload_type, index, self.timestamp, self.ssrc if ssrc is None else ssrc
        )
        made[rtp.HEADER_BYTES :] = payload
        return made


class Attack:
    """One attack on one node's line.

    hold_ns: for how long what was seen last is held back; None: it never comes.
    """

    def __init__(self, plunder: Plunder, inject: Inject) -> None:
        self.plunder = plunder
        self.inject = inject
        self.chance = random.Random(plunder.seed)
        self.siren: Iterator[bytes] = siren_frames(plunder.profile)
        self.hold_ns: int | None = 0

    def seen(self, direction: int, data: bytes) -> None:
        """A datagram enters the line."""
        self.hold_ns = 0
        if direction == TO_NODE and rtp.is_rtp(data) and not nack.is_nack(data):
            try:
                ssrc, index, timestamp, _, kind, marker, _, _ = rtp.parse(data)
            except WireError:
                return
            if index is not None:
                self.on_audio(data, Head(ssrc, index, timestamp, kind, marker))
        elif sync.is_sync(data):
            self.on_time(direction, data)

    def on_audio(self, data: bytes, head: Head) -> None:
        """A packet of the programme is on its way."""

    def on_time(self, direction: int, data: bytes) -> None:
        """A time exchange is on its way."""
