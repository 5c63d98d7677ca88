"""What changed, to everyone who watches. A watcher that cannot follow is let go, and looks anew when it returns."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

MAX_WATCHERS = 200
MAX_WAITING = 1000


@dataclass(eq=False)
class Watcher:
    """One that watches: an iterator of events as an event stream has them, which ends when it was too slow or
    everything stops."""

    waiting: asyncio.Queue[bytes | None] = field(default_factory=lambda: asyncio.Queue(MAX_WAITING + 1))

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        event = await self.waiting.get()
        if event is None:
            raise StopAsyncIteration
        return event


class Bus:
    """Carries events of kinds "nodes", "zone", "area", "session", "alert" and "health", each with a JSON-ready body."""

    def __init__(self) -> None:
        self._watchers: set[Watcher] = set()
        self._closed = False

    @property
    def full(self) -> bool:
        """True when there is no place for one more watcher."""
        return self._closed or len(self._watchers) >= MAX_WATCHERS

    def publish(self, kind: str, body: dict[str, Any]) -> None:
        """Tell every watcher; the event is serialised once for all of them."""
        if not self._watchers:
            return
        event = written(kind, body)
        for watcher in tuple(self._watchers):
            if watcher.waiting.qsize() >= MAX_WAITING:
                self._dismiss(watcher)
            else:
                watcher.waiting.put_nowait(event)

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


def written(kind: str, body: dict[str, Any]) -> bytes:
    """Return an event as an event stream has it (HTML, 9.2.5); its data is one line of JSON."""
    return f"event: {kind}\ndata: {json.dumps(body, separators=(',', ':'))}\n\n".encode()
