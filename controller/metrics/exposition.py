"""The page that Prometheus reads, made at most once in some seconds however many ask."""

import asyncio
import gzip
from typing import TYPE_CHECKING

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest

from controller.clock import mono_us
from controller.metrics.families import Collected
from controller.metrics.snapshot import Snapshot, gather

if TYPE_CHECKING:
    from controller.office import Office

CONTENT_TYPE = CONTENT_TYPE_LATEST
KEPT_US = 2_000_000
"""A page for 2,000 nodes takes half a second of a core: whoever asks in a loop gets the same one."""
_GZIP_LEVEL = 1


def write(now: Snapshot) -> tuple[bytes, bytes]:
    """Return the page in Prometheus' text format, and gzipped; half a second for 2,000 nodes."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collected(now))
    ProcessCollector(registry=registry)
    text = generate_latest(registry)
    return text, gzip.compress(text, _GZIP_LEVEL)


class Exposition:
    """The page of an office."""

    def __init__(self, office: "Office") -> None:
        self._office = office
        self._made_us = -KEPT_US
        self._page: asyncio.Future[tuple[bytes, bytes]] | None = None

    async def page(self) -> tuple[bytes, bytes]:
        """Return the page, plain and gzipped, at most KEPT_US old; who asks while it is made waits for that one."""
        if self._page is None or (self._page.done() and mono_us() - self._made_us >= KEPT_US):
            self._page = asyncio.ensure_future(self._make())
        return await asyncio.shield(self._page)

    async def _make(self) -> tuple[bytes, bytes]:
        try:
            return await asyncio.to_thread(write, await gather(self._office))
        finally:
            self._made_us = mono_us()
