"""Payloads to RTP packets of one stream, in memory that stays where it is."""

from codec.wire import rtp


class Packetiser:
    """Builds the packets of the stream `ssrc` in `packet`; frames have `frame_samples` samples.

    The timestamp's offset is the SSRC: constant for the stream, and known again after a crash (RFC 3550
    section 5.1 wants it unpredictable, which a random SSRC is).
    """

    def __init__(self, ssrc: int, frame_samples: int) -> None:
        self.ssrc = ssrc
        self.packet = bytearray(rtp.MAX_PACKET_BYTES)
        self._frame_samples = frame_samples
        self._talking = False

    def pack(self, frame_index: int, payload: memoryview) -> int:
        """Write the packet of one frame; return its length. The marker tells the first one after silence."""
        rtp.pack_header(
            self.packet,
            0,
            not self._talking,
            rtp.PAYLOAD_TYPE_OPUS,
            frame_index,
            self.ssrc + frame_index * self._frame_samples,
            self.ssrc,
        )
        end = rtp.HEADER_BYTES + len(payload)
        self.packet[rtp.HEADER_BYTES : end] = payload
        self._talking = True
        return end

    def pause(self) -> None:
        """Frames of silence are not sent; the next packet begins a talkspurt."""
        self._talking = False
