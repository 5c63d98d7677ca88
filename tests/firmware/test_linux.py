"""A node on Linux: ALSA and libopus by ffi, heard at the monitor of a PulseAudio null sink."""

import asyncio
import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from codec.wire import command, names, report
from hil_sim import flash
from tests import needs
from tests.firmware import capture
from tests.firmware.office import Office, encode
from tests.firmware.test_node import programme

pytestmark = pytest.mark.alone

RATE = 48_000
ZONE = "thon-1"


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A sound server of our own with one null sink; returns the environment that reaches it."""
    needs.pulseaudio()
    socket = tmp_path / "pulse.sock"
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path)}
    server = subprocess.Popen(
        [
            *("pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"),
            *("--load", f"module-native-protocol-unix socket={socket} auth-anonymous=1"),
            *("--load", "module-null-sink sink_name=horn rate=48000 channels=1 format=s16le"),
        ],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for _ in range(100):
        if socket.exists():
            break
        time.sleep(0.05)
    yield {**environment, "PULSE_SERVER": f"unix:{socket}"}
    server.terminate()
    server.wait()


def test_the_counter_is_one_that_nobody_slews(root: Path) -> None:
    """NTP turns CLOCK_MONOTONIC; what a node may believe hangs on how steady its counter is."""
    needs.pulseaudio()  # with it comes the library that the board's module wants
    script = """
import time
from firmware.hal.linux.board import LinuxHal
hal = object.__new__(LinuxHal)
hal.ticks_period = 1 << 40
print(hal.ticks_us() - time.ticks_us())
"""
    found = subprocess.run(
        [flash.micropython(), "-c", script],
        env={**os.environ, "MICROPYPATH": f"{root}:.frozen"},
        capture_output=True,
        check=True,
    )
    ahead_ns = time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW) - time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    assert abs(int(found.stdout) - ahead_ns // 1000) < 1000


async def test_sound_reaches_the_sound_card(tmp_path: Path, sink: dict[str, str], root: Path) -> None:
    pcm = programme(3)
    packets = await asyncio.to_thread(encode, pcm, 20_000)
    folder = tmp_path / "node"
    folder.mkdir()
    recording = tmp_path / "horn.raw"
    with recording.open("wb") as out:
        recorder = subprocess.Popen(
            [
                "parec",
                "--device=horn.monitor",
                "--rate=48000",
                "--channels=1",
                "--format=s16le",
                "--raw",
                "--latency-msec=20",
            ],
            env=sink,
            stdout=out,
        )
    async with Office(tmp_path) as office:
        for _ in range(200):
            if recording.stat().st_size:
                break
            await asyncio.sleep(0.05)
        (folder / "node.json").write_text(json.dumps({**office.node("pi", ZONE), "device": "pulse", "fill_ms": 100}))
        staged = flash.stage(tmp_path / "flash")
        environment = {**sink, "MICROPYPATH": f"{staged}:.frozen"}
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [flash.micropython(), "-X", "heapsize=1m", str(staged / "main.py")],
                cwd=folder,
                env=environment,
                stdout=log,
                stderr=log,
            )
        try:
            found = await office.expect(names.node_topic("pi", "status"))
            assert report.parse_status(found)["board"] == "linux"
            await asyncio.sleep(1)
            stream = office.stream(90, lead_us=400_000)
            await office.announce(ZONE, [stream])
            await office.send(stream, packets)
            await asyncio.sleep(0.6)
            await office.announce(ZONE, [])
            topic = names.node_topic("pi", "health")
            raw = await office.expect(topic, lambda raw: report.parse_health(raw)[0]["played"] >= 100, 15)
            print("underruns:", report.parse_health(raw)[0]["underruns"])
            counter, error = await office.command("pi", command.REBOOT)
            assert error is None
            assert await asyncio.to_thread(process.wait, 5) == flash.REBOOT_EXIT_CODE
            assert (folder / "restart-cause").read_text() == "command"
            assert json.loads((folder / "settings.json").read_text())["counter"] >= counter  # it may have asked since
        finally:
            process.kill()
            process.wait()
            recorder.terminate()
            recorder.wait()
    assert "failed" not in (folder / "log").read_text()
    heard = np.frombuffer(recording.read_bytes(), np.int16).astype(float)
    start = round(capture.delay_samples(pcm[:RATE].astype(float), heard, len(heard) - 1))
    late = [
        capture.delay_samples(pcm[i : i + 4800].astype(float), heard[start + i : start + i + 4800])
        for i in range(0, len(pcm) - 4800, 4800)
    ]
    # Where in the recording it begins nobody knows, and PulseAudio's own account of its delay wanders by milliseconds,
    # which the node follows. So this says that every piece came through, in order; not how exactly in time.
    assert np.abs(np.array(late) - np.median(late)).max() < 960, late
