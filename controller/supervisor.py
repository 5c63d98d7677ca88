"""Keeps a child process alive: starts it again when it dies, slower each time it dies young."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

log = logging.getLogger(__name__)

FIRST_DELAY_S = 0.05
MAX_DELAY_S = 5.0
STEADY_S = 10.0
"""A child that lived this long was sound: the next death is met without delay again."""


class Child(Protocol):
    """A running process; ``asyncio.subprocess.Process`` is one."""

    @property
    def pid(self) -> int:
        """Process id."""

    async def wait(self) -> int:
        """Return the exit code when it has ended."""

    def terminate(self) -> None:
        """Ask it to end."""

    def kill(self) -> None:
        """End it."""


class Supervisor:
    """One child of the name `name`, made by `start`, which returns when the child serves or raises when it cannot."""

    def __init__(self, name: str, start: Callable[[], Awaitable[Child]], stop_s: float = 2.0) -> None:
        self.name = name
        self.restarts = 0
        self.child: Child | None = None
        self._start = start
        self._stop_s = stop_s
        self._task: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """Process id while it runs, else None."""
        return self.child.pid if self.child else None

    async def run(self) -> None:
        """Start the child and return when it serves; whatever `start` raises the first time is raised here."""
        self.child = await self._start()
        self._task = asyncio.create_task(self._keep(), name=f"supervise {self.name}")

    async def stop(self) -> None:
        """End the child: asked first, killed when it does not listen."""
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        if self.child:
            child, self.child = self.child, None
            await end(child, self._stop_s)

    async def _keep(self) -> None:
        delay_s = 0.0
        while True:
            if self.child:
                began = time.monotonic()
                code = await self.child.wait()
                self.child = None
                lived_s = time.monotonic() - began
                delay_s = 0.0 if lived_s >= STEADY_S else _longer(delay_s)
                log.warning("%s ended with %s after %.1f s; again in %.2f s", self.name, code, lived_s, delay_s)
            await asyncio.sleep(delay_s)
            self.restarts += 1
            try:
                self.child = await self._start()
            except Exception as error:  # whatever keeps it from starting, the controller goes on and tries again
                delay_s = _longer(delay_s)
                log.error("%s does not start: %s; again in %.2f s", self.name, error, delay_s)


async def end(child: Child, patience_s: float) -> None:
    """End `child`: asked first, killed after `patience_s`; returns when it is gone."""
    with contextlib.suppress(ProcessLookupError):
        child.terminate()
    try:
        await asyncio.wait_for(child.wait(), patience_s)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()


def _longer(delay_s: float) -> float:
    return min(MAX_DELAY_S, max(FIRST_DELAY_S, 2 * delay_s))
