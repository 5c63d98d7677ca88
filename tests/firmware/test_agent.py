"""The same agent on CPython, with a HAL made of asyncio: what a village in virtual time will stand on."""

import asyncio
import os
import time
from array import array
from pathlib import Path

import opuslib_next
import pytest

from codec.wire import announcement, command, names, report
from firmware.node import agent
from firmware.node.agent import Agent
from firmware.node.config import Config
from tests.firmware.office import KEY, Office, encode
from tests.firmware.test_node import ZONE, programme

RATE = 48_000


class Decoder:
    """libopus with the interface of the C module ``opus``."""

    def __init__(self) -> None:
        self._decoder = opuslib_next.Decoder(RATE, 1)

    def reset(self) -> None:
        self._decoder = opuslib_next.Decoder(RATE, 1)

    def decode(self, packet: memoryview | None, pcm: memoryview, fec: bool = False) -> int:
        try:
            data = self._decoder.decode(bytes(packet or b""), len(pcm), decode_fec=fec)
        except opuslib_next.OpusError as error:
            raise ValueError(str(error)) from error
        samples = array("h", data)
        pcm[: len(samples)] = samples
        return len(samples)


class Dac:
    """Emits from its making on at the host's own rate."""

    def __init__(self) -> None:
        self._start_ns = time.monotonic_ns()
        self.samples = array("h")

    def _left(self) -> int:
        return min((time.monotonic_ns() - self._start_ns) * 48 // 1_000_000 // 240 * 240, len(self.samples))

    def write(self, block: memoryview) -> int:
        self.samples.extend(block)
        return len(block)

    def free(self) -> int:
        return 4800 - (len(self.samples) - self._left())

    def position(self) -> tuple[int, int]:
        left = self._left()
        return left, (self._start_ns // 1000 + left * 125 // 6) & 0x3FFFFFFF

    def underruns(self) -> int:
        return 0


class Udp(asyncio.DatagramProtocol):
    def __init__(self, peer: tuple[str, int]) -> None:
        self._peer = peer
        self._queue: list[tuple[bytes, bool]] = []
        self._event = asyncio.Event()

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))

    def datagram_received(self, data: bytes, source: tuple[str, int]) -> None:
        self._queue.append((data, source == self._peer))
        self._event.set()

    def send(self, data: bytes) -> None:
        self._transport.sendto(data, self._peer)

    def receive(self) -> tuple[bytes, bool] | None:
        return self._queue.pop(0) if self._queue else None

    async def readable(self) -> None:
        if not self._queue:
            self._event.clear()
            await self._event.wait()

    def close(self) -> None:
        self._transport.close()


class Hal:
    """See firmware/hal."""

    ticks_period = 1 << 30
    stamp_sd_us = 30.0
    board = "cpython"
    restart_cause = "start"

    def __init__(self, media: tuple[str, int]) -> None:
        self.dac = Dac()
        self.udp = Udp(media)
        self.settings: bytes | None = None
        self.errors: list[str] = []
        self.fed = 0
        self.network_failures = 0
        self.name_failures = 0
        self.lookups = 0
        self.rebooted: str | None = None

    def ticks_us(self) -> int:
        return time.monotonic_ns() // 1000 & 0x3FFFFFFF

    async def sleep_ms(self, ms: int) -> None:
        await asyncio.sleep(ms / 1000)

    def random(self) -> int:
        return os.urandom(1)[0]

    def open_dac(self) -> Dac:
        return self.dac

    def make_decoder(self) -> Decoder:
        return Decoder()

    async def network_up(self) -> None:
        if self.network_failures:
            self.network_failures -= 1
            raise OSError("no Wi-Fi")
        await self.udp.open()

    def open_udp(self, host: str, port: int) -> Udp:
        if self.name_failures:
            self.name_failures -= 1
            self.udp.close()
            raise OSError("no name server")
        return self.udp

    def resolve(self, host: str, port: int) -> tuple[str, int]:
        self.lookups += 1
        return host, port

    async def open_stream(self, address: tuple[str, int], authorities: list[str] | None):
        assert authorities is None
        return await asyncio.open_connection(*address)

    def load_settings(self) -> bytes | None:
        return self.settings

    def save_settings(self, data: bytes) -> None:
        self.settings = data

    def load_trust(self) -> None:
        return None

    def reboot(self, cause: str) -> None:
        self.rebooted = cause

    def watchdog(self, timeout_ms: int) -> "Hal":
        return self

    def feed(self) -> None:
        self.fed += 1

    def unknown(self) -> None:
        return None

    wifi_dbm = mobile_dbm = temperature_mc = storage_free_bytes = storage_total_bytes = free_heap_bytes = unknown
    link = fm = door_open = tilted = supply_mv = speaker_ma = unknown

    def log(self, text: str) -> None:
        self.errors.append(text)

    def log_exception(self, task: str, error: Exception) -> None:
        self.errors.append(f"{task}: {error!r}")


async def finish(running: asyncio.Task[None], hal: Hal, office: Office) -> None:
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    for _ in range(2):  # a link that is cancelled while it closes a connection tries the next one
        for task in asyncio.all_tasks() - {asyncio.current_task(), office._listener, *office.busy}:
            task.cancel()
        await asyncio.sleep(0.1)
    hal.udp.close()
    await asyncio.sleep(0.05)


async def test_agent_on_cpython(tmp_path: Path) -> None:
    packets = await asyncio.to_thread(encode, programme(1), 20_000)
    async with Office(tmp_path) as office:
        hal = Hal(office.media)
        config = Config("node-9", KEY, None, ("127.0.0.1", office.port), office.media)
        running = asyncio.create_task(Agent(hal, config).run())
        await office.expect(names.node_topic("node-9", "status"))
        assert (await office.configure("node-9", zone=ZONE))[1] is None
        assert hal.settings is not None
        await asyncio.sleep(0.5)
        stream = office.stream(5, in_us=100_000)
        await office.announce(ZONE, [stream])
        await office.send(stream, packets)
        await asyncio.sleep(0.3)
        await office.announce(ZONE, [])
        topic = names.node_topic("node-9", "health")
        raw = await office.expect(topic, lambda raw: report.parse_health(raw)[0]["played"] >= 49, 15)
        assert report.parse_health(raw)[0]["late"] == 0
        assert (await office.command("node-9", command.REBOOT))[1] is None
        await asyncio.sleep(1.2)
        assert hal.rebooted == "command"
        assert hal.fed > 1
        await finish(running, hal, office)
    assert not [line for line in hal.errors if "Cancelled" not in line]


async def test_a_node_that_boots_before_its_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent, "_NETWORK_RETRY_MS", 300)
    async with Office(tmp_path) as office:
        hal = Hal(office.media)
        hal.network_failures, hal.name_failures = 2, 1
        config = Config("node-9", KEY, None, ("127.0.0.1", office.port), office.media)
        running = asyncio.create_task(Agent(hal, config).run())
        await asyncio.sleep(0.7)
        assert hal.fed > 1
        assert len(hal.dac.samples) > RATE // 2
        await office.expect(names.node_topic("node-9", "status"))
        await office.member("node-9")
        assert [line.split("'")[1] for line in hal.errors] == ["no Wi-Fi", "no Wi-Fi", "no name server"]
        await finish(running, hal, office)


class ShyDac(Dac):
    """Takes nothing of every third block, and of the others 100 frames at a time."""

    turns = 0

    def write(self, block: memoryview) -> int:
        self.turns += 1
        return super().write(block[: 100 if self.turns % 3 else 0])


def test_what_a_dac_does_not_take_comes_next() -> None:
    hal = Hal(("127.0.0.1", 9))
    hal.dac = ShyDac()
    node = Agent(hal, Config("node-9", KEY, None, ("h", 1), ("h", 2)))
    node._dac = hal.dac
    made = array("h")
    player = node.pipeline.player

    def render(now_us: int, urgent: bool) -> memoryview:
        player._block[:480] = array("h", range(len(made) % 24_000, len(made) % 24_000 + 480))
        player._written += 480
        made.extend(player._block[:480])
        return player._block[:480]

    node.pipeline.render = render
    for _ in range(200):
        node._fill()
    assert len(made) >= 1440
    assert hal.dac.samples == made[: len(hal.dac.samples)]
    assert len(made) - len(hal.dac.samples) <= 480


class DeadDac(ShyDac):
    """Says that there is room and takes nothing, as one whose interrupts have stopped."""

    def write(self, block: memoryview) -> int:
        return 0


@pytest.mark.parametrize(("dac", "lives"), [(Dac, True), (ShyDac, True), (DeadDac, False)])
def test_a_dac_that_takes_nothing_lets_the_watchdog_bite(dac: type[Dac], lives: bool) -> None:
    hal = Hal(("127.0.0.1", 9))
    hal.dac = dac()
    node = Agent(hal, Config("node-9", KEY, None, ("h", 1), ("h", 2)))
    node._dac = hal.dac
    now_us = node.now_us()
    node.now_us = lambda: now_us
    for _ in range(50):
        now_us += 100_000
        hal.dac._start_ns -= 100_000_000  # its time goes on as the node's does
        node._fill()
    assert node.watchdog.healthy(now_us) is lives


async def test_a_group_that_cannot_be_joined_is_tried_ever_more_rarely() -> None:
    hal = Hal(("127.0.0.1", 9))
    waits: list[int] = []

    async def sleep_ms(ms: int) -> None:
        waits.append(ms)
        await asyncio.sleep(0 if len(waits) < 12 else 60)

    hal.sleep_ms = sleep_ms
    node = Agent(hal, Config("node-9", KEY, None, ("h", 1), ("h", 2)))
    node.announce([announcement.Stream(5, 20_000, 0, 150_000, 3, ("239.1.2.3", 5004))])
    await asyncio.sleep(0.05)
    assert waits[:4] == [100, 200, 400, 800]
    assert waits[-1] == 30_000
    node.announce([])
    await asyncio.sleep(0)
    assert not node._groups
