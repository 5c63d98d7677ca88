"""What a node on a real MicroPython says of its board: faults that come while it runs are told within seconds."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from codec.wire import command, names, report
from hil_sim import condition
from tests.firmware.office import Office
from tests.firmware.test_node import Station

pytestmark = pytest.mark.alone


class Sensed(Station):
    """A node whose board has sensors, and faults."""

    def __init__(self, folder: Path, name: str, ppm: float) -> None:
        super().__init__(folder, name, ppm)
        self.faults = condition.FaultsFile(self.folder)
        self.configured = {"sensors": {**condition.SENSORS, "fm": {"pin": 25}, "fm_power": {"pin": 26}}}
        self.built = {"pins": {**condition.PINS, "25": ["fm"], "26": ["fm_power"]}, "fm": "no_carrier"}


@pytest.fixture
def pole(tmp_path: Path) -> Iterator[Sensed]:
    made = Sensed(tmp_path, "node-1", -30.0)
    yield made
    made.kill()


class Watcher:
    """Hears a node's reports."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def until(self, right: Callable[[dict, dict], bool], seconds: float = 8) -> tuple[dict, dict]:
        def is_right(raw: bytes) -> bool:
            _, gauges, _, _, states = report.parse_health(raw)
            return right(gauges, states)

        topic = names.node_topic("node-1", "health")
        self._office.heard = [pair for pair in self._office.heard if pair[0] != topic]  # what comes from now on
        raw = await self._office.expect(topic, is_right, seconds)
        _, gauges, _, _, states = report.parse_health(raw)
        return gauges, states


async def test_a_board_tells_what_it_senses_and_what_fails(tmp_path: Path, pole: Sensed) -> None:
    async with Office(tmp_path) as office:
        pole.start(office)
        watcher = Watcher(office)
        await office.expect(names.node_topic("node-1", "status"), timeout_s=15)
        await office.configure("node-1", zone="thon-1", gain_db=-1.5)
        gauges, states = await watcher.until(lambda gauges, _: gauges["gain_cdb"] == -150)
        assert states == {"link": "wifi", "speaker": None, "fm": "no_carrier"}
        assert (gauges["wifi_dbm"], gauges["mobile_dbm"], gauges["temperature_mc"]) == (-55, None, 41_000)
        assert gauges["storage_free_bytes"] < gauges["storage_total_bytes"] == 1 << 21
        assert gauges["supply_mv"] == pytest.approx(12_600, abs=100)
        assert (gauges["muted"], gauges["door_open"], gauges["tilted"], gauges["speaker_ma"]) == (0, 0, 0, None)
        assert gauges["free_heap_bytes"] > 10_000

        pole.faults.set(door_open=1, tilted=1, fm="carrier", wifi_dbm=-91, temperature_c=85, supply_mv=9000)
        began_s = time.monotonic()
        gauges, states = await watcher.until(lambda gauges, _: gauges["door_open"] == 1)
        assert time.monotonic() - began_s < 5, "a box that is opened is told at once, not in turn"
        assert (gauges["tilted"], gauges["wifi_dbm"], gauges["temperature_mc"]) == (1, -91, 85_000)
        assert gauges["supply_mv"] == pytest.approx(9000, abs=100)
        assert states["fm"] == "carrier"

        pole.faults.clear()
        await watcher.until(lambda gauges, states: gauges["door_open"] == 0 and states["fm"] == "no_carrier")
    assert "failed" not in pole.log()


async def test_the_current_follows_what_is_played_and_tells_of_the_horns(tmp_path: Path, pole: Sensed) -> None:
    async def tone() -> None:
        assert (await office.command("node-1", command.TEST_TONE, {"duration_ms": 4000}))[1] is None

    async with Office(tmp_path) as office:
        pole.start(office)
        watcher = Watcher(office)
        await office.expect(names.node_topic("node-1", "status"), timeout_s=15)
        await office.configure("node-1", zone="thon-1")
        await tone()
        gauges, _ = await watcher.until(lambda _, states: states["speaker"] == "ok")
        assert gauges["speaker_ma"] == pytest.approx(condition.TONE_MA, rel=0.3)
        for fault in ("open", "short"):
            pole.faults.set(speaker=fault)
            await tone()
            await watcher.until(lambda _, states, fault=fault: states["speaker"] == fault)
            pole.faults.clear()
            await tone()
            await watcher.until(lambda _, states: states["speaker"] == "ok")
        await office.command("node-1", command.MUTE, {"muted": True})
        gauges, states = await watcher.until(lambda gauges, _: gauges["muted"] == 1)
        assert states["speaker"] == "ok"
    assert "failed" not in pole.log()
    assert json.loads((pole.folder / "board.json").read_text())["pins"]
