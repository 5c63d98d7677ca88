"""Answers time exchanges, and learns from them where nodes are.

Only nodes of the plan are answered, by their keys: to anyone else the socket is silent, and a reply is as long as its
request, so nothing is amplified. A node's address is where a request came from that echoes what was sent there: that is
the way back through its NAT, and whoever repeats an old request from elsewhere cannot have it.
"""

import collections
from collections.abc import Callable, Iterable

from codec.wire import sync
from codec.wire.errors import WireError
from codec.wire.mac import Mac, derive
from controller.engine.allowance import Allowance
from controller.engine.mediaclock import MediaClock
from controller.engine.mediasocket import Media
from controller.engine.plan import Address, Member

ANSWERS_A_SECOND = 20_000
"""A quarter of a core: when a thousand nodes boot at once each of them asks 150 times a second, and the sound goes
first."""
ANSWERS_AT_ONCE = 1024
OF_ONE_A_SECOND = 300
OF_ONE_AT_ONCE = 64
"""Tags are no secret: who floods with one of them must not take the answers of all others."""
ADDRESS_HOLD_NS = 1_000_000_000
"""An address is changed at most once a second: a node that flaps cannot make the controller write a log of it."""
OFFERS = 16
"""Replies to a new address that may still be echoed: a burst and what follows it."""


class _Node:
    """What is known of one node. offered: where replies went that no request has echoed yet, and their t3."""

    def __init__(self, key: bytes, address: Address | None) -> None:
        self.key = key
        self.mac = Mac(derive(key, "time"))
        self.address = address
        self.changed_ns = -ADDRESS_HOLD_NS
        self.allowance: Allowance | None = None
        self.offered: tuple[Address, collections.deque[int]] | None = None


class TimeService:
    """Answers by `media`. `on_member` hears of each tag whose address is new. forged: requests with a wrong tag."""

    def __init__(self, media: Media, clock: MediaClock, on_member: Callable[[bytes, Address], None]) -> None:
        self.answered = 0
        self.ignored = 0
        self.forged = 0
        self._socket = media
        self._clock = clock
        self._on_member = on_member
        self._nodes: dict[bytes, _Node] = {}
        self._allowance = Allowance(ANSWERS_A_SECOND / 1e9, ANSWERS_AT_ONCE, 0)

    def set_members(self, members: Iterable[Member]) -> None:
        """Answer these only; an address that was learned here is newer than the one that is given."""
        found = {}
        for member in members:
            known = self._nodes.get(member.tag)
            if known is None or known.key != member.key:
                known = _Node(member.key, member.address)
            known.address = known.address or member.address
            found[member.tag] = known
        self._nodes = found

    def address(self, tag: bytes) -> Address | None:
        """Return where a node is, as far as known."""
        node = self._nodes.get(tag)
        return node.address if node else None

    def on_request(self, data: bytes, arrival_ns: int, address: Address) -> None:
        """Answer a datagram that came from `address` at `arrival_ns` of CLOCK_MONOTONIC."""
        try:
            _, tag, _, echo_us = sync.parse_request(data)
        except WireError:
            self.ignored += 1
            return
        node = self._nodes.get(tag)
        if node is None:
            self.ignored += 1
            return
        if not sync.genuine(data, node.mac):
            self.forged += 1
            return
        if not self._may(node, arrival_ns):
            self.ignored += 1
            return
        t2_us = self._clock.media_us(arrival_ns)
        t3_us = max(t2_us, self._clock.now_us())
        try:
            self._socket.sendto(sync.pack_reply(data, t2_us, t3_us, node.mac), address)
            self.answered += 1
        except OSError:
            self.ignored += 1
            return
        if node.address != address:
            self._learn(tag, node, address, echo_us, t3_us, arrival_ns)

    def _may(self, node: _Node, now_ns: int) -> bool:
        if node.allowance is None:
            node.allowance = Allowance(OF_ONE_A_SECOND / 1e9, OF_ONE_AT_ONCE, now_ns)
        if not node.allowance.has(now_ns) or not self._allowance.has(now_ns):
            return False
        node.allowance.take()
        self._allowance.take()
        return True

    def _learn(self, tag: bytes, node: _Node, address: Address, echo_us: int, t3_us: int, now_ns: int) -> None:
        if node.address is not None and now_ns - node.changed_ns < ADDRESS_HOLD_NS:
            return
        if node.offered is None or node.offered[0] != address:
            node.offered = address, collections.deque(maxlen=OFFERS)
        # Exactly one that went there: newer replies, which the node has had elsewhere, prove nothing of this place.
        if echo_us not in node.offered[1]:
            node.offered[1].append(t3_us)
            return
        node.offered = None
        node.address = address
        node.changed_ns = now_ns
        self._on_member(tag, address)
