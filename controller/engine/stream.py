"""One zone on air: its place in the mix, its numbering, its packets and who gets them."""

from codec.profile import Profile
from controller.engine.allowance import Asker
from controller.engine.authenticator import Signature
from controller.engine.history import History
from controller.engine.mediasocket import Media
from controller.engine.packetiser import Packetiser
from controller.engine.plan import Mapping, Zone

PENDING, SENDING, DRAINING = "pending", "sending", "draining"
_DTX_BYTES = 2
_COPIES_SHARE = 8
"""Of the lead: so long at most copies of a request come after one another, and _MOST_COPIES_US."""
_MOST_COPIES_US = 100_000
_SPARE_FRAMES = 2
"""A block is begun before its instant."""


class Stream:
    """The stream of `zone`, mixed in row `row`.

    state: PENDING until a source delivers, SENDING, DRAINING while the last frames are still to be played.
    wanted: a session names the zone. lead_us: what it is announced with. sounded_us: media time of the last block in
    which a source delivered. history: the packets that can still be in time when they are sent again.
    """

    def __init__(self, zone: Zone, row: int, mapping: Mapping, media: Media) -> None:
        self.zone = zone
        self.row = row
        self.ssrc = mapping.ssrc
        self.media0_us = mapping.media0_us
        self.lead_us = mapping.lead_us
        self.sounded_us = 0
        self.state = PENDING
        self.wanted = True
        self.priority = -1
        self.tail_blocks = 0
        self.end_us = 0
        self.history = History(
            max(mapping.lead_us, zone.profile.longest_lead_us) // zone.profile.frame_us + _SPARE_FRAMES
        )
        self._askers: dict[bytes, Asker] = {}
        self._packetiser = Packetiser(mapping.ssrc, zone.profile.frame_samples)
        self._packet = memoryview(self._packetiser.packet)
        self.fanout = media.fanout(self._packetiser.packet)

    @property
    def profile(self) -> Profile:
        """How the stream is coded."""
        return self.zone.profile

    def play_us(self, frame_index: int) -> int:
        """Return the media time at which members play a frame."""
        return self.media0_us + frame_index * self.profile.frame_us + self.lead_us

    @property
    def copies_us(self) -> int:
        """For so long after an answer a request is a copy of the one that was answered; the next one comes later."""
        return min(self.lead_us // _COPIES_SHARE, _MOST_COPIES_US)

    def asker(self, tag: bytes) -> Asker:
        """Return what a member has had again."""
        found = self._askers.get(tag)
        if found is None:
            found = self._askers[tag] = Asker(self.history)
        return found

    def carry(self, media_us: int, payload: memoryview, signature: Signature | None) -> None:
        """Send the frame at `media_us` to the members; a frame of silence that DTX left empty is not sent.

        Without a signature only plain receivers play it.
        """
        if self.profile.dtx and len(payload) <= _DTX_BYTES:
            self._packetiser.pause()
            return
        index = (media_us - self.media0_us) // self.profile.frame_us
        length = self._packetiser.pack(index, payload)
        if signature is not None:
            signature.put(self._packet[:length])
        self.fanout.send(length)
        self.history.keep(index, bytes(self._packet[:length]))

    def pause(self) -> None:
        """No frame is sent at this instant; the next one begins a talkspurt."""
        self._packetiser.pause()
