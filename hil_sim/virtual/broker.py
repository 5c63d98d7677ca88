"""An MQTT 3.1.1 broker in virtual time: what mosquitto does for a village, no more."""

import asyncio
from collections.abc import Callable
from typing import Any

from firmware.node import mqtt_packets as packets
from hil_sim.virtual.loop import wake
from hil_sim.virtual.network import Link, Stream


class Broker:
    """Retained topics, QoS 0 and 1. `on_message(topic, payload)` is the controller, which hears everything."""

    def __init__(self, loop: asyncio.AbstractEventLoop, on_message: Callable[[str, bytes], None]) -> None:
        self.alive = True
        self._loop = loop
        self._on_message = on_message
        self._retained: dict[str, bytes] = {}
        self._clients: dict[int, _Client] = {}
        self._numbers = 0

    async def connect(self, link: Link) -> tuple[Any, Any]:
        """Return a node's streams; raises OSError where nobody listens, and waits while the line is cut."""
        reached: asyncio.Future[None] = self._loop.create_future()
        link.carry_stream(lambda _: wake(reached), b"")
        await reached
        if not self.alive:
            raise ConnectionRefusedError("no broker")
        self._numbers += 1
        client = _Client(self, self._numbers, link, self._loop)
        self._clients[client.number] = client
        return client.reader, client.stream

    def publish(self, topic: str, payload: bytes, retain: bool) -> None:
        """Publish to every subscriber."""
        if not self.alive:
            return
        if retain:
            self._retained[topic] = payload
        for client in list(self._clients.values()):
            if topic in client.topics:
                client.tell(topic, payload, retained=False)

    def kill(self) -> None:
        """Die, and with it all connections and what was retained."""
        self.alive = False
        self._retained.clear()
        for client in list(self._clients.values()):
            client.drop()
        self._clients.clear()

    def revive(self) -> None:
        """Listen again."""
        self.alive = True

    def take(self, client: "_Client", head: int, body: bytes) -> None:
        """Do what a packet of a client asks for."""
        kind = head & 0xF0
        if kind == packets.CONNECT:
            client.send(packets.packet(packets.CONNACK, b"\0\0"))
        elif kind == packets.PUBLISH:
            topic, payload, qos, identifier = packets.parse_publish(head, body)
            if qos:
                client.send(packets.packet(packets.PUBACK, identifier.to_bytes(2, "big")))
            self._on_message(topic, payload)
        elif kind == packets.SUBSCRIBE & 0xF0:
            end = 4 + int.from_bytes(body[2:4], "big")
            topic = body[4:end].decode()
            client.topics.add(topic)
            client.send(packets.packet(packets.SUBACK, body[:2] + b"\1"))
            if topic in self._retained:
                client.tell(topic, self._retained[topic], retained=True)
        elif kind == packets.UNSUBSCRIBE & 0xF0:
            end = 4 + int.from_bytes(body[2:4], "big")
            client.topics.discard(body[4:end].decode())
            client.send(packets.packet(packets.UNSUBACK, body[:2]))
        elif kind == packets.PINGREQ:
            client.send(packets.packet(packets.PINGRESP, b""))

    def leave(self, number: int) -> None:
        """A client closed its connection."""
        self._clients.pop(number, None)


class _Client:
    def __init__(self, broker: Broker, number: int, link: Link, loop: asyncio.AbstractEventLoop) -> None:
        self.number = number
        self.topics: set[str] = set()
        self.reader = asyncio.StreamReader(loop=loop)
        self.stream = Stream(link, self._arrive, lambda: broker.leave(number))
        self._broker = broker
        self._link = link
        self._pending = b""
        self._identifier = 0
        self._gone = False

    def tell(self, topic: str, payload: bytes, retained: bool) -> None:
        self._identifier = self._identifier % 65535 + 1
        self.send(packets.publish(topic, payload, 1, retained, self._identifier))

    def send(self, data: bytes) -> None:
        self._link.carry_stream(self._feed, data)

    def drop(self) -> None:
        self._gone = True
        self._link.carry_stream(lambda _: self.reader.feed_eof(), b"")

    def _feed(self, data: bytes) -> None:
        if not self.stream.closed and not self._gone:
            self.reader.feed_data(data)

    def _arrive(self, data: bytes) -> None:
        if self._gone:
            return
        self._pending += data
        while (found := _whole_packet(self._pending)) is not None:
            head, body, self._pending = found
            self._broker.take(self, head, body)


def _whole_packet(data: bytes) -> tuple[int, bytes, bytes] | None:
    """Return ``(head, body, rest)`` of the first packet in `data`, None while it is not whole."""
    length = shift = 0
    for at in range(1, min(len(data), 5)):
        length |= (data[at] & 0x7F) << shift
        shift += 7
        if not data[at] & 0x80:
            end = at + 1 + length
            return (data[0], data[at + 1 : end], data[end:]) if len(data) >= end else None
    return None
