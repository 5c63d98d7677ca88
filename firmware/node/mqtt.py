"""A small asyncio MQTT 3.1.1 client: QoS 0 and 1, last will, keepalive. One object is one connection.

Nothing here blocks the loop: sound goes on whatever the broker does. Reconnecting is the caller's.
"""

import asyncio

from codec.wire.errors import WireError

from . import mqtt_packets as packets

ANSWER_S = 10
"""How long the broker may take for an acknowledgement."""
_MAX_INFLIGHT = 16


class MqttError(OSError):
    """The connection is of no more use."""


class RefusedError(MqttError):
    """The broker does not grant what was asked; the connection goes on."""


class Connection:
    """An MQTT session over a stream. `on_message(topic, payload)` is called for what is published to it."""

    def __init__(self, reader, writer, on_message, keepalive_s=15):
        self._reader = reader
        self._writer = writer
        self._on_message = on_message
        self._keepalive_s = keepalive_s
        self._identifier = 0
        self._waiting = {}
        self._lock = asyncio.Lock()
        self._closed = False

    async def open(self, client_id, will=None, user=None, password=None):
        """Introduce ourselves; raises MqttError when the broker refuses."""
        await self._send(packets.connect(client_id, self._keepalive_s, will, user, password))
        head, body = await asyncio.wait_for(self._receive(), ANSWER_S)
        if head != packets.CONNACK or len(body) != 2:
            raise MqttError("broker does not speak MQTT 3.1.1")
        if body[1]:
            raise MqttError("broker refuses the connection, code %d" % body[1])

    async def run(self):
        """Serve the connection until it fails; always raises (OSError, WireError, EOFError)."""
        pinger = asyncio.create_task(self._ping())
        try:
            while True:
                # Two pings went out in a keepalive: a broker that lives has answered one.
                head, body = await asyncio.wait_for(self._receive(), self._keepalive_s)
                kind = head & 0xF0
                if kind == packets.PUBLISH:
                    topic, payload, qos, identifier = packets.parse_publish(head, body)
                    if qos:
                        await self._send(packets.packet(packets.PUBACK, identifier.to_bytes(2, "big")))
                    self._on_message(topic, payload)
                elif kind in (packets.PUBACK, packets.SUBACK, packets.UNSUBACK):
                    self._settle(packets.parse_identifier(body), kind == packets.SUBACK and 0x80 in body[2:])
                elif kind != packets.PINGRESP:
                    raise WireError("unexpected MQTT packet %d" % kind)
        except asyncio.TimeoutError:
            raise MqttError("broker is silent")
        finally:
            self._closed = True
            pinger.cancel()
            for event in self._waiting.values():
                event.set()
            self._waiting = {}

    async def publish(self, topic, payload, qos=0, retain=False):
        """Publish; with QoS 1 returns when the broker has it. Raises MqttError."""
        if not qos:
            await self._send(packets.publish(topic, payload, 0, retain, 0))
            return
        identifier = self._next_identifier()
        await self._ask(identifier, packets.publish(topic, payload, 1, retain, identifier))

    async def subscribe(self, topics, qos=1):
        """Subscribe to a list of topics; returns when it is done. Raises MqttError, RefusedError when it may not."""
        identifier = self._next_identifier()
        await self._ask(identifier, packets.subscribe(identifier, topics, qos))

    async def unsubscribe(self, topics):
        """Unsubscribe; returns when it is done. Raises MqttError."""
        identifier = self._next_identifier()
        await self._ask(identifier, packets.unsubscribe(identifier, topics))

    async def close(self, politely=True):
        """Take leave, so that the last will is not published; without `politely` it is."""
        try:
            if politely:
                await self._send(packets.packet(packets.DISCONNECT, b""))
        except OSError:
            pass  # it is going away in any case
        self._closed = True
        self._writer.close()
        try:
            await self._writer.wait_closed()  # on MicroPython this is what closes
        except OSError:
            pass  # it had broken before

    # ---- the road ----

    def _next_identifier(self):
        if len(self._waiting) >= _MAX_INFLIGHT:
            raise MqttError("broker does not answer")
        self._identifier = self._identifier % 65535 + 1
        return self._identifier

    async def _ask(self, identifier, data):
        if self._closed:
            raise MqttError("connection is closed")
        event = asyncio.Event()
        self._waiting[identifier] = event
        try:
            await self._send(data)
            await asyncio.wait_for(event.wait(), ANSWER_S)
        except asyncio.TimeoutError:
            raise MqttError("broker does not answer")
        finally:
            refused = self._waiting.pop(identifier, None) is event
        # _settle() takes an answered request out; what is still there was not answered or was refused.
        if self._closed:
            raise MqttError("the connection broke")
        if refused:
            raise RefusedError("broker refuses")

    def _settle(self, identifier, refused):
        event = self._waiting.get(identifier)
        if event is None:
            return
        if not refused:
            del self._waiting[identifier]
        event.set()

    async def _send(self, data):
        async with self._lock:
            if self._closed:
                raise MqttError("connection is closed")
            self._writer.write(data)
            try:
                await asyncio.wait_for(self._writer.drain(), ANSWER_S)
            except asyncio.TimeoutError:
                self._closed = True  # a packet went out in part
                raise MqttError("broker takes nothing in")

    async def _receive(self):
        head = (await self._reader.readexactly(1))[0]
        length = shift = 0
        while True:
            byte = (await self._reader.readexactly(1))[0]
            length |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
            if shift > 21:  # section 2.2.3: four bytes at most
                raise WireError("MQTT length of more than four bytes")
        if length > packets.MAX_PACKET_BYTES:
            raise WireError("MQTT packet of %d bytes" % length)
        return head, (await self._reader.readexactly(length)) if length else b""

    async def _ping(self):
        """Ask for a sign of life twice a keepalive."""
        try:
            while True:
                await asyncio.sleep(self._keepalive_s / 2)
                await self._send(packets.packet(packets.PINGREQ, b""))
        except OSError:
            pass  # run() hears nothing more, and ends
