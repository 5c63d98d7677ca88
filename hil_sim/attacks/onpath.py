"""Attackers on the path: they run in the network's process, which tells them of each datagram as it enters."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from codec.profile import PROFILES, Profile
from codec.wire import nack, rtp, sync
from codec.wire.errors import WireError
from codec.wire.mac import KEY_BYTES, Mac, derive
from codec.wire.tesla import Chain
from hil_sim.attacks.malformed import malformed_datagrams
from hil_sim.attacks.siren import siren_frames
from hil_sim.packets import TO_NODE

Inject = Callable[[bytes], None]
"""Delivers a datagram to the node at once, as if from the controller."""

FLOOD = 10
"""Made-up packets for each true one."""
DELAY_NS = 150_000_000
REPLAY_AFTER = 100
"""Packets: two seconds of a programme."""


@dataclass(frozen=True)
class Plunder:
    """What an attacker has. profile: of the zone. keys: of stolen nodes, by name. salt: of the zone's chain, which all
    nodes know. earlier: packets that were heard before, of this broadcast and of one that is over."""

    profile: Profile
    seed: int
    keys: dict[str, bytes]
    salt: bytes
    earlier: list[bytes]


class Attack:
    """One attack on one node's line."""

    def __init__(self, plunder: Plunder, inject: Inject) -> None:
        self.plunder = plunder
        self.inject = inject
        self.chance = random.Random(plunder.seed)
        self.siren: Iterator[bytes] = siren_frames(plunder.profile)

    def seen(self, direction: int, data: bytes) -> None:
        """A datagram enters the line."""
        if direction == TO_NODE and rtp.is_rtp(data) and not nack.is_nack(data):
            try:
                ssrc, index, timestamp, _, kind, marker, _, _ = rtp.parse(data)
            except WireError:
                return
            if index is not None:
                self.on_audio(data, Head(ssrc, index, timestamp, kind, marker))
        elif sync.is_sync(data):
            self.on_time(direction, data)

    def on_audio(self, data: bytes, head: "Head") -> None:
        """A packet of the programme is on its way."""

    def on_time(self, direction: int, data: bytes) -> None:
        """A time exchange is on its way."""

    def hold_ns(self, direction: int, data: bytes) -> int:
        """Return for how long a datagram is held back."""
        del direction, data
        return 0


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


class ForgedRtp(Attack):
    """The siren in the programme's stream, with all that a listener on the path can know: keys that have been told."""

    def on_audio(self, data: bytes, head: Head) -> None:
        told = data[rtp.KEY_AT : rtp.KEY_AT + rtp.KEY_BYTES]
        tags = Chain(self.plunder.salt).tags(told)
        lag = self.plunder.profile.lag
        for later in (0, 1, -lag, -lag + 1, 1 - 2 * lag, 50):
            packet = head.packet(next(self.siren), later)
            packet[rtp.KEY_AT : rtp.KEY_AT + rtp.KEY_BYTES] = told
            rtp.put_tag(packet, tags)  # genuine for an interval that is over, as `-lag` is
            self.inject(bytes(packet))
        bare = head.packet(next(self.siren))
        bare[rtp.TAG_AT : rtp.TAG_AT + rtp.TAG_BYTES] = self.chance.randbytes(rtp.TAG_BYTES)
        self.inject(bytes(bare))
        self.inject(bytes(data[: rtp.HEADER_BYTES] + next(self.siren)))  # tag and key of the true one
        self.inject(bytes(head.packet(next(self.siren), ssrc=self.chance.getrandbits(32))))


class BitFlip(Attack):
    """Each packet again, before itself, with a few bits changed."""

    def on_audio(self, data: bytes, head: Head) -> None:
        del head
        for _ in range(4):
            damaged = bytearray(data)
            for _ in range(self.chance.choice((1, 2, 8))):
                bit = self.chance.randrange(8 * len(damaged))
                damaged[bit >> 3] ^= 1 << (bit & 7)
            self.inject(bytes(damaged))


class Replay(Attack):
    """Packets of this broadcast two seconds later, and those of one that is over."""

    def __init__(self, plunder: Plunder, inject: Inject) -> None:
        super().__init__(plunder, inject)
        self._heard: list[bytes] = []
        self._earlier = iter(plunder.earlier)

    def on_audio(self, data: bytes, head: Head) -> None:
        del head
        self._heard.append(data)
        if len(self._heard) > REPLAY_AFTER:
            self.inject(self._heard[-REPLAY_AFTER])
            self.inject(self._heard[0])
        earlier = next(self._earlier, None)
        if earlier is not None:
            self.inject(earlier)
            # The same sound in the stream that is on air, tag and all.
            moved = bytearray(earlier)
            moved[8:12] = data[8:12]
            self.inject(bytes(moved))


class StolenNode(Attack):
    """The siren with every secret of other nodes: keys that make tags, and time, that those would believe."""

    def on_audio(self, data: bytes, head: Head) -> None:
        for key in self.plunder.keys.values():
            again = head.packet(next(self.siren))
            again[rtp.KEY_AT : rtp.KEY_AT + rtp.KEY_BYTES] = data[rtp.KEY_AT : rtp.KEY_AT + rtp.KEY_BYTES]
            for purpose in ("audio", "command", "time", "broker"):
                rtp.put_tag(again, Mac(derive(key, purpose)), rtp.BY_NODE_KEY)
                self.inject(bytes(again))
                rtp.put_tag(again, Mac(derive(key, purpose)))
                self.inject(bytes(again))

    def on_time(self, direction: int, data: bytes) -> None:
        if direction != TO_NODE:
            for key in self.plunder.keys.values():
                self.inject(_false_reply(data, Mac(derive(key, "time")), 30_000_000))


class TimeForgery(Attack):
    """Answers to each request before the controller's, half a minute off, some with the true one's tag."""

    def __init__(self, plunder: Plunder, inject: Inject) -> None:
        super().__init__(plunder, inject)
        self._key = Mac(self.chance.randbytes(KEY_BYTES))
        self._last = b""

    def on_time(self, direction: int, data: bytes) -> None:
        if direction == TO_NODE:
            self._last = data
            moved = bytearray(data)
            moved[20:36] = self._moved(data)
            self.inject(bytes(moved))
            return
        for off_us in (-30_000_000, -50_000, 50_000, 30_000_000):
            self.inject(_false_reply(data, self._key, off_us))
        if self._last:
            self.inject(self._last)

    def _moved(self, data: bytes) -> bytes:
        t2_us, t3_us = (int.from_bytes(data[at : at + 8], "big") for at in (20, 28))
        return b"".join((time_us + 30_000_000).to_bytes(8, "big") for time_us in (t2_us, t3_us))


class TimeDelay(Attack):
    """Holds the controller's answers back, and nothing else: the node is to think that it is earlier."""

    def hold_ns(self, direction: int, data: bytes) -> int:
        return DELAY_NS if direction == TO_NODE and sync.is_sync(data) else 0


class Flood(Attack):
    """Ten packets for each true one: garbage, damage, and the siren at every index that a node may be waiting for."""

    def on_audio(self, data: bytes, head: Head) -> None:
        garbage = malformed_datagrams(self.chance.getrandbits(32))
        for number in range(FLOOD):
            if number % 5 == 4:
                self.inject(self.chance.choice(garbage))
                continue
            packet = head.packet(next(self.siren), later=-(number % 3))
            packet[rtp.KEY_AT : rtp.KEY_AT + rtp.KEY_BYTES] = data[rtp.KEY_AT : rtp.KEY_AT + rtp.KEY_BYTES]
            packet[rtp.TAG_AT : rtp.TAG_AT + rtp.TAG_BYTES] = self.chance.randbytes(rtp.TAG_BYTES)
            self.inject(bytes(packet))


def _false_reply(request: bytes, key: Mac, off_us: int) -> bytes:
    """Return an answer to a request by one whose clock is off by so much from what the node echoes, or from zero."""
    *_, echo_us = sync.parse_request(request)
    now_us = max(echo_us + off_us, 1)
    return bytes(sync.pack_reply(request, now_us, now_us + 50, key))


ATTACKS: dict[str, type[Attack]] = {
    "forged_rtp": ForgedRtp,
    "bit_flip": BitFlip,
    "replay": Replay,
    "stolen_node": StolenNode,
    "time_forgery": TimeForgery,
    "time_delay": TimeDelay,
    "flood": Flood,
}


def plunder_of(message: dict[str, object], earlier: list[bytes]) -> Plunder:
    """Return what the order to attack gives (:meth:`hil_sim.network.Network.attack`), and what was heard `earlier`."""
    keys = message["keys"]
    assert isinstance(keys, dict)
    return Plunder(
        profile=PROFILES[str(message["profile"])],
        seed=int(str(message["seed"])),
        keys={name: bytes.fromhex(key) for name, key in keys.items()},
        salt=bytes.fromhex(str(message["salt"])),
        earlier=earlier,
    )
