"""The DAC of a virtual board keeps the time of its crystal, says where it is, and runs dry as a board's does."""

import random
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from hil_sim.virtual.board import TICKS_PERIOD, Crystal, Dac
from hil_sim.virtual.loop import VirtualLoop

BLOCK = memoryview(bytearray(960)).cast("h")
MS = 1_000_000


class Ear:
    def __init__(self) -> None:
        self.heard: list[tuple[int, int]] = []

    def hear(self, first_ns: int, block: Any) -> None:
        self.heard.append((first_ns, len(block)))


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    made = VirtualLoop(1_000_000_000)
    yield made
    made.close()


def make(loop: VirtualLoop, ppb: int = 0) -> tuple[Dac, Ear]:
    ear = Ear()
    return Dac(loop, Crystal(ppb, 0), random.Random(1), ear), ear


@pytest.mark.parametrize("ppb", [-100_000, 0, 100_000])
def test_blocks_follow_each_other_at_the_crystals_rate(loop: VirtualLoop, ppb: int) -> None:
    dac, ear = make(loop, ppb)
    for _ in range(200):
        while dac.free() >= len(BLOCK):
            dac.write(BLOCK)
        loop.now_ns += 10 * MS
    starts = [first for first, _ in ear.heard]
    length_ns = 480 / 48_000 * 1e9 / (1 + ppb * 1e-9)
    for before, after in pairwise(starts):
        assert after - before == pytest.approx(length_ns, abs=2)
    assert dac.underruns() == 0
    out, ticks = dac.position()
    expected = (loop.now_ns - starts[0]) / 1e9 * 48_000 * (1 + ppb * 1e-9)
    assert out == pytest.approx(expected, abs=121)
    assert 0 <= ticks < TICKS_PERIOD


def test_it_runs_dry_once_and_begins_again_behind_its_buffers(loop: VirtualLoop) -> None:
    dac, ear = make(loop)
    dac.write(BLOCK)
    loop.now_ns += 100 * MS
    assert dac.underruns() == 1
    dac.write(BLOCK)
    first_ns, _ = ear.heard[-1]
    assert 10 * MS <= first_ns - loop.now_ns <= 13 * MS
    out, _ = dac.position()
    assert out == 480
    loop.now_ns += 100 * MS
    assert dac.underruns() == 2


def test_it_takes_no_more_than_its_ring_holds(loop: VirtualLoop) -> None:
    dac, _ = make(loop)
    written = 0
    while dac.free() >= len(BLOCK):
        written += dac.write(BLOCK)
    assert 6240 - 480 <= written <= 6240 + 5 * 120
    assert dac.free() >= 0


def test_a_crystal_wraps_and_drifts() -> None:
    crystal = Crystal(50_000, 7)
    assert crystal.ticks_us(0) == 7
    assert crystal.ticks_us(1_000_000_000_000) == (1_000_050_000 + 7) % TICKS_PERIOD
    assert crystal.ticks_us((TICKS_PERIOD - 8) * 1000) < 60_000, "it has wrapped"
