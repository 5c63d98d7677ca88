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
        self._about: dict[str, set[Watcher]] = {}
        self._closed = False

    @property
    def full(self) -> bool:
        """True when there is no place for one more watcher."""
        return self._closed or len(self._watchers) + sum(map(len, self._about.values())) >= MAX_WATCHERS

    def publish(self, kind: str, body: dict[str, Any]) -> None:
        """Tell every watcher; the event is serialised once for all of them."""
        if not self._watchers:
            return
        self._send(self._watchers, written(kind, body))

    def spoke(self, node_id: str) -> None:
        """Tell those who watch this node alone that it said something: the event "told", with its id."""
        if node_id in self._about:
            self._send(self._about[node_id], written("told", {"id": node_id}))

    @contextmanager
    def watch(self) -> Iterator[Watcher]:
        """Give a Watcher that gets every event from now on, but "told"."""
        with self._watching(self._watchers) as watcher:
            yield watcher

    @contextmanager
    def watch_node(self, node_id: str) -> Iterator[Watcher]:
        """Give a Watcher that gets "told" of one node from now on."""
        try:
            with self._watching(self._about.setdefault(node_id, set())) as watcher:
                yield watcher
        finally:
            if not self._about.get(node_id):
                self._about.pop(node_id, None)

    def close(self) -> None:
        """End every watch."""
        self._closed = True
        for watchers in (self._watchers, *self._about.values()):
            for watcher in tuple(watchers):
                _dismiss(watchers, watcher)

    @contextmanager
    def _watching(self, watchers: set[Watcher]) -> Iterator[Watcher]:
        watcher = Watcher()
        watchers.add(watcher)
        if self._closed:
            _dismiss(watchers, watcher)
        try:
            yield watcher
        finally:
            watchers.discard(watcher)

    def _send(self, watchers: set[Watcher], event: bytes) -> None:
        for watcher in tuple(watchers):
            if watcher.waiting.qsize() >= MAX_WAITING:
                _dismiss(watchers, watcher)
            else:
                watcher.waiting.put_nowait(event)


def _dismiss(watchers: set[Watcher], watcher: Watcher) -> None:
    watchers.discard(watcher)
    watcher.waiting.put_nowait(None)


def written(kind: str, body: dict[str, Any]) -> bytes:
    """Return an event as an event stream has it (HTML, 9.2.5); its data is one line of JSON."""
    return f"event: {kind}\ndata: {json.dumps(body, separators=(',', ':'))}\n\n".encode()
