"""A child that dies is started again; one that does not listen is killed."""

import asyncio
import os
import signal

import pytest

from controller import supervisor as module
from controller.supervisor import FIRST_DELAY_S, MAX_DELAY_S, Child, Supervisor


async def _sleeper() -> Child:
    return await asyncio.create_subprocess_exec("sh", "-c", "trap '' TERM; while :; do sleep 0.1; done")


class Mortal:
    """A child that dies when the test says so."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.died = asyncio.Event()

    async def wait(self) -> int:
        await self.died.wait()
        return -9

    def terminate(self) -> None:
        self.died.set()

    kill = terminate


class Deaths:
    """A supervisor of mortals, and how long it waited before each restart; no time passes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.waited_s: list[float] = []
        self._turn = asyncio.sleep
        self._children: list[Mortal] = []
        monkeypatch.setattr(asyncio, "sleep", self._sleep)
        self.supervisor = Supervisor("mortal", self._start)

    async def kill(self) -> None:
        """Let the child die and return when the next one lives."""
        self._children[-1].died.set()
        for _ in range(10):
            await self._turn(0)
        assert self.supervisor.pid == self._children[-1].pid == self.supervisor.restarts + 1

    async def _start(self) -> Child:
        self._children.append(Mortal(len(self._children) + 1))
        return self._children[-1]

    async def _sleep(self, delay_s: float) -> None:
        self.waited_s.append(delay_s)
        await self._turn(0)


async def test_the_first_death_is_met_at_once_and_each_early_one_slower(monkeypatch: pytest.MonkeyPatch) -> None:
    deaths = Deaths(monkeypatch)
    await deaths.supervisor.run()
    for _ in range(9):
        await deaths.kill()
    assert deaths.waited_s[0] <= FIRST_DELAY_S <= 0.2, "the rest of 'back within a second' is the child's own start"
    assert deaths.waited_s == sorted(deaths.waited_s)
    assert deaths.waited_s[-1] == MAX_DELAY_S
    await deaths.supervisor.stop()


async def test_a_child_that_lived_long_is_replaced_without_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STEADY_S", 0.0)
    deaths = Deaths(monkeypatch)
    await deaths.supervisor.run()
    for _ in range(3):
        await deaths.kill()
    assert deaths.waited_s == [0.0, 0.0, 0.0]
    await deaths.supervisor.stop()


async def test_it_comes_back_and_is_ended() -> None:
    supervisor = Supervisor("sleeper", _sleeper, stop_s=0.3)
    await supervisor.run()
    first = supervisor.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    async with asyncio.timeout(5):
        while supervisor.restarts == 0 or supervisor.pid is None:
            await asyncio.sleep(0.01)
    assert supervisor.pid != first
    await supervisor.stop()
    assert supervisor.pid is None


async def test_it_tries_again_when_the_start_fails() -> None:
    failures = 3

    async def start() -> Child:
        nonlocal failures
        if 0 < failures < 3:
            failures -= 1
            raise OSError("not yet")
        failures -= 1
        return await asyncio.create_subprocess_exec("true") if failures == 2 else await _sleeper()

    supervisor = Supervisor("flaky", start, stop_s=0.3)
    await supervisor.run()
    async with asyncio.timeout(10):
        while supervisor.restarts < 3 or supervisor.pid is None:
            await asyncio.sleep(0.01)
    await supervisor.stop()
