"""Attackers who take true frames away until their keys are told, and put the siren in their place."""

import time

from codec.wire import rtp, sync
from codec.wire.mac import KEY_BYTES, Mac
from codec.wire.tesla import Chain
from hil_sim.attacks.attack import Attack, Head, Inject, Plunder
from hil_sim.packets import TO_NODE

TAKEN_EVERY = 12
"""Frames. As few as repair mends: who takes more can silence, which nobody can keep him from."""
_TRIES = 3
"""So often, a frame apart, the siren is sent in the place of one frame."""
BEHIND_US = 40_000
"""How much earlier a node is to think that it is. More, and it would take the programme for one yet to come."""
_NS = 1000


class InPlace(Attack):
    """Keeps every twelfth frame from the node, and what the node gets when it asks for it again, until its key is told.

    By then he has sent the siren as that frame, with the right tag: a node that does not know that this is too late
    has nothing else. It is sent before the packet that tells the key comes.
    """

    def __init__(self, plunder: Plunder, inject: Inject) -> None:
        super().__init__(plunder, inject)
        self._chain = Chain(plunder.salt)
        self._free_ns: dict[int, int] = {}
        """By frame: until when it is kept from the node."""

    def on_audio(self, data: bytes, head: Head) -> None:
        profile = self.plunder.profile
        now_ns = time.monotonic_ns()
        if rtp.tag_kind(data) == rtp.BY_NODE_KEY:
            self.hold_ns = max(self._free_ns.get(head.index, 0) - now_ns, 0)
            return
        if head.index % TAKEN_EVERY == 0:
            self._free_ns[head.index] = now_ns + (profile.lag_us + profile.frame_us // 2) * _NS
            self.hold_ns = None
        key = data[rtp.KEY_AT : rtp.KEY_AT + rtp.KEY_BYTES]
        for index in range(head.index - profile.lag, head.index - profile.lag - _TRIES, -1):
            self._speak(head, index, key)  # as every frame: a node that is wrong about the time may refuse the true one
            key = self._chain.before(key)

    def _speak(self, head: Head, index: int, key: bytes) -> None:
        """Send the siren as the frame `index`, whose key is `key`."""
        packet = head.packet(next(self.siren), index - head.index)
        packet[rtp.KEY_AT : rtp.KEY_AT + rtp.KEY_BYTES] = self._chain.before(key, self.plunder.profile.lag)
        rtp.put_tag(packet, self._chain.tags(key))
        self.inject(bytes(packet))


class ForgedRtp(InPlace):
    """The siren in the programme's stream, with all that a listener on the path can know: keys that have been told."""

    def __init__(self, plunder: Plunder, inject: Inject) -> None:
        super().__init__(plunder, inject)
        self._made_up = plunder.seed.to_bytes(rtp.KEY_BYTES, "big")

    def on_audio(self, data: bytes, head: Head) -> None:
        lag = self.plunder.profile.lag
        # With keys of his own, before the true ones come: what is tagged by one is told some frames later.
        own = head.packet(next(self.siren))
        own[rtp.KEY_AT : rtp.KEY_AT + rtp.KEY_BYTES] = self._own_key(head.index - lag)
        rtp.put_tag(own, self._chain.tags(self._own_key(head.index)))
        self.inject(bytes(own))
        super().on_audio(data, head)
        told = data[rtp.KEY_AT : rtp.KEY_AT + rtp.KEY_BYTES]
        tags = self._chain.tags(told)
        for later in (0, 1, -lag, -lag + 1, 1 - 2 * lag, 50):
            packet = head.packet(next(self.siren), later)
            packet[rtp.KEY_AT : rtp.KEY_AT + rtp.KEY_BYTES] = told
            rtp.put_tag(packet, tags)  # genuine for an interval that is over, as `-lag` is
            self.inject(bytes(packet))
        self.inject(bytes(data[: rtp.HEADER_BYTES] + next(self.siren)))  # tag and key of the true one
        self.inject(bytes(head.packet(next(self.siren), ssrc=self.chance.getrandbits(32))))

    def _own_key(self, index: int) -> bytes:
        return Mac(self._made_up).digest(index.to_bytes(8, "big", signed=True))[: rtp.KEY_BYTES]


class TimeForgery(InPlace):
    """Answers to each request before the controller's: a little too early for the siren's sake, half a minute off, some
    with the true one's tag."""

    def __init__(self, plunder: Plunder, inject: Inject) -> None:
        super().__init__(plunder, inject)
        self._key = Mac(self.chance.randbytes(KEY_BYTES))
        self._last = b""
        self._ahead_us: int | None = None
        """Media time minus our own."""

    def on_time(self, direction: int, data: bytes) -> None:
        our_us = time.monotonic_ns() // _NS
        if direction == TO_NODE:
            *_, t3_us = sync.parse_reply(data)
            self._ahead_us = t3_us - our_us
            self._last = data
            moved = bytearray(data)
            moved[20:36] = self._moved(data)
            self.inject(bytes(moved))
            return
        if self._ahead_us is None:
            return
        for off_us in (-BEHIND_US, -30_000_000, 50_000, 30_000_000):
            media_us = our_us + self._ahead_us + off_us
            self.inject(bytes(sync.pack_reply(data, media_us, media_us + 50, self._key)))
        self.inject(self._last)

    def _moved(self, data: bytes) -> bytes:
        t2_us, t3_us = (int.from_bytes(data[at : at + 8], "big") for at in (20, 28))
        return b"".join((time_us + 30_000_000).to_bytes(8, "big") for time_us in (t2_us, t3_us))


class TimeDelay(InPlace):
    """Holds the controller's answers back: the node is to think that it is earlier by half of that."""

    def on_time(self, direction: int, data: bytes) -> None:
        if direction == TO_NODE:
            self.hold_ns = 2 * BEHIND_US * _NS
