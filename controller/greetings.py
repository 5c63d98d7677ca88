"""Greets nodes that came on line, beside what listens to them, and no node more often than it needs.

A node in other hands can come on line a thousand times a second. Each greeting is two commits and two messages: done
where they are asked for, they would keep the others' answers waiting.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

PERIOD_S = 2.0
"""A node greets no sooner again either (firmware.node)."""
_AT_ONCE = 8
"""A whole village may come back in one instant."""


class Greetings:
    """Has `greet` done for each node that :meth:`want` names: at once, then every PERIOD_S at most, the last one too.

    A want that comes too soon is done when the time is over.
    """

    def __init__(self, greet: Callable[[str], Awaitable[None]]) -> None:
        self._greet = greet
        self._wanted: set[str] = set()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._turns = asyncio.Semaphore(_AT_ONCE)

    def want(self, node_id: str) -> None:
        """Have a node of ours greeted, in the background."""
        self._wanted.add(node_id)
        if node_id not in self._tasks:
            self._tasks[node_id] = asyncio.create_task(self._run(node_id), name=f"greetings {node_id}")

    async def stop(self) -> None:
        """Greet nobody any more."""
        tasks = tuple(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, node_id: str) -> None:
        try:
            while node_id in self._wanted:
                async with self._turns:
                    self._wanted.discard(node_id)
                    try:
                        await self._greet(node_id)
                    except Exception:  # it asks again when it needs to
                        log.exception("%s was not greeted", node_id)
                await asyncio.sleep(PERIOD_S)
        finally:
            del self._tasks[node_id]
