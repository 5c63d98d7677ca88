"""A child that dies is started again; one that does not listen is killed."""

import asyncio
import os
import signal

from controller.supervisor import Child, Supervisor


async def _sleeper() -> Child:
    return await asyncio.create_subprocess_exec("sh", "-c", "trap '' TERM; while :; do sleep 0.1; done")


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
