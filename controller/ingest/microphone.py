"""A microphone by WebRTC (WHIP, RFC 9725): one peer connection, of which only the audio is taken.

ICE, DTLS and SRTP are aiortc's; the RTP that comes out goes the same way as other equipment's: put into order,
decoded with what is lost restored or concealed, written as it comes. aiortc's own way holds five packets back before
it decodes the first.
"""

import asyncio
import contextlib
import struct
import time
from dataclasses import asdict

from aiortc import (
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpReceiver,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.exceptions import OperationError
from aiortc.rtcrtpreceiver import StreamStatistics
from aiortc.rtp import RtpPacket

from .errors import IngestError
from .output import Output, OutputClosedError, Samples
from .report import Report
from .rtp_payload import OpusDecoder
from .rtp_receiver import RtpReceiver

CONNECT_S = 10.0
"""A peer that has not connected by then does not come any more."""
QUIET_S = 1.0
"""Browsers send every 20 ms, in silence too: after so long without a packet the line is down."""
LOOK_S = 0.02
MAX_STREAMS = 4
"""Of which it is reported what was lost: a sender may change its SSRC, but not for ever."""
_UNANSWERABLE = IngestError("offer", "this offer cannot be answered; offer one track in Opus, as browsers do")
_HEADER = struct.Struct("!BBHII")


def play(offer: str, open_at_us: int, output: Output, report: Report) -> None:
    """Answer an offer, then write what comes from local `open_at_us` on, until the peer hangs up.

    Raises IngestError("offer") for one that cannot be taken, IngestError("not_connected") when the peer does not come.
    """
    report.idle()
    asyncio.run(_Microphone(open_at_us, output, report).run(offer))


async def negotiate(peer: RTCPeerConnection, offer: str) -> tuple[RTCRtpTransceiver, RTCSessionDescription]:
    """Return what receives the first audio of an offer, in Opus, and the answer that takes nothing else of it.

    Opens no socket. Raises IngestError("offer").
    """
    audio = peer.addTransceiver("audio", direction="recvonly")
    known = RTCRtpReceiver.getCapabilities("audio")
    assert known is not None
    audio.setCodecPreferences([codec for codec in known.codecs if codec.mimeType == "audio/opus"])
    try:
        await peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        for each in peer.getTransceivers():
            if each is not audio:
                each.direction = "inactive"  # a studio may offer pictures, too
        if audio.receiver.track is None:
            raise IngestError("offer", "this offer sends no audio; offer one track in Opus that is sent")
        for codec in audio._codecs:
            codec.parameters["useinbandfec"] = 1  # RFC 7587 section 6.1
        return audio, await peer.createAnswer()
    except IngestError:
        raise
    except OperationError:
        raise IngestError("offer", "the audio of this offer is not Opus; offer one track in Opus") from None
    except Exception:  # aiortc has no error of its own for what it cannot parse
        raise _UNANSWERABLE from None


class _Microphone:
    def __init__(self, open_at_us: int, output: Output, report: Report) -> None:
        self._open_at_us = open_at_us
        self._output = output
        self._report = report
        self._peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))  # no server elsewhere is asked for anything
        self._receiver = RtpReceiver(lambda _: OpusDecoder())
        self._heard_s = 0.0
        self._over: asyncio.Future[None]

    async def run(self, offer: str) -> None:
        self._over = asyncio.get_running_loop().create_future()
        self._peer.on("connectionstatechange", self._on_state)
        try:
            self._report.send("answer", sdp=await self._answer(offer))
            watch = asyncio.create_task(self._watch())
            try:
                await self._over
            finally:
                watch.cancel()
        finally:
            with contextlib.suppress(Exception):  # it is over anyway
                await asyncio.wait_for(self._peer.close(), 1.0)

    async def _answer(self, offer: str) -> str:
        audio, answer = await negotiate(self._peer, offer)
        try:
            await self._peer.setLocalDescription(answer)
        except Exception:
            raise _UNANSWERABLE from None
        self._take_rtp(audio.receiver, {codec.payloadType for codec in audio._codecs})
        return self._peer.localDescription.sdp

    def _take_rtp(self, receiver: RTCRtpReceiver, payload_types: set[int | None]) -> None:
        """Have the packets come to us in place of aiortc's jitter buffer and decoder; it still reports what it lost."""
        statistics = vars(receiver)["_RTCRtpReceiver__remote_streams"]

        async def take(packet: RtpPacket, arrival_time_ms: int) -> None:
            del arrival_time_ms
            if packet.payload_type not in payload_types:
                self._receiver.counters.foreign += 1
                return
            if packet.ssrc not in statistics and len(statistics) < MAX_STREAMS:
                statistics[packet.ssrc] = StreamStatistics(48000)
            if packet.ssrc in statistics:
                statistics[packet.ssrc].add(packet)
            head = _HEADER.pack(0x80, packet.payload_type, packet.sequence_number, packet.timestamp, packet.ssrc)
            self._heard(self._receiver.receive(head + packet.payload, time.monotonic_ns() // 1000))

        receiver._handle_rtp_packet = take  # type: ignore[method-assign] # aiortc has no other place

    def _heard(self, samples: Samples) -> None:
        self._heard_s = time.monotonic()
        self._write(samples)

    def _write(self, samples: Samples) -> None:
        if time.monotonic_ns() // 1000 < self._open_at_us or not len(samples):
            return
        try:
            self._output.write(samples)
        except OutputClosedError as error:
            self._end(error)
        self._report.detail = asdict(self._receiver.counters)
        self._report.idle()

    async def _watch(self) -> None:
        """Tell when the line goes up and down; let what waits for a packet that is lost go on."""
        begun_s, up = time.monotonic(), False
        while True:
            await asyncio.sleep(LOOK_S)
            now_s = time.monotonic()
            if (now_s - self._heard_s < QUIET_S) != up:
                up = not up
                self._report.send("line", up=up)
            if not self._heard_s and now_s - begun_s > CONNECT_S:
                self._end(IngestError("not_connected", "no sound came from the microphone; UDP must pass"))
            self._write(self._receiver.poll(time.monotonic_ns() // 1000))

    async def _on_state(self) -> None:
        if self._peer.connectionState == "closed":
            self._end(None)
        elif self._peer.connectionState == "failed":
            self._end(IngestError("not_connected", "the connection to the microphone failed; UDP must pass"))

    def _end(self, error: Exception | None) -> None:
        if self._over.done():
            return
        if error is None:
            self._over.set_result(None)
        else:
            self._over.set_exception(error)
