"""Time that jumps from event to event, in the order in which things were asked for."""

import asyncio
import time

import pytest

from hil_sim.virtual.loop import VirtualLoop

HOUR_NS = 3_600_000_000_000


def test_what_is_due_happens_in_order_and_at_its_time() -> None:
    loop = VirtualLoop(5)
    seen: list[tuple[int, str]] = []

    async def run() -> None:
        loop.at_ns(300, lambda: seen.append((loop.now_ns, "late")))
        loop.at_ns(100, lambda: seen.append((loop.now_ns, "first")))
        loop.at_ns(100, lambda: seen.append((loop.now_ns, "second")))
        loop.at_ns(1, lambda: seen.append((loop.now_ns, "overdue")))
        await loop.sleep_until_ns(400)

    loop.run_until_complete(run())
    loop.close()
    assert seen == [(5, "overdue"), (100, "first"), (100, "second"), (300, "late")]
    assert loop.now_ns == 400


def test_asyncio_works_on_it_and_needs_no_real_time() -> None:
    loop = VirtualLoop()

    async def slow(seconds: float) -> float:
        await asyncio.sleep(seconds)
        return seconds

    async def run() -> None:
        assert await asyncio.gather(slow(3600), slow(60)) == [3600, 60]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(slow(3600), 5)
        async with asyncio.timeout(10):
            await asyncio.sleep(9)

    began_s = time.monotonic()
    loop.run_until_complete(run())
    loop.close()
    assert loop.now_ns == HOUR_NS + 14_000_000_000
    assert time.monotonic() - began_s < 30


def test_nothing_left_to_happen_is_said() -> None:
    loop = VirtualLoop()

    async def wait_for_nothing() -> None:
        await loop.create_future()

    with pytest.raises(RuntimeError, match="nothing is left to happen"):
        loop.run_until_complete(wait_for_nothing())
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


def test_an_exception_of_an_event_ends_the_run() -> None:
    loop = VirtualLoop()
    loop.at_ns(10, lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        loop.run_forever()
    loop.close()
