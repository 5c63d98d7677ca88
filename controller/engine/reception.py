"""Reads the media socket, and hands each datagram to whom it is for (RFC 5761 section 4)."""

from collections.abc import Callable

from codec.wire import nack
from controller.engine.mediasocket import Media
from controller.engine.plan import Address

Handler = Callable[[bytes, int, Address], None]
"""Takes a datagram, the CLOCK_MONOTONIC of its arrival in nanoseconds, and its sender."""
_TURN = 64
_NACK_COST = 8
"""A NACK costs what so many time exchanges do: strangers that send them must not keep a block waiting."""


class Reception:
    """Serves `media`, a bound non-blocking UDP socket: requests for frames go to `on_nack`, the rest to `on_time`."""

    def __init__(self, media: Media, on_time: Handler, on_nack: Handler) -> None:
        self._media = media
        self._on_time = on_time
        self._on_nack = on_nack

    def on_readable(self) -> None:
        """Hand on what has come; leaves some for the next turn of the loop when there is much."""
        left = _TURN
        while left > 0:
            left -= 1
            try:
                data, arrival_ns, address = self._media.receive()
            except BlockingIOError:
                return
            except OSError:
                continue  # an ICMP error about something sent earlier; the next call gives the next datagram
            if nack.is_nack(data):
                left -= _NACK_COST - 1
                self._on_nack(data, arrival_ns, address)
            else:
                self._on_time(data, arrival_ns, address)
