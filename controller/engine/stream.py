"""One zone on air: its place in the mix, its numbering, its packets and who gets them."""

from codec.profile import Profile
from controller.engine.mediasocket import Media
from controller.engine.packetiser import Packetiser
from controller.engine.plan import Mapping, Zone

PENDING, SENDING, DRAINING = "pending", "sending", "draining"
_DTX_BYTES = 2


class Stream:
    """The stream of `zone`, mixed in row `row`.

    state: PENDING until a source delivers, SENDING, DRAINING while the last frames are still to be played.
    wanted: a session names the zone.
    """

    def __init__(self, zone: Zone, row: int, mapping: Mapping, media: Media) -> None:
        self.zone = zone
        self.row = row
        self.ssrc = mapping.ssrc
        self.media0_us = mapping.media0_us
        self.state = PENDING
        self.wanted = True
        self.priority = -1
        self.tail_blocks = 0
        self.end_us = 0
        self._packetiser = Packetiser(mapping.ssrc, zone.profile.frame_samples)
        self.fanout = media.fanout(self._packetiser.packet)

    @property
    def profile(self) -> Profile:
        """How the stream is coded."""
        return self.zone.profile

    def carry(self, media_us: int, payload: memoryview) -> None:
        """Send the frame at `media_us` to the members; a frame of silence that DTX left empty is not sent."""
        if self.profile.dtx and len(payload) <= _DTX_BYTES:
            self._packetiser.pause()
            return
        length = self._packetiser.pack((media_us - self.media0_us) // self.profile.frame_us, payload)
        self.fanout.send(length)

    def pause(self) -> None:
        """No frame is sent at this instant; the next one begins a talkspurt."""
        self._packetiser.pause()
