"""Datagrams of other equipment to 48 kHz mono: order, loss, change of sender. No I/O, no clock."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from codec.wire import rtp
from codec.wire.errors import WireError

from .output import Samples
from .reorder import ReorderBuffer
from .resample import LIVE, Resampler
from .rtp_payload import Decoder, PayloadError
from .signals import FadeIn

MAX_DATAGRAM_BYTES = 9000
"""A jumbo frame; a longer datagram is malformed."""
SENDER_GONE_US = 500_000
"""A new SSRC takes over when the old one was silent for so long; before that it is a stranger."""
MAX_CONCEALED_US = 200_000
"""A longer gap is a pause: its time has passed already, silence in the pipe would be delay."""


@dataclass
class Counters:
    """Packets since the beginning."""

    received: int = 0
    lost: int = 0
    late: int = 0
    malformed: int = 0
    foreign: int = 0


@dataclass
class _Sender:
    ssrc: int
    payload_type: int
    decoder: Decoder
    resampler: Resampler
    buffer: ReorderBuffer[bytes]
    last_us: int
    packet_frames: int


class RtpReceiver:
    """Takes datagrams, gives the samples whose turn it is; paced by arrival."""

    def __init__(self, decoder: Callable[[int], Decoder]) -> None:
        """decoder: returns the decoder of a payload type."""
        self.counters = Counters()
        self._decoder = decoder
        self._sender: _Sender | None = None
        self._fade: FadeIn | None = FadeIn()

    def receive(self, datagram: bytes, now_us: int) -> Samples:
        """Return samples after one datagram; a malformed or foreign one is counted and gives none."""
        try:
            ssrc, payload_type, sequence, payload = _parse(datagram)
            sender = self._sender_of(ssrc, payload_type, now_us)
        except WireError:
            self.counters.malformed += 1
            return _NOTHING
        if sender is None:
            self.counters.foreign += 1
            return _NOTHING
        sender.last_us = now_us
        self.counters.received += 1
        return self._decode(sender, sender.buffer.push(sequence, payload, now_us))

    def poll(self, now_us: int) -> Samples:
        """Return samples whose turn has come because a missing packet was waited for long enough."""
        if self._sender is None:
            return _NOTHING
        return self._decode(self._sender, self._sender.buffer.poll(now_us))

    def _sender_of(self, ssrc: int, payload_type: int, now_us: int) -> _Sender | None:
        current = self._sender
        if current is not None:
            if (ssrc, payload_type) == (current.ssrc, current.payload_type):
                return current
            if now_us - current.last_us < SENDER_GONE_US:
                return None
        decoder = self._decoder(payload_type)
        self._sender = _Sender(
            ssrc, payload_type, decoder, Resampler(decoder.rate_hz, LIVE), ReorderBuffer(), now_us, 0
        )
        self._fade = FadeIn()
        return self._sender

    def _decode(self, sender: _Sender, ready: list[tuple[int, bytes]]) -> Samples:
        blocks: list[Samples] = []
        for lost, payload in ready:
            if lost:
                self.counters.lost += lost
                blocks.extend(sender.resampler.process(part) for part in _restore(sender, lost, payload))
            try:
                decoded = sender.decoder.decode(payload)
            except PayloadError:
                self.counters.malformed += 1
                continue
            sender.packet_frames = len(decoded)
            block = sender.resampler.process(decoded)
            if self._fade is not None:
                block = self._fade.apply(block)
                self._fade = None
            blocks.append(block)
        self.counters.late = sender.buffer.late
        return np.concatenate(blocks) if blocks else _NOTHING


_NOTHING = np.zeros(0, np.float32)


def _parse(datagram: bytes) -> tuple[int, int, int, bytes]:
    """Return SSRC, payload type, sequence and payload; raises WireError."""
    if len(datagram) > MAX_DATAGRAM_BYTES:
        raise WireError(f"datagram larger than {MAX_DATAGRAM_BYTES} bytes")
    # Other equipment fills whole Ethernet frames: the head tells all when nothing is padded at the end.
    head = datagram[: rtp.MAX_PACKET_BYTES]
    ssrc, _, _, sequence, payload_type, _, start, end = rtp.parse(head, ours=False)
    if len(datagram) > len(head):
        if end != len(head):
            raise WireError("padded packet larger than 1400 bytes")
        end = len(datagram)
    return ssrc, payload_type, sequence, datagram[start:end]


def _restore(sender: _Sender, lost: int, payload: bytes) -> Iterator[Samples]:
    """Yield sound in place of `lost` packets before `payload`, at the decoder's rate."""
    if lost * sender.packet_frames * 1_000_000 <= MAX_CONCEALED_US * sender.decoder.rate_hz:
        for _ in range(lost - 1):
            yield sender.decoder.conceal(sender.packet_frames)
        yield sender.decoder.recover(sender.packet_frames, payload)
