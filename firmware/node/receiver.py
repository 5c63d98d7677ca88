"""Receiver: datagram in, frame of an announced stream out. What fails is counted and not acted on."""

from codec.wire import rtp
from codec.wire.errors import WireError


class Receiver:
    """Finds an announced stream's frames among all that comes in."""

    def __init__(self, streams, counters):
        self._streams = streams
        self._counters = counters

    def receive(self, data):
        """Return ``(stream, frame_index)`` of the datagram `data`, or None."""
        counters = self._counters
        try:
            ssrc, frame_index, _, _, payload_type, _, _, _ = rtp.parse(data)
        except WireError:
            counters["malformed"] += 1
            return None
        stream = self._streams.find(ssrc)
        if stream is None or payload_type != stream.payload_type or frame_index is None:
            counters["unexpected"] += 1
            return None
        counters["received"] += 1
        return stream, frame_index
