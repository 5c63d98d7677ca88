"""The office's end for tests of a node: broker, time service, and a sender of Opus over RTP. Not the
controller."""

import asyncio
import shutil
import socket
import time
from pathlib import Path

import aiomqtt
import numpy as np
import opuslib_next

from codec.wire import announcement, command, names, rtp, sync
from codec.wire.errors import WireError

MEDIA_EPOCH_US = 1_800_000_000_000_000
RATE = 48_000
LOOK_AHEAD_SAMPLES = 312
"""The VOIP encoder's delay at 48 kHz (RFC 6716: 6.5 ms); RTP does not compensate it."""
LOW_LOOK_AHEAD_SAMPLES = 120
KEY = bytes(range(32))
"""Of every node here."""


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
    """Use as ``async with Office(folder) as office``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.nodes: dict[bytes, tuple[str, int]] = {}
        self.heard: list[tuple[str, bytes]] = []
        self.delay_s = lambda: 0.0
        self.back_s: dict[bytes, float] = {}
        """By tag: how much longer the way back of a node's time exchanges takes."""
        self.drop = lambda index: False
        self.requests = 0
        self._news = asyncio.Event()

    def node(self, name: str) -> dict[str, object]:
        """Return the least that a node.json needs."""
        address = ["127.0.0.1", self.port]
        return {"id": name, "key": KEY.hex(), "ca": None, "broker": address, "media": list(self.media)}

    async def __aenter__(self) -> "Office":
        loop = asyncio.get_running_loop()
        self.transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        self.media = self.transport.get_extra_info("sockname")[:2]
        await self.start_broker()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop_broker()
        self.transport.close()

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

    async def announce(
        self, zone: str, streams: list[announcement.Stream], sync_group: tuple[str, int] | None = None
    ) -> None:
        body = announcement.build(zone, streams, sync_group)
        await self.publish(names.zone_topic(zone, "session"), body, retain=True)

    async def command(self, node: str, counter: int, operation: str, arguments: dict | None = None) -> bytes:
        """Send a command; return the raw answer."""
        body = command.build(node, counter, operation, arguments)
        await self.publish(names.node_topic(node, "command"), body)
        return await self.expect(
            names.node_topic(node, "ack"), lambda payload: command.parse_ack(payload)[0] == counter
        )

    def datagram_received(self, data: bytes, source: tuple[str, int]) -> None:
        delay_s = self.delay_s()
        if delay_s <= 0:
            self._request(data, source)
        else:
            asyncio.get_running_loop().call_later(delay_s, self._request, data, source)

    def _request(self, data: bytes, source: tuple[str, int]) -> None:
        came = media_us()
        try:
            _, tag, _ = sync.parse_request(data)
        except WireError:
            return
        self.requests += 1
        self.nodes[tag] = source
        reply = sync.pack_reply(data, came, media_us())
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
        """Send frames `first`... to the group, or to every member, when the media clock reaches them."""
        for index, payload in enumerate(packets, first):
            wait_us = stream.media0_us + index * stream.frame_us - media_us()
            if wait_us > 0:
                await asyncio.sleep(wait_us / 1e6)
            if self.drop(index):
                continue
            packet = bytearray(rtp.HEADER_BYTES + len(payload))
            timestamp = index * stream.frame_us * 48 // 1000
            rtp.pack_header(packet, 0, False, stream.payload_type, index, timestamp, stream.ssrc)
            packet[rtp.HEADER_BYTES :] = payload
            for address in [stream.group] if stream.group else self.nodes.values():
                self._later(bytes(packet), address)
