"""Sends frames again to members that ask for them (RFC 4585, in the spirit of RFC 4588), as long as that helps.

Anyone can write a NACK. So it must name a member and come from where this member's time exchanges come from; and
what is sent for it goes there alone, bounded for each member by a share of the stream and for all of them by a rate.
It comes after its key was told, so it bears the tag of the member's own key in place of the stream's.
"""

from collections.abc import Callable, Iterable

from codec.wire import nack, rtp
from codec.wire.errors import WireError
from codec.wire.mac import Mac, derive
from controller.engine.allowance import Allowance
from controller.engine.mediaclock import MediaClock
from controller.engine.mediasocket import Media
from controller.engine.plan import Address, Member, Zone
from controller.engine.stream import Stream

TOTAL_A_SECOND = 4000
"""Packets again a second to all members: what a thousand of them lose at 8 %, for a tenth of a core."""
TOTAL_BURST = 128
"""Packets again at once to all members: two to four milliseconds of the loop that drives the blocks."""
_TAG_BYTES = 4


class Retransmitter:
    """Answers NACKs by `media`.

    find: the stream of an SSRC, or None. where: the address that a member's time exchanges come from, or None.
    asked: frames asked for; a datagram that cannot be read counts as one. copies, retransmitted, refused: of these,
    those asked for a moment before already, sent again, and not.
    """

    def __init__(
        self,
        media: Media,
        clock: MediaClock,
        find: Callable[[int], Stream | None],
        where: Callable[[bytes], Address | None],
    ) -> None:
        self.asked = 0
        self.retransmitted = 0
        self.copies = 0
        self._media = media
        self._clock = clock
        self._find = find
        self._where = where
        self._tags: dict[str, dict[bytes, list[Member]]] = {}
        self._keys: dict[bytes, tuple[bytes, Mac]] = {}
        self._total = Allowance(TOTAL_A_SECOND / 1e6, TOTAL_BURST, clock.now_us())

    @property
    def refused(self) -> int:
        """Frames asked for that were not sent again."""
        return self.asked - self.retransmitted - self.copies

    def set_zones(self, zones: Iterable[Zone]) -> None:
        """Answer members of these zones only."""
        self._tags = {zone.id: _by_head(zone) for zone in zones}
        present = {member.tag for heads in self._tags.values() for found in heads.values() for member in found}
        self._keys = {tag: key for tag, key in self._keys.items() if tag in present}

    def on_nack(self, data: bytes, arrival_ns: int, address: Address) -> None:
        """Answer a datagram that came from `address`."""
        del arrival_ns  # what counts is whether the answer comes in time
        try:
            head, ssrc, sequences = nack.parse(data)
        except WireError:
            self.asked += 1
            return
        self.asked += len(sequences)
        stream = self._find(ssrc)
        if stream is None:
            return
        for member in self._tags.get(stream.zone.id, {}).get(head, ()):
            if self._where(member.tag) == address:
                self._send(stream, member, sequences, address)
                return

    def _send(self, stream: Stream, member: Member, sequences: list[int], address: Address) -> None:
        asker = stream.asker(member.tag)
        key = self._key(member)
        now_us = self._clock.now_us()
        for sequence in sequences:
            found = stream.history.find(sequence)
            if found is None:
                continue
            index, packet = found
            if stream.play_us(index) <= now_us:
                continue
            if asker.has_had(index, now_us - stream.copies_us):
                self.copies += 1
                continue
            if not self._total.has(now_us):
                return
            if not asker.take(index, now_us):
                continue
            self._total.take()
            again = bytearray(packet)
            rtp.put_tag(again, key, rtp.BY_NODE_KEY)
            try:
                self._media.sendto(again, address)
            except OSError:  # the buffer is full, or there is no way to the node: more would not come through either
                return
            self.retransmitted += 1

    def _key(self, member: Member) -> Mac:
        known = self._keys.get(member.tag)
        if known is None or known[0] != member.key:
            known = self._keys[member.tag] = member.key, Mac(derive(member.key, "audio"))
        return known[1]


def _by_head(zone: Zone) -> dict[bytes, list[Member]]:
    """Return a zone's nodes by the first bytes of their tags, which two may share."""
    found: dict[bytes, list[Member]] = {}
    for member in zone.members:
        if not member.fixed:
            found.setdefault(member.tag[:_TAG_BYTES], []).append(member)
    return found
