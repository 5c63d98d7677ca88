"""Answers time exchanges, and learns from them where nodes are.

Only tags of the plan are answered: to anyone else the socket is silent, and a reply is as long as its
request, so nothing is amplified. A node's address is where its last request came from, which is the way back
through its NAT.
"""

from collections.abc import Callable, Iterable

from codec.wire import sync
from codec.wire.errors import WireError
from controller.engine.allowance import Allowance
from controller.engine.mediaclock import MediaClock
from controller.engine.mediasocket import Media
from controller.engine.plan import Address

ANSWERS_A_SECOND = 20_000
"""A quarter of a core: when a thousand nodes boot at once each of them asks 150 times a second, and the sound goes
first."""
ANSWERS_AT_ONCE = 1024
OF_ONE_A_SECOND = 300
OF_ONE_AT_ONCE = 64
"""Tags are no secret: who floods with one of them must not take the answers of all others."""
ADDRESS_HOLD_NS = 1_000_000_000
"""An address is changed at most once a second: a forger cannot make the controller write a log of his."""


class TimeService:
    """Answers by `media`. `on_member` hears of each tag whose address is new."""

    def __init__(self, media: Media, clock: MediaClock, on_member: Callable[[bytes, Address], None]) -> None:
        self.answered = 0
        self.ignored = 0
        self._socket = media
        self._clock = clock
        self._on_member = on_member
        self._addresses: dict[bytes, Address | None] = {}
        self._changed_ns: dict[bytes, int] = {}
        self._of_one: dict[bytes, Allowance] = {}
        self._allowance = Allowance(ANSWERS_A_SECOND / 1e9, ANSWERS_AT_ONCE, 0)

    def set_members(self, members: Iterable[tuple[bytes, Address | None]]) -> None:
        """Answer these tags only; an address that was learned here is newer than the one that is given."""
        known = self._addresses
        self._addresses = {tag: known.get(tag) or address for tag, address in members}
        self._changed_ns = {tag: at for tag, at in self._changed_ns.items() if tag in self._addresses}
        self._of_one = {tag: left for tag, left in self._of_one.items() if tag in self._addresses}

    def address(self, tag: bytes) -> Address | None:
        """Return where a node is, as far as known."""
        return self._addresses.get(tag)

    def on_request(self, data: bytes, arrival_ns: int, address: Address) -> None:
        """Answer a datagram that came from `address` at `arrival_ns` of CLOCK_MONOTONIC."""
        try:
            _, tag, _ = sync.parse_request(data)
        except WireError:
            self.ignored += 1
            return
        if tag not in self._addresses or not self._may(tag, arrival_ns):
            self.ignored += 1
            return
        t2_us = self._clock.media_us(arrival_ns)
        try:
            reply = sync.pack_reply(data, t2_us, max(t2_us, self._clock.now_us()))
            self._socket.sendto(reply, address)
            self.answered += 1
        except OSError:
            self.ignored += 1
            return
        self._learn(tag, address, arrival_ns)

    def _may(self, tag: bytes, now_ns: int) -> bool:
        of_one = self._of_one.get(tag)
        if of_one is None:
            of_one = self._of_one[tag] = Allowance(OF_ONE_A_SECOND / 1e9, OF_ONE_AT_ONCE, now_ns)
        if not of_one.has(now_ns) or not self._allowance.has(now_ns):
            return False
        of_one.take()
        self._allowance.take()
        return True

    def _learn(self, tag: bytes, address: Address, now_ns: int) -> None:
        known = self._addresses[tag]
        if known == address or (
            known is not None and now_ns - self._changed_ns.get(tag, -ADDRESS_HOLD_NS) < ADDRESS_HOLD_NS
        ):
            return
        self._addresses[tag] = address
        self._changed_ns[tag] = now_ns
        self._on_member(tag, address)
