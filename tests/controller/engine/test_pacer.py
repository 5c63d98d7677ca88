"""The pacer: each block in time, as early as it needs to be, none twice, and none that nobody could use."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator

import pytest

from controller.engine.mediaclock import MediaClock
from controller.engine.pacer import LATE_US, Pacer

FRAME_US = 20_000


class HandClock(MediaClock):
    """A clock that stands still until it is set; whoever waits for an instant finds it there."""

    def __init__(self) -> None:
        super().__init__(0, 0)
        self.shown_us = 1_000_000

    def now_us(self) -> int:
        return self.shown_us

    def mono_ns(self, media_us: int) -> int:
        self.shown_us = max(self.shown_us, media_us)
        return 0


@pytest.fixture
async def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def pacer(clock: HandClock) -> AsyncIterator[Pacer]:
    made = Pacer(clock, FRAME_US, patience_us=75_000)
    yield made
    made.close()


async def _carry(pacer: Pacer, clock: HandClock, blocks: int, took_us: int) -> list[int]:
    """Let each block take `took_us`; return how long after its instant each was done."""
    late_us = []
    for _ in range(blocks):
        media_us = await pacer.next_block()
        clock.shown_us += took_us
        pacer.done(media_us, 1)
        late_us.append(clock.shown_us - media_us)
    return late_us


@pytest.mark.parametrize("took_us", [300, 4_000, 9_000])
async def test_a_block_is_done_by_its_instant_however_long_it_takes(
    pacer: Pacer, clock: HandClock, took_us: int
) -> None:
    await _carry(pacer, clock, 150, took_us)
    assert took_us <= pacer.early_us <= took_us + 100
    assert max(await _carry(pacer, clock, 20, took_us)) <= 100
    assert pacer.skipped_blocks == 0


async def test_it_is_never_earlier_than_half_a_block(pacer: Pacer, clock: HandClock) -> None:
    late_us = await _carry(pacer, clock, 200, 17_000)
    assert pacer.early_us == FRAME_US // 2
    assert late_us[-1] == 7_000
    assert pacer.late_frames == sum(1 for late in late_us if late > LATE_US) == 200


async def test_one_long_block_hardly_moves_the_next_ones(pacer: Pacer, clock: HandClock) -> None:
    await _carry(pacer, clock, 200, 1_000)
    await _carry(pacer, clock, 1, 60_000)
    assert pacer.early_us < 1_300


async def test_what_is_too_old_is_skipped_and_the_rest_is_caught_up(pacer: Pacer, clock: HandClock) -> None:
    first = await pacer.next_block()
    clock.shown_us = first + 10 * FRAME_US
    times_us = [await pacer.next_block()]
    assert 75_000 - FRAME_US < clock.shown_us - times_us[0] <= 75_000
    times_us += [await pacer.next_block() for _ in range(5)]
    assert all(later - earlier == FRAME_US for earlier, later in itertools.pairwise(times_us))
    assert pacer.skipped_blocks == (times_us[0] - first) // FRAME_US - 1


async def test_real_blocks_leave_in_time() -> None:
    clock = MediaClock.of_utc()
    pacer = Pacer(clock, FRAME_US, patience_us=75_000)
    seen = []
    for _ in range(20):
        media_us = await pacer.next_block()
        seen.append(media_us)
        time.sleep(0.002)
        await asyncio.sleep(0)
        pacer.done(media_us, 1)
    pacer.close()
    assert sorted(set(seen)) == seen
    assert all(media_us % FRAME_US == 0 for media_us in seen)
    assert pacer.early_us > 0
