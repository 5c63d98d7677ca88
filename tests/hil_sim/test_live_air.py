"""The air of a living village: each horn as late and as quiet as its way is long, and nothing kept."""

import asyncio
import json
import math
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from hil_sim.live_air import BEHIND_S, FRAME, KEPT_S, Air, Horn
from hil_sim.ports import free_tcp_port
from hil_sim.scenario import Position
from hil_sim.signals import RATE

NS = 1_000_000_000
TONE_HZ = 500.0


def records(began_ns: int, seconds: float, ppm: float = 0.0) -> bytes:
    """Return what a board writes that emits a tone whose phase is 0 at `began_ns`, in runs of 10 ms."""
    rate = RATE * (1 + ppm * 1e-6)
    found = b""
    for first in range(0, round(seconds * RATE), 480):
        at_s = (first + np.arange(480)) / rate
        samples = np.round(16_000 * np.sin(2 * np.pi * TONE_HZ * at_s)).astype("<i2").tobytes()
        found += struct.pack("<qII", began_ns + round(first / rate * NS), 480, round(rate * 1000)) + samples
    return found


@pytest.mark.parametrize("ppm", [-50.0, 0.0, 50.0])
def test_a_horn_is_heard_on_the_axis_of_true_time(ppm: float) -> None:
    horn, began_ns = Horn(), 1_000_000_123_456
    written = records(began_ns, KEPT_S + 3, ppm)
    for start in range(0, len(written), 1001):  # as a pipe gives them
        horn.take(written[start : start + 1001])
    for first in (began_ns * RATE / NS + 10 * RATE, began_ns * RATE / NS + 14 * RATE + 0.37):
        at_s = (first + np.arange(960)) / RATE - began_ns / NS
        true = 16_000 / 32768 * np.sin(2 * np.pi * TONE_HZ * at_s)
        assert np.abs(horn.heard(first, 960) - true).max() < 0.02
    late = began_ns * RATE / NS + (KEPT_S + 3.1) * RATE
    assert not horn.heard(late, 960).any(), "what has not left yet is silent"
    assert not horn.heard(began_ns * RATE / NS + RATE, 960).any(), "what is long ago is forgotten"


def test_between_two_programmes_there_is_silence() -> None:
    horn, began_ns = Horn(), 5 * NS
    horn.take(records(began_ns, 1.0) + records(began_ns + 3 * NS, 1.0))
    first = began_ns * RATE // NS
    assert np.abs(horn.heard(first + RATE // 2, 960)).max() > 0.4
    assert not horn.heard(first + 2 * RATE, 960).any()
    assert np.abs(horn.heard(first + 3 * RATE + RATE // 2, 960)).max() > 0.4


@pytest.fixture
def air(tmp_path: Path) -> Iterator[Air]:
    found = Air(free_tcp_port(), [Position(0.0, 0.0)], "https://127.0.0.1:8080")
    found.start()
    found.pipe(0, tmp_path / "dac")
    yield found
    found.close()


async def stand(air: Air, x_m: float) -> tuple[NDArray[np.float64], int]:
    """Return a second of what is heard at `x_m` once there is something, and the number of its first sample."""
    async with connect(f"ws://127.0.0.1:{air.port}/air?x={x_m}&y=0", proxy=None) as end, asyncio.timeout(15):
        assert json.loads(await end.recv()) == {"silent": True}
        assert json.loads(await end.recv()) == {"format": "s16", "rate_hz": RATE, "frame_us": 20_000}
        frames = [await end.recv(decode=False) for _ in range(50)]
        numbers = [int.from_bytes(frame[:4], "big") for frame in frames]
        assert numbers == list(range(numbers[0], numbers[0] + 50))
        while not isinstance(said := await end.recv(), str):
            pass
        assert json.loads(said) == {"silent": True}
    return np.frombuffer(b"".join(frame[4:] for frame in frames), "<i2").astype(float), numbers[0] * FRAME


async def test_farther_away_it_is_later_and_quieter(air: Air, tmp_path: Path) -> None:
    began_ns = time.monotonic_ns() + NS // 2
    written = records(began_ns, 1.5)

    def emit() -> None:
        with (tmp_path / "dac").open("wb", buffering=0) as pipe:
            for number, start in enumerate(range(0, len(written), 976)):
                time.sleep(max(0.0, (began_ns - time.monotonic_ns()) / NS + (number + 1) * 0.01))
                pipe.write(written[start : start + 976])

    thread = threading.Thread(target=emit)
    thread.start()
    near, far = await asyncio.gather(stand(air, 34.3), stand(air, 68.6))
    await asyncio.to_thread(thread.join)
    onsets = [first + int(np.argmax(np.abs(sound) > 100)) for sound, first in (near, far)]
    assert onsets[0] == pytest.approx(began_ns * RATE / NS + 0.1 * RATE, abs=48)
    assert onsets[1] - onsets[0] == pytest.approx(0.1 * RATE, abs=24)
    levels = [math.atanh(np.abs(sound[RATE // 2 :]).max() / 32767) for sound, _ in (near, far)]
    assert levels[0] == pytest.approx(16_000 / 32768 * 10 / 34.3, rel=0.02)
    assert levels[0] / levels[1] == pytest.approx(2.0, rel=0.02)
    assert BEHIND_S < 1.0


@pytest.mark.parametrize(
    ("path", "origin", "status"),
    [
        ("/air?x=0&y=0", "https://evil.example", 403),
        ("/air?x=0", None, 404),
        ("/air?x=nan&y=0", None, 404),
        ("/air?x=1e9&y=0", None, 404),
        ("/other?x=0&y=0", None, 404),
    ],
)
async def test_who_is_not_let_in(air: Air, path: str, origin: str | None, status: int) -> None:
    headers = {"Origin": origin} if origin else {}
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"ws://127.0.0.1:{air.port}{path}", proxy=None, additional_headers=headers)
    assert refused.value.response.status_code == status
