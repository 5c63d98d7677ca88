"""What changed, to everyone who watches. A watcher that cannot follow is let go, and looks anew when it returns."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

MAX_WATCHERS = 200
MAX_WAITING = 1000

Event = tuple[str, dict[str, Any]]


@dataclass(eq=False)
class Watcher:
    """One that watches: an iterator of events, which ends when it was too slow or everything stops."""

    waiting: asyncio.Queue[Event | None] = field(default_factory=lambda: asyncio.Queue(MAX_WAITING + 1))

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        event = await self.waiting.get()
        if event is None:
            raise StopAsyncIteration
        return event


class Bus:
    """Carries events of kinds "node", "zone", "session", "sound" and "health", each with a JSON-ready body."""

    def __init__(self) -> None:
        self._watchers: set[Watcher] = set()
        self._closed = False

    @property
    def full(self) -> bool:
        """True when there is no place for one more watcher."""
        return self._closed or len(self._watchers) >= MAX_WATCHERS

    def publish(self, kind: str, body: dict[str, Any]) -> None:
        """Tell every watcher."""
        for watcher in tuple(self._watchers):
            if watcher.waiting.qsize() >= MAX_WAITING:
                self._dismiss(watcher)
            else:
                watcher.waiting.put_nowait((kind, body))

    @contextmanager
    def watch(self) -> Iterator[Watcher]:
        """Give a Watcher that gets every event from now on."""
        watcher = Watcher()
        self._watchers.add(watcher)
        if self._closed:
            self._dismiss(watcher)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)

    def close(self) -> None:
        """End every watch."""
        self._closed = True
        for watcher in tuple(self._watchers):
            self._dismiss(watcher)

    def _dismiss(self, watcher: Watcher) -> None:
        self._watchers.discard(watcher)
        watcher.waiting.put_nowait(None)
