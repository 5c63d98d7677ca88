"""The modules that stand in for an ESP32's."""

import json
import struct
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from hil_sim import flash

SCRIPT = Path(__file__).parent / "board_script.py"
PPM = -200.0
OFFSET_US = 123


def run(folder: Path, argument: str, cause: int) -> tuple[dict, int]:
    (folder / "board.json").write_text(
        json.dumps({"ppm": PPM, "ticks_offset_us": OFFSET_US, "capture": "a.dac", "position_noise_us": 0})
    )
    staged = flash.stage(folder / "flash")
    command = [*flash.node_command()[:-1], str(SCRIPT), argument]
    environment = {**flash.node_environment(cause), "MICROPYPATH": f"{flash.BOARD}:{staged}:.frozen"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=20, check=False)
    assert done.stdout, done.stderr
    return json.loads(done.stdout), done.returncode


@pytest.fixture
def board(tmp_path: Path) -> tuple[dict, int, Path]:
    found, code = run(tmp_path, "reset", flash.RESET_POWER_ON)
    return found, code, tmp_path


def test_ticks_run_at_the_crystal_and_wrap(board: tuple[dict, int, Path]) -> None:
    found, _, _ = board
    expected = int(found["mono_us"] * (1 + PPM * 1e-6)) + OFFSET_US
    assert 0 <= (found["ticks_us"] - expected) % (1 << 30) < 2000
    assert found["wrap"] == 1
    assert found["diff"] == 10
    assert abs(found["mono_us"] * 1000 - time.monotonic_ns()) < 60_000_000_000  # one clock for board and host


def test_asyncio_sleeps_as_long_as_it_should(board: tuple[dict, int, Path]) -> None:
    found, _, _ = board
    assert 55 <= found["slept_ms"] < 300
    assert found["timed_out"]


def test_dac_emits_in_blocks_at_the_crystal(board: tuple[dict, int, Path]) -> None:
    found, _, folder = board
    assert (found["free"], found["taken"], found["full"]) == (960, 960, 0)
    outs = [out for out, _ in found["positions"]]
    assert outs == sorted(outs)
    assert set(outs) <= {0, 240, 480, 720, 960}
    assert outs[-1] == 960
    steps = {(out, stamp) for out, stamp in found["positions"] if 0 < out < 960}
    for (out, stamp), (later, later_stamp) in zip(sorted(steps), sorted(steps)[1:], strict=False):
        assert abs((later_stamp - stamp) - (later - out) / 0.048) < 3  # by its own clock a block is 5 ms
    assert (found["underruns"], found["underruns_after"]) == (1, 1)  # silence is one event, however long
    data = (folder / "a.dac").read_bytes()
    first_ns, frames, rate = struct.unpack_from("<qII", data)
    assert (frames, rate) == (960, 47_990_400)
    assert np.array_equal(np.frombuffer(data, np.int16, 960, 16), np.arange(1, 961))
    second_ns, frames, _ = struct.unpack_from("<qII", data, 16 + 1920)
    assert frames == 100
    blocks = (second_ns - first_ns) * 47.9904e-6 / 240
    assert abs(blocks - round(blocks)) < 1e-3  # after a gap frames start with a block
    assert blocks >= 5


@pytest.mark.parametrize("sizes", [(120, 4, 6240, 480), (240, 3, 960, 480), (240, 2, 240, 100)])
def test_the_dac_emits_what_was_written(tmp_path: Path, sizes: tuple[int, ...]) -> None:
    (tmp_path / "board.json").write_text(json.dumps({"ppm": PPM, "ticks_offset_us": 0, "capture": "a.dac"}))
    staged = flash.stage(tmp_path / "flash")
    command = [*flash.node_command()[:-1], str(SCRIPT.with_name("dac_script.py")), *map(str, sizes)]
    environment = {**flash.node_environment(), "MICROPYPATH": f"{flash.BOARD}:{staged}:.frozen"}
    subprocess.run(command, cwd=tmp_path, env=environment, timeout=20, check=True)
    data = (tmp_path / "a.dac").read_bytes()
    emitted, at = [], 0
    while at < len(data):
        frames = struct.unpack_from("<qII", data, at)[1]
        emitted.append(np.frombuffer(data, np.int16, frames, at + 16))
        at += 16 + 2 * frames
    sound = np.concatenate(emitted)
    assert len(sound) > 10_000
    assert np.array_equal(sound, np.arange(len(sound)) % 24_000)


def test_reset_and_storage(board: tuple[dict, int, Path]) -> None:
    found, code, folder = board
    assert code == flash.REBOOT_EXIT_CODE
    assert (found["boots"], found["cause"], found["wlan"]) == (0, 1, True)
    again, code = run(folder, "hang", flash.reset_cause(code))
    assert (again["boots"], again["cause"]) == (1, flash.RESET_HARD)
    assert code == flash.WATCHDOG_EXIT_CODE
    assert flash.reset_cause(code) == flash.RESET_WATCHDOG


def test_a_flash_folder_can_be_staged_twice(tmp_path: Path) -> None:
    for _ in range(2):
        staged = flash.stage(tmp_path / "flash")
    assert (staged / "main.py").resolve() == flash.ROOT / "firmware" / "main.py"
    assert sorted(path.name for path in staged.iterdir()) == ["codec", "firmware", "main.py"]
    assert sorted(path.name for path in (staged / "codec").iterdir()) == ["__init__.py", "wire"]
