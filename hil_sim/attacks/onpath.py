"""Attackers on the path: they run in the network's process, which tells them of each datagram as it enters."""

from codec.profile import PROFILES
from codec.wire import rtp, sync
from codec.wire.mac import Mac, derive
from codec.wire.tesla import Chain
from hil_sim.attacks.attack import Attack, Head, Inject, Plunder
from hil_sim.attacks.falsehood import SSRC, false_chain
from hil_sim.attacks.inplace import ForgedRtp, TimeDelay, TimeForgery
from hil_sim.attacks.malformed import malformed_datagrams
from hil_sim.packets import TO_NODE

FLOOD = 10
"""Made-up packets for each true one."""
REPLAY_AFTER = 100
"""Packets: two seconds of a programme."""


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


class Announced(Attack):
    """The siren as those at the broker announce it: in a stream of its own, with tags of keys that were told; and in
    the programme's stream, in time, with those of the chain that they offer as the next one."""

    def __init__(self, plunder: Plunder, inject: Inject) -> None:
        super().__init__(plunder, inject)
        self._chain = Chain(plunder.salt)
        self._false = false_chain(plunder.first)
        self._false_chain = Chain(self._false.salt)

    def on_audio(self, data: bytes, head: Head) -> None:
        profile = self.plunder.profile
        told = data[rtp.KEY_AT : rtp.KEY_AT + rtp.KEY_BYTES]
        late = head.packet(next(self.siren), -profile.lag, SSRC)
        late[rtp.KEY_AT : rtp.KEY_AT + rtp.KEY_BYTES] = self._chain.before(told, profile.lag)
        rtp.put_tag(late, self._chain.tags(told))
        self.inject(bytes(late))
        interval = profile.terms.interval(self.plunder.media0_us + head.index * profile.frame_us)
        if self._false.first <= interval - profile.lag and interval <= self._false.last:
            early = head.packet(next(self.siren))
            early[rtp.KEY_AT : rtp.KEY_AT + rtp.KEY_BYTES] = self._false.key(interval - profile.lag)
            rtp.put_tag(early, self._false_chain.tags(self._false.key(interval)))
            self.inject(bytes(early))


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
    "lying_broker": Announced,
    "rogue_client": Announced,
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
        media0_us=int(str(message["media0_us"])),
        first=int(str(message["first"])),
        earlier=earlier,
    )
