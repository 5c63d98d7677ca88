"""A whole node: the firmware under MicroPython on a simulated board, heard at its DAC."""

import asyncio
import json
import random
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import opuslib_next
import pytest
from scipy.signal import butter, sosfilt

from codec.wire import announcement, command, names, report, rtp
from hil_sim import children, flash
from tests.firmware import capture
from tests.firmware.office import (
    LOOK_AHEAD_SAMPLES,
    LOW_LOOK_AHEAD_SAMPLES,
    Office,
    encode,
    free_port,
    mono_ns,
)
from tests.firmware.suite.voice import LAN, LOW, packet

pytestmark = pytest.mark.alone

ZONE = "thon-1"
RATE = 48_000


class Station:
    """The folder of one node and its process."""

    def __init__(self, folder: Path, name: str, ppm: float) -> None:
        self.name = name
        self.ppm = ppm
        self.folder = folder / name
        self.folder.mkdir()
        self.loadac = True
        self.configured: dict[str, object] = {}
        self.built: dict[str, object] = {}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, office: Office, zone: str | None = ZONE, cause: int = flash.RESET_POWER_ON) -> None:
        node = office.node(self.name, zone)
        board = {"ppm": self.ppm, "ticks_offset_us": (1 << 30) - 9_000_000, "capture": "node.dac", "seed": 5}
        board["loadac"] = self.loadac
        (self.folder / "node.json").write_text(json.dumps({**node, **self.configured}))
        (self.folder / "board.json").write_text(json.dumps({**board, **self.built}))
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                flash.node_command(),
                cwd=self.folder,
                env=flash.node_environment(cause),
                stdout=log,
                stderr=log,
            )
        children.prefer(self.process.pid)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def heard(self, stream: announcement.Stream, seconds: float, look_ahead: int) -> np.ndarray:
        """What the DAC emitted from the play time of the stream's first sample on."""
        start_ns = mono_ns(stream.media0_us + stream.lead_us) + look_ahead * 1_000_000_000 // RATE
        return capture.read(self.folder / "node.dac", start_ns, seconds)


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    made = Station(tmp_path, "node-1", 42.0)
    yield made
    made.kill()


def programme(seconds: float) -> np.ndarray:
    """Noise in the band of speech, whose every piece is unlike the others."""
    noise = np.random.default_rng(11).standard_normal(int(seconds * RATE))
    shaped = sosfilt(butter(4, [200, 4000], "band", fs=RATE, output="sos"), noise)
    return (shaped / np.abs(shaped).max() * 20_000).astype(np.int16)


def delays_ms(source: np.ndarray, emitted: np.ndarray) -> np.ndarray:
    """How late each 100 ms of `source` leaves."""
    pieces = range(0, len(source) - 4799, 4800)
    found = [capture.delay_samples(source[i : i + 4800].astype(float), emitted[i : i + 4800]) for i in pieces]
    return np.array(found) / 48


def decode(packets: list[bytes]) -> np.ndarray:
    """What any Opus decoder makes of 20 ms packets."""
    decoder = opuslib_next.Decoder(RATE, 1)
    return np.concatenate([np.frombuffer(decoder.decode(packet, 960), np.int16) for packet in packets]).astype(float)


def igmp_groups(station: Station) -> set[str]:
    """The groups 239.77.x.x that the node's host is in."""
    assert station.process is not None
    lines = Path(f"/proc/{station.process.pid}/net/igmp").read_text().split()
    found = {socket.inet_ntoa(bytes.fromhex(word)[::-1]) for word in lines if len(word) == 8 and word.endswith("EF")}
    return {group for group in found if group.startswith("239.77.")}


async def health(office: Office, name: str, test) -> dict[str, int]:
    def right(raw: bytes) -> bool:
        counters, _, on_air, _, _ = report.parse_health(raw)
        return test(counters, on_air)

    return report.parse_health(await office.expect(names.node_topic(name, "health"), right, 15))[0]


async def test_sound_leaves_at_its_instants(tmp_path: Path, station: Station) -> None:
    pcm = programme(3)
    packets = await asyncio.to_thread(encode, pcm, 20_000)
    async with Office(tmp_path) as office:
        chance = random.Random(4)
        office.delay_s = lambda: max(0.0, chance.gauss(0.005, 0.001))
        station.start(office)
        await office.expect(names.node_topic("node-1", "status"))
        await asyncio.sleep(1.5)
        stream = office.stream(77)
        await office.announce(ZONE, [stream])
        await office.send(stream, packets)
        counters = await health(office, "node-1", lambda c, on_air: on_air == 77)
        await asyncio.sleep(0.3)
        await office.announce(ZONE, [])
        counters = await health(office, "node-1", lambda c, on_air: on_air is None and c["played"] > 0)
    assert counters["played"] == 150
    assert counters["received"] == 150 + LAN.lag
    assert counters["forged"] == counters["unsafe"] == counters["unverified"] == 0
    assert counters["late"] == counters["underruns"] == counters["resyncs"] == 0
    late_ms = delays_ms(pcm, station.heard(stream, 3, LOOK_AHEAD_SAMPLES))
    print(f"delay ms: {late_ms.min():.3f} to {late_ms.max():.3f}")
    assert np.abs(late_ms).max() < 2, late_ms
    assert "failed" not in (log := station.log()), log


async def test_low_latency_profile(tmp_path: Path, station: Station) -> None:
    pcm = programme(2)
    packets = await asyncio.to_thread(encode, pcm, 10_000, "restricted_lowdelay", 48_000)
    async with Office(tmp_path, LOW) as office:
        station.start(office)
        await office.expect(names.node_topic("node-1", "status"))
        await asyncio.sleep(1)
        stream = office.stream(78, lead_us=53_000)
        await office.announce(ZONE, [stream])
        await office.send(stream, packets)
        await asyncio.sleep(0.1)
    late_ms = delays_ms(pcm, station.heard(stream, 2, LOW_LOOK_AHEAD_SAMPLES))
    assert np.abs(late_ms).max() < 2, late_ms


async def test_a_stock_micropython_without_our_dac_module_plays_too(tmp_path: Path, station: Station) -> None:
    pcm = programme(2)
    packets = await asyncio.to_thread(encode, pcm, 20_000)
    station.loadac = False
    async with Office(tmp_path) as office:
        station.start(office)
        await office.expect(names.node_topic("node-1", "status"))
        await asyncio.sleep(1)
        stream = office.stream(82)
        await office.announce(ZONE, [stream])
        await office.send(stream, packets)
        await asyncio.sleep(0.3)
    late_ms = delays_ms(pcm, station.heard(stream, 2, LOOK_AHEAD_SAMPLES))
    assert np.abs(late_ms[2:]).max() < 20, late_ms  # machine.I2S knows no better where it is


async def test_streams_by_multicast(tmp_path: Path, station: Station) -> None:
    pcm = programme(1)
    packets = await asyncio.to_thread(encode, pcm, 20_000)
    async with Office(tmp_path) as office:
        sender = office.transport.get_extra_info("socket")
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        station.start(office)
        await office.expect(names.node_topic("node-1", "status"))
        await asyncio.sleep(1)
        streams = []
        for number in (1, 2):  # the second group takes the first one's place
            group = (f"239.77.{number}.1", free_port())
            streams.append(office.stream(82 + number, group=group))
            await office.announce(ZONE, streams[-1:])
            await office.send(streams[-1], packets)
            await asyncio.sleep(0.2)
        assert igmp_groups(station) == {"239.77.2.1"}
        await office.announce(ZONE, [])
        await health(office, "node-1", lambda c, on_air: on_air is None and c["played"] == 100)
        assert not igmp_groups(station)
    for stream in streams:
        late_ms = delays_ms(pcm, station.heard(stream, 1, LOOK_AHEAD_SAMPLES))
        assert np.abs(late_ms).max() < 2, late_ms
    assert "failed" not in (log := station.log()), log


async def test_two_nodes_of_a_lan_share_the_time(tmp_path: Path) -> None:
    """One of them has a way back from the office that takes 60 ms more: by itself it would be 30 ms off."""
    pcm = programme(4)
    packets = await asyncio.to_thread(encode, pcm, 20_000)
    stations = [Station(tmp_path, "node-1", 42.0), Station(tmp_path, "node-2", -35.0)]
    sync_group = ("239.77.3.1", free_port())
    try:
        async with Office(tmp_path) as office:
            office.back_s[names.node_tag("node-2")] = 0.06
            await office.announce(ZONE, [], sync_group)
            for station in stations:
                station.start(office)
            for station in stations:
                await office.expect(names.node_topic(station.name, "status"))
            await asyncio.sleep(6)
            assert [igmp_groups(station) for station in stations] == [{sync_group[0]}] * 2
            stream = office.stream(86)
            await office.announce(ZONE, [stream], sync_group)
            await office.send(stream, packets)
            await asyncio.sleep(0.3)
            await office.announce(ZONE, [])
            await health(office, "node-1", lambda c, on_air: on_air is None and c["played"] == 200)
            assert not igmp_groups(stations[0])
    finally:
        for station in stations:
            station.kill()
    late_ms = [delays_ms(pcm, station.heard(stream, 4, LOOK_AHEAD_SAMPLES)) for station in stations]
    apart_ms = np.abs(late_ms[0] - late_ms[1])[2:]
    assert np.percentile(apart_ms, 90) < 2, apart_ms
    assert np.abs(late_ms).max() < 32, late_ms
    for station in stations:
        assert "failed" not in (log := station.log()), log


async def test_bad_packets_are_counted_and_the_sound_goes_on(tmp_path: Path, station: Station) -> None:
    pcm = programme(2)
    packets = await asyncio.to_thread(encode, pcm, 20_000)
    async with Office(tmp_path) as office:
        station.start(office)
        await office.expect(names.node_topic("node-1", "status"))
        address = await office.member("node-1")
        await asyncio.sleep(1)
        stream = office.stream(79)
        await office.announce(ZONE, [stream])

        async def attack() -> None:
            loop = asyncio.get_running_loop()
            stranger, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0))
            for number in range(10):
                forged = packet(stream, 10 * number, b"foreign")
                forged[rtp.TAG_AT : rtp.TAG_AT + rtp.TAG_BYTES] = bytes(12)
                office.transport.sendto(bytes(forged), address)
                for data in (b"\x80", bytes(36), b"L" * 36, b"\x80" * 1401, b"\x90\x60" + bytes(22) + b"x"):
                    office.transport.sendto(data, address)
                stranger.sendto(b"\x90\x60" + bytes(30), address)
                await office.publish(names.zone_topic(ZONE, "session"), b'{"v": 1')
                await office.publish(names.node_topic("node-1", "command"), b"\xff{}")
                await asyncio.sleep(0.1)
            stranger.close()

        await asyncio.gather(office.send(stream, packets), attack())
        await asyncio.sleep(0.3)
        await office.announce(ZONE, [])
        counters = await health(office, "node-1", lambda c, on_air: on_air is None and c["played"] > 0)
    assert counters["malformed"] >= 40
    assert counters["unexpected"] >= 10
    assert counters["forged"] >= 10  # the commands at least: most of the packets are of another time
    assert counters["played"] == 100
    late_ms = delays_ms(pcm, station.heard(stream, 2, LOOK_AHEAD_SAMPLES))
    assert np.abs(late_ms).max() < 2, late_ms


async def test_a_killed_node_joins_again_in_time(tmp_path: Path, station: Station) -> None:
    pcm = programme(6)
    packets = await asyncio.to_thread(encode, pcm, 20_000)
    async with Office(tmp_path) as office:
        station.start(office, zone=None)
        await office.expect(names.node_topic("node-1", "status"))
        assert (await office.configure("node-1", zone=ZONE, gain_db=-6.0))[1] is None
        stream = office.stream(80)
        await office.announce(ZONE, [stream])
        sending = asyncio.create_task(office.send(stream, packets))
        await asyncio.sleep(2.5)
        station.kill()
        station.start(office, zone=None)  # the zone is in its storage
        await sending
        await asyncio.sleep(0.3)
    emitted = station.heard(stream, 6, LOOK_AHEAD_SAMPLES)
    late_ms = delays_ms(pcm, emitted)
    level = np.sqrt(np.mean(emitted.reshape(-1, 4800) ** 2, axis=1))
    fine = np.sqrt(np.mean(emitted[4800 * 20 : 4800 * 60].reshape(-1, 480) ** 2, axis=1))
    assert np.count_nonzero(fine < 10) > 2  # it was gone
    assert np.abs(late_ms[40:]).max() < 2, late_ms[40:]
    ratio = level[45:58].mean() / np.sqrt(np.mean(decode(packets)[4800 * 45 : 4800 * 58] ** 2))
    assert abs(20 * np.log10(ratio) + 6) < 0.5


async def test_commands(tmp_path: Path, station: Station) -> None:
    async with Office(tmp_path) as office:
        station.start(office, zone=None)
        await office.expect(names.node_topic("node-1", "status"))
        status = names.node_topic("node-1", "status")
        found = report.parse_status(await office.expect(status))
        assert (found["state"], found["board"], found["restart_cause"]) == ("online", "esp32", "power")
        assert await office.command("node-1", command.TEST_TONE, {"duration_ms": 300}, 5) == (5, None)
        assert await office.command("node-1", command.STOP, None, 4) == (4, "counter must grow; the last was 5")
        await asyncio.sleep(0.5)
        assert await office.command("node-1", command.REBOOT, None, 6) == (6, None)
        assert station.process is not None
        code = await asyncio.to_thread(station.process.wait, 10)
        assert code == flash.REBOOT_EXIT_CODE
        gone = await office.expect(status, lambda raw: report.parse_status(raw)["state"] == "offline")
        assert report.parse_status(gone)["state"] == "offline"
        office.heard.clear()
        station.start(office, zone=None, cause=flash.reset_cause(code))
        again = await office.expect(status, lambda raw: report.parse_status(raw)["state"] == "online")
        assert report.parse_status(again)["restart_cause"] == "command"
    data = (station.folder / "node.dac").read_bytes()
    assert np.abs(np.frombuffer(data[: len(data) // 2 * 2], np.int16)).max() > 8000  # the tone


async def test_the_broker_goes_and_the_sound_stays(tmp_path: Path, station: Station) -> None:
    pcm = programme(4)
    packets = await asyncio.to_thread(encode, pcm, 20_000)
    async with Office(tmp_path) as office:
        station.start(office)
        await office.expect(names.node_topic("node-1", "status"))
        await asyncio.sleep(0.5)
        stream = office.stream(81)
        await office.announce(ZONE, [stream])
        sending = asyncio.create_task(office.send(stream, packets))
        await asyncio.sleep(1)
        await office.stop_broker()
        await asyncio.sleep(1)
        office.heard.clear()
        await office.start_broker()
        await office.expect(names.node_topic("node-1", "status"))
        await sending
        await asyncio.sleep(0.3)
    late_ms = delays_ms(pcm, station.heard(stream, 4, LOOK_AHEAD_SAMPLES))
    assert np.abs(late_ms).max() < 2, late_ms


def test_wrong_configuration_says_what_to_write(tmp_path: Path, station: Station) -> None:
    for text, expected in (
        (None, "loaxa node enrol"),
        ("{", "not a JSON object"),
        ('{"id": "Node"}', "broker is missing"),
        ('{"id": "Node", "broker": ["h", 1], "media": ["h", 2]}', "a name is 1 to 32 characters"),
        ('{"id": "n", "broker": ["h", 1], "media": ["h", 0]}', "media: port must be from 1 to 65535"),
        ('{"id": "n", "broker": ["h", 1], "media": ["h", 2]}', "key is missing"),
        ('{"id": "n", "broker": ["h", 1], "media": ["h", 2], "key": "%s"}' % ("0" * 63), "64 hexadecimal digits"),
        ('{"id": "n", "broker": ["h", 1], "media": ["h", 2], "key": "%s"}' % ("x" * 64), "64 hexadecimal digits"),
        ('{"id": "n", "broker": ["h", 1], "media": ["h", 2], "key": "%s"}' % ("0" * 64), "ca is missing"),
        (
            '{"id": "n", "broker": ["h", 1], "media": ["h", 2], "key": "%s", "ca": "x"}' % ("0" * 64),
            "certificate in PEM",
        ),
    ):
        if text is not None:
            (station.folder / "node.json").write_text(text)
        run = subprocess.run(
            flash.node_command(),
            cwd=station.folder,
            env=flash.node_environment(),
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
        assert run.returncode == 2, run.stdout + run.stderr
        assert expected in run.stdout
