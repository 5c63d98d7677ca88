"""The office's end for tests of a node: broker, time service, and a sender of Opus over RTP with a chain of keys. Not
the controller."""

import asyncio
import contextlib
import shutil
import socket
import time
from pathlib import Path

import aiomqtt
import numpy as np
import opuslib_next

from codec.wire import announcement, chain, command, names, report, sync, tesla
from codec.wire.errors import WireError
from codec.wire.mac import Mac, derive
from tests.firmware.suite.voice import LAN, NODE_KEY, Voice, packet

MEDIA_EPOCH_US = 1_800_000_000_000_000
RATE = 48_000
LOOK_AHEAD_SAMPLES = 312
"""The VOIP encoder's delay at 48 kHz (RFC 6716: 6.5 ms); RTP does not compensate it."""
LOW_LOOK_AHEAD_SAMPLES = 120
KEY = NODE_KEY
"""Of every node here."""
TIME, COMMAND, ACK = (Mac(derive(KEY, purpose)) for purpose in ("time", "command", "ack"))
EXPIRES_US = 30_000_000
TELL_PERIOD_S = 3.0
_CHAIN_LENGTH = 1 << 14


def media_us() -> int:
    """The media clock: CLOCK_MONOTONIC from an epoch of its own."""
    return time.monotonic_ns() // 1000 + MEDIA_EPOCH_US


def mono_ns(media: int) -> int:
    return (media - MEDIA_EPOCH_US) * 1000


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def encode(pcm: np.ndarray, frame_us: int, application: str = "voip", bitrate: int = 32_000) -> list[bytes]:
    """Opus packets of int16 mono `pcm`, in-band FEC on."""
    encoder = opuslib_next.Encoder(RATE, 1, application)
    encoder.bitrate = bitrate
    if application == "voip":
        encoder.inband_fec = 1
        encoder.packet_loss_perc = 10
    samples = frame_us * 48 // 1000
    padded = np.pad(pcm, (0, -len(pcm) % samples)).astype(np.int16)
    return [encoder.encode(padded[i : i + samples].tobytes(), samples) for i in range(0, len(padded), samples)]


class Office(asyncio.DatagramProtocol):
    """Use as ``async with Office(folder) as office``. terms: how its one chain of keys is used.

    A node that comes on line is told what it was configured to, what is on air in its zone, and the chain.
    """

    def __init__(self, folder: Path, terms: tesla.Terms = LAN) -> None:
        self.folder = folder
        self.port = free_port()
        self.voice = Voice(terms, media_us(), _CHAIN_LENGTH)
        self.nodes: dict[bytes, tuple[str, int]] = {}
        self.heard: list[tuple[str, bytes]] = []
        self.delay_s = lambda: 0.0
        self.back_s: dict[bytes, float] = {}
        """By tag: how much longer the way back of a node's time exchanges takes."""
        self.drop = lambda index: False
        self.requests = 0
        self.counters: dict[str, int] = {}
        self._commanding = asyncio.Lock()
        self.zones: dict[str, str] = {}
        self.settings: dict[str, dict[str, object]] = {}
        self.on_air: dict[str, tuple[list[announcement.Stream], tuple[str, int] | None]] = {}
        self.busy: set[asyncio.Task[None]] = set()
        self._news = asyncio.Event()

    def node(self, name: str, zone: str | None = None) -> dict[str, object]:
        """Return the least that a node.json needs."""
        if zone:
            self.zones[name] = zone
        address = ["127.0.0.1", self.port]
        return {
            "id": name, "key": KEY.hex(), "ca": None, "broker": address, "media": list(self.media), "zone": zone,
        }  # fmt: skip

    async def __aenter__(self) -> "Office":
        loop = asyncio.get_running_loop()
        self.transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        self.media = self.transport.get_extra_info("sockname")[:2]
        await self.start_broker()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop_broker()
        for task in tuple(self.busy):
            task.cancel()
        await asyncio.gather(*self.busy, return_exceptions=True)
        self.transport.close()

    def _later_do(self, work) -> None:
        task = asyncio.create_task(work)
        self.busy.add(task)
        task.add_done_callback(self.busy.discard)

    async def start_broker(self) -> None:
        config = self.folder / "mosquitto.conf"
        config.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence false\n")
        program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        self.broker = await asyncio.create_subprocess_exec(
            program, "-c", str(config), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        for _ in range(100):
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.close()
                await writer.wait_closed()
                break
            except OSError:
                await asyncio.sleep(0.05)
        listening = asyncio.Event()
        self._listener = asyncio.create_task(self._listen(listening))
        await listening.wait()

    async def stop_broker(self) -> None:
        self._listener.cancel()
        await asyncio.gather(self._listener, return_exceptions=True)
        self.broker.terminate()
        await self.broker.wait()

    async def _listen(self, listening: asyncio.Event) -> None:
        async with aiomqtt.Client("127.0.0.1", self.port) as client:
            await client.subscribe("loaxa/v1/#")
            listening.set()
            async for message in client.messages:
                self.heard.append((str(message.topic), bytes(message.payload)))
                self._news.set()
                self._answer(*self.heard[-1])

    def _answer(self, topic: str, raw: bytes) -> None:
        with contextlib.suppress(WireError):
            node, leaf = names.parse_node_topic(topic)
            if leaf == "status" and report.parse_status(raw)["state"] == report.ONLINE:
                if not self.counters:
                    self._later_do(self._tell_in_silence())
                self._later_do(self._greet(node))

    async def _greet(self, node: str) -> None:
        with contextlib.suppress(aiomqtt.MqttError):
            if node in self.settings:
                await self._send_command(node, command.CONFIGURE, self.settings[node])
            if node in self.zones:
                await self._send_command(node, command.AIR, self._air(self.zones[node]))

    def _air(self, zone: str) -> dict[str, object]:
        return {
            "terms": chain.terms_fields(self.voice.terms),
            "chains": [chain.anchor_fields(anchor) for anchor in self.voice.anchors(media_us())],
            "session": announcement.fields(zone, *self.on_air.get(zone, ([], None))),
        }

    async def _tell_in_silence(self) -> None:
        """What is on air tells its keys by itself."""
        while True:
            if not any(streams for streams, _ in self.on_air.values()):
                await self._tell_key(0.0)
            await asyncio.sleep(TELL_PERIOD_S)

    async def _tell_key(self, in_s: float) -> None:
        await asyncio.sleep(in_s)
        with contextlib.suppress(aiomqtt.MqttError):
            await self.publish(names.chain_topic(self.voice.terms.name), self.voice.telling(media_us()))

    async def expect(self, topic: str, test=lambda payload: True, timeout_s: float = 8.0) -> bytes:
        """Return the first payload on `topic` that passes `test`, heard or to come."""
        async with asyncio.timeout(timeout_s):
            while True:
                for found, payload in self.heard:
                    if found == topic and test(payload):
                        return payload
                self._news.clear()
                await self._news.wait()

    async def publish(self, topic: str, payload: bytes, retain: bool = False) -> None:
        async with aiomqtt.Client("127.0.0.1", self.port) as client:
            await client.publish(topic, payload, qos=1, retain=retain)

    def stream(
        self,
        ssrc: int,
        in_us: int = 500_000,
        lead_us: int = 150_000,
        priority: int = 3,
        group: tuple[str, int] | None = None,
    ) -> announcement.Stream:
        """Return a stream that begins after `in_us`, its frames the intervals of the chain as the engine's are."""
        frame_us = self.voice.terms.interval_us
        start_us = -(-(media_us() + in_us) // frame_us) * frame_us
        return announcement.Stream(ssrc, frame_us, start_us, lead_us, priority, group)

    async def announce(
        self, zone: str, streams: list[announcement.Stream], sync_group: tuple[str, int] | None = None
    ) -> None:
        """Say what is on air in a zone, and tell the key of that as soon as it may be told."""
        self.on_air[zone] = streams, sync_group
        body = self.voice.seal(announcement.build(zone, streams, sync_group), media_us())
        await self.publish(names.zone_topic(zone, "session"), body)
        terms = self.voice.terms
        self._later_do(self._tell_key((terms.lag + 1) * terms.interval_us / 1e6))

    async def configure(self, node: str, **settings: object) -> tuple[int, str | None]:
        """Set a node, now and whenever it comes on line; return its answer."""
        self.settings[node] = settings
        self.zones[node] = str(settings["zone"])
        answer = await self.command(node, command.CONFIGURE, settings)
        await self._send_command(node, command.AIR, self._air(self.zones[node]))
        return answer

    async def command(
        self, node: str, operation: str, arguments: dict | None = None, counter: int | None = None
    ) -> tuple[int, str | None]:
        """Send a command, the next one or that of `counter`; return the answer."""
        counter = await self._send_command(node, operation, arguments, counter)
        topic = names.node_topic(node, "ack")
        raw = await self.expect(topic, lambda payload: command.parse_ack(payload, ACK)[0] == counter)
        return command.parse_ack(raw, ACK)[:2]

    async def _send_command(self, node: str, operation: str, arguments: dict | None, counter: int | None = None) -> int:
        async with self._commanding:  # counters must come in order
            if counter is None:
                counter = self.counters[node] = self.counters.get(node, 0) + 1
            raw = command.build(node, counter, operation, arguments, media_us() + EXPIRES_US, COMMAND)
            await self.publish(names.node_topic(node, "command"), raw)
        return counter

    def datagram_received(self, data: bytes, source: tuple[str, int]) -> None:
        delay_s = self.delay_s()
        if delay_s <= 0:
            self._request(data, source)
        else:
            asyncio.get_running_loop().call_later(delay_s, self._request, data, source)

    def _request(self, data: bytes, source: tuple[str, int]) -> None:
        came = media_us()
        try:
            _, tag, _, _ = sync.parse_request(data)
        except WireError:
            return
        if not sync.genuine(data, TIME):
            return
        self.requests += 1
        self.nodes[tag] = source
        reply = sync.pack_reply(data, came, media_us(), TIME)
        asyncio.get_running_loop().call_later(self.back_s.get(tag, 0.0), self._later, reply, source)

    def _later(self, data: bytes, to: tuple[str, int]) -> None:
        delay_s = self.delay_s()
        if delay_s <= 0:
            self.transport.sendto(data, to)
        else:
            asyncio.get_running_loop().call_later(delay_s, self._send_now, data, to)

    def _send_now(self, data: bytes, to: tuple[str, int]) -> None:
        if not self.transport.is_closing():
            self.transport.sendto(data, to)

    async def member(self, node: str, timeout_s: float = 8.0) -> tuple[str, int]:
        """Return the address that the node's packets come from."""
        async with asyncio.timeout(timeout_s):
            while names.node_tag(node) not in self.nodes:
                await asyncio.sleep(0.02)
        return self.nodes[names.node_tag(node)]

    async def send(self, stream: announcement.Stream, packets: list[bytes], first: int = 0) -> None:
        """Send frames `first`... to the group, or to every member, when the media clock reaches them.

        As many more follow as it takes to tell the keys of all: these are not played.
        """
        for index, payload in enumerate(packets + packets[-1:] * self.voice.terms.lag, first):
            frame_us = stream.media0_us + index * stream.frame_us
            wait_us = frame_us - media_us()
            if wait_us > 0:
                await asyncio.sleep(wait_us / 1e6)
            if self.drop(index):
                continue
            signed = bytes(self.voice.sign(packet(stream, index, payload), frame_us))
            for address in [stream.group] if stream.group else self.nodes.values():
                self._later(signed, address)
