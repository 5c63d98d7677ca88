"""Lan: what a village's nodes say to each other, beacons by multicast and time exchanges by unicast."""

from codec.wire import sync
from codec.wire.errors import ForgedError, WireError

from .reading import read

_MOST_PAUSE_MS = 100
_MOST_BYTES = 128
"""More than a beacon or an exchange has."""
_MOST_ANSWERS = 200
"""In a second: a whole village that has just begun to follow, or a flood; the sound goes before both."""


class Lan:
    """The tasks between `village` and the sockets of `hal`. `now_us` and `sounding` are asked for both."""

    def __init__(self, hal, village, counters, now_us, sounding):
        self._hal = hal
        self._village = village
        self._counters = counters
        self._now_us = now_us
        self._sounding = sounding
        self._udp = None
        self._second_us = now_us()
        self._answers = 0

    async def hear(self, group):
        """Take beacons from the group, for ever. Raises OSError when it cannot be joined."""
        udp = self._hal.open_group(group[0], group[1], _MOST_BYTES)
        try:
            await self._receive(udp, self._village.hear)
        finally:
            udp.close()

    async def talk(self, group):
        """Send what is due, ask and answer, by a socket of its own, for ever."""
        self._udp = udp = self._hal.open_lan(group[0], group[1], _MOST_BYTES)
        try:
            await self._receive(udp, self._exchange)
        finally:
            self._udp = None
            udp.close()

    async def beat(self):
        """Let the village do what is due, for ever."""
        while True:
            now_us = self._now_us()
            due = self._village.poll(now_us, self._sounding())
            if due is not None and self._udp is not None:
                self._udp.send(due[0], due[1])
            wait_ms = (self._village.next_us(now_us) - now_us) // 1000 + 1
            await self._hal.sleep_ms(min(max(wait_ms, 1), _MOST_PAUSE_MS))

    async def _receive(self, udp, understand):
        counters = self._counters

        def take(data, _):
            try:
                if not understand(data, udp.source, self._now_us()):
                    counters["unexpected"] += 1
            except ForgedError:
                counters["forged"] += 1
            except WireError:
                counters["malformed"] += 1

        await read(udp, take, counters, self._hal.sleep_ms)

    def _exchange(self, data, source, now_us):
        """Answer a request while this node leads, take a reply while another does; False if it is neither's."""
        if data[1:2] != bytes((sync.REQUEST,)):
            return self._village.receive(data, source, now_us)
        sync.parse_request(data)
        if not sync.genuine(data, self._village.key):
            raise ForgedError("time request with another's tag")
        if now_us - self._second_us >= 1000000:
            self._second_us = now_us
            self._answers = 0
        self._answers += 1
        if not self._village.leading or self._answers > _MOST_ANSWERS:
            return False
        self._udp.send(sync.pack_reply(data, now_us, self._now_us(), self._village.key), source)
        return True
