"""RTP from other equipment: the receiver alone, and a real child listening on loopback."""

import asyncio
import socket
import struct
from functools import partial
from ipaddress import IPv4Address

import numpy as np
import pytest

from codec import opus
from controller.ingest.events import Failed, Position
from controller.ingest.pool import IngestPool
from controller.ingest.reorder import ReorderBuffer
from controller.ingest.request import RtpRequest
from controller.ingest.rtp_payload import make_decoder
from controller.ingest.rtp_receiver import MAX_DATAGRAM_BYTES, SENDER_GONE_US, RtpReceiver
from tests import needs
from tests.controller.ingest import media

L16 = RtpRequest(port=5004, payload="l16")
FRAME = 480


def packet(sequence: int, payload: bytes, ssrc: int = 7, payload_type: int = 96) -> bytes:
    """Return an RTP packet without extension (RFC 3550 section 5.1)."""
    return struct.pack(">BBHII", 0x80, payload_type, sequence & 0xFFFF, sequence * FRAME & 0xFFFFFFFF, ssrc) + payload


def l16(number: int, channels: int = 1) -> bytes:
    """Return block `number` of a 500 Hz sine of peak 0.25."""
    index = np.arange(number * FRAME, (number + 1) * FRAME)
    block = (8192 * np.sin(2 * np.pi * 500 * index / 48000)).astype(">i2")
    return np.repeat(block, channels).tobytes()


def receive(receiver: RtpReceiver, order: list[int], start_us: int = 0) -> media.Samples:
    parts = [receiver.receive(packet(n, l16(n)), start_us + i * 10_000) for i, n in enumerate(order)]
    return np.concatenate(parts)


def test_extensions_of_other_equipment_are_not_read() -> None:
    """Number 1 is the audio level for many (RFC 6464), and a four-byte one need not be our frame index."""
    receiver = RtpReceiver(partial(make_decoder, L16))
    elements = [b"\x10\x7f\0\0", b"\x13\1\2\3\4\0\0\0", b"\x1f\0\0\0"]  # one byte; four; cut off
    for number, element in enumerate(elements):
        plain = packet(number, b"")
        extension = struct.pack(">HH", 0xBEDE, len(element) // 4) + element
        receiver.receive(b"\x90" + plain[1:] + extension + l16(number), number * 10_000)
    assert (receiver.counters.received, receiver.counters.malformed) == (len(elements), 0)
    receiver.receive(b"\x90" + packet(3, b"")[1:] + struct.pack(">HH", 0xBEDE, 400) + l16(3), 30_000)
    assert receiver.counters.malformed == 1, "one that is longer than its packet is still refused"


def test_reorder_gives_what_is_in_order_at_once() -> None:
    buffer: ReorderBuffer[str] = ReorderBuffer()
    assert buffer.push(65535, "a", 0) == [(0, "a")]
    assert buffer.push(0, "b", 0) == [(0, "b")]
    assert buffer.push(2, "d", 0) == []
    assert buffer.push(1, "c", 0) == [(0, "c"), (0, "d")]
    assert buffer.push(1, "c", 0) == []
    assert buffer.late == 1


def test_reorder_waits_only_so_long() -> None:
    buffer: ReorderBuffer[str] = ReorderBuffer(max_held=2, wait_us=40_000)
    buffer.push(1, "a", 0)
    assert buffer.push(4, "d", 10_000) == []
    assert buffer.poll(49_999) == []
    assert buffer.poll(50_000) == [(2, "d")]
    assert buffer.push(6, "f", 50_000) == []
    assert buffer.push(7, "g", 50_000) == []
    assert buffer.push(8, "h", 50_000) == [(1, "f"), (0, "g"), (0, "h")]


def test_reorder_follows_a_sender_that_counts_anew() -> None:
    buffer: ReorderBuffer[int] = ReorderBuffer()
    buffer.push(30000, 0, 0)
    given = [item for number in range(20) for _, item in buffer.push(100 + number, number, 0)]
    assert given == list(range(7, 20))


def test_order_is_restored() -> None:
    straight = receive(RtpReceiver(partial(make_decoder, L16)), list(range(40)))
    mixed = receive(RtpReceiver(partial(make_decoder, L16)), [0, 2, 1, 3, 6, 5, 4, *range(7, 40)])
    assert len(straight) == 40 * FRAME
    np.testing.assert_array_equal(straight, mixed)
    assert float(np.abs(straight).max()) == pytest.approx(0.25, abs=0.001)


def test_loss_keeps_the_length() -> None:
    receiver = RtpReceiver(partial(make_decoder, L16))
    order = [n for n in range(60) if n not in (10, 20, 21)]
    samples = receive(receiver, order)
    assert len(samples) == 60 * FRAME
    assert receiver.counters.lost == 3


def test_a_long_gap_is_a_pause() -> None:
    receiver = RtpReceiver(partial(make_decoder, L16))
    samples = receive(receiver, [*range(10), *range(2000, 2020)])
    assert len(samples) == 30 * FRAME


def test_stereo_static_type_and_other_rates() -> None:
    stereo = RtpReceiver(partial(make_decoder, RtpRequest(port=5004, payload="l16", channels=2)))
    assert len(stereo.receive(packet(1, l16(1, 2)), 0)) == FRAME
    static = RtpReceiver(partial(make_decoder, L16))
    parts = [static.receive(packet(n, l16(n), payload_type=11), n * 10_000) for n in range(100)]
    assert sum(map(len, parts)) == pytest.approx(100 * FRAME * 48000 / 44100, rel=0.02)


def test_full_ethernet_frames() -> None:
    receiver = RtpReceiver(partial(make_decoder, L16))
    assert len(receiver.receive(packet(0, bytes(1460)), 0)) == 730
    padded = bytearray(packet(1, bytes(1460)))
    padded[0] |= 0x20
    assert len(receiver.receive(bytes(padded), 0)) == 0
    assert receiver.counters.malformed == 1


def test_a_stranger_is_ignored_until_the_sender_is_gone() -> None:
    receiver = RtpReceiver(partial(make_decoder, L16))
    receive(receiver, list(range(10)))
    assert len(receiver.receive(packet(5, l16(0), ssrc=8), 100_000)) == 0
    assert receiver.counters.foreign == 1
    assert len(receiver.receive(packet(6, l16(0), ssrc=8), 90_000 + SENDER_GONE_US)) == FRAME


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"\x80",
        bytes(12),
        packet(1, b""),
        packet(1, b"x"),
        b"\xff" * 9000,
        b"GET / HTTP/1.1\r\n\r\n",
        packet(1, b"x")[:11],
    ],
)
def test_malformed_is_counted(datagram: bytes) -> None:
    receiver = RtpReceiver(partial(make_decoder, L16))
    assert len(receiver.receive(datagram, 0)) == 0
    assert receiver.counters.malformed == 1


def test_opus_that_begins_with_garbage_and_a_gap_plays() -> None:
    receiver = RtpReceiver(partial(make_decoder, RtpRequest(port=5004)))
    payload = bytearray(1275)
    payload = payload[: opus.Encoder(960).encode_into(np.zeros(960, np.int16), payload)]
    receiver.receive(packet(0, b"\xff\xff\xff"), 0)
    heard = sum(len(receiver.receive(packet(number, bytes(payload)), number * 20_000)) for number in range(9, 40))
    heard += len(receiver.poll(2_000_000))
    assert receiver.counters.malformed == 1
    assert heard >= 25 * 960


def test_opus_garbage_is_counted_and_the_rest_plays() -> None:
    receiver = RtpReceiver(partial(make_decoder, RtpRequest(port=5004)))
    encoder = opus.Encoder(960)
    out = bytearray(1275)
    heard = 0
    for number in range(50):
        pcm = (media.sine(500, 0.02) * 32767).astype(np.int16)
        payload = bytes(out[: encoder.encode_into(pcm, out)])
        if number == 20:
            payload = b"\xff\xff\xff"
        heard += len(receiver.receive(packet(number, payload), number * 20_000))
    assert receiver.counters.malformed == 1
    assert heard == 49 * 960


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


async def test_a_child_listens(pool: IngestPool) -> None:
    port = free_port()
    tapped = await media.tap(pool, RtpRequest(port=port, payload="l16"))
    await tapped.ingest.wait_started()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for number in range(150):
            sock.sendto(packet(number, l16(number)), ("127.0.0.1", port))
            await asyncio.sleep(0.01)
        samples = await tapped.until(1.5)
        await asyncio.sleep(1.2)
    assert media.pitch_hz(samples[4800:]) == pytest.approx(500, abs=2)
    await tapped.ingest.stop()
    recording = await tapped.finish()
    positions = [event for event in recording.events if isinstance(event, Position)]
    assert positions[-1].detail["received"] == 150
    assert positions[-1].detail["lost"] == 0


async def test_a_datagram_that_is_too_long_is_not_played_in_part(pool: IngestPool) -> None:
    port = free_port()
    tapped = await media.tap(pool, RtpRequest(port=port, payload="l16"))
    await tapped.ingest.wait_started()
    longest = MAX_DATAGRAM_BYTES - len(packet(0, b""))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for number, size in enumerate((longest, longest + 2, 20_000)):
            sock.sendto(packet(number, bytes(size)), ("127.0.0.1", port))

    def counted() -> dict[str, int]:
        return next((event.detail for event in reversed(tapped.events) if isinstance(event, Position)), {})

    async with asyncio.timeout(10):
        while counted().get("malformed", 0) + counted().get("received", 0) < 3:
            await asyncio.sleep(0.05)
    assert (counted()["received"], counted()["malformed"]) == (1, 2)
    await tapped.ingest.stop()
    assert len((await tapped.finish()).samples) == longest // 2


async def test_only_the_named_address_is_heard(pool: IngestPool) -> None:
    port = free_port()
    tapped = await media.tap(pool, RtpRequest(port=port, payload="l16", source=IPv4Address("192.0.2.1")))
    await tapped.ingest.wait_started()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for number in range(20):
            sock.sendto(packet(number, l16(number)), ("127.0.0.1", port))
    await asyncio.sleep(1.5)
    assert len(tapped.samples()) == 0
    await tapped.ingest.stop()
    await tapped.finish()


async def test_a_port_in_use_is_told(pool: IngestPool) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("0.0.0.0", 0))
        recording = await media.record(pool, RtpRequest(port=sock.getsockname()[1]))
    assert isinstance(recording.final, Failed)
    assert recording.final.code == "port_in_use"
    assert "choose another" in recording.final.text


@pytest.mark.parametrize(
    ("request_", "codec"),
    [
        (RtpRequest(port=1024), ("libopus", "-ac", "2")),
        (
            RtpRequest(port=1024, payload="l16", rate_hz=44100, channels=2),
            ("pcm_s16be", "-ar", "44100", "-ac", "2"),
        ),
    ],
)
async def test_ffmpeg_sends(pool: IngestPool, request_: RtpRequest, codec: tuple[str, ...]) -> None:
    needs.player("ffmpeg")
    port = free_port()
    tapped = await media.tap(pool, request_.model_copy(update={"port": port}))
    await tapped.ingest.wait_started()
    process = await asyncio.create_subprocess_exec(
        *(
            "ffmpeg",
            "-v",
            "error",
            "-re",
            "-f",
            "lavfi",
            "-i",
            "sine=frequency=440:duration=3:sample_rate=48000",
        ),
        *("-c:a", *codec, "-f", "rtp", f"rtp://127.0.0.1:{port}"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
    )
    samples = await tapped.until(2.0)
    assert media.pitch_hz(samples[9600:]) == pytest.approx(440, abs=2)
    await process.wait()
    await tapped.ingest.stop()
    await tapped.finish()
