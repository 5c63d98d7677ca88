"""Keeps what nodes tell: each minute on the disk at once, each hour packed, in tasks of its own."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import delete, insert

from controller.clock import wall_us
from controller.storage.database import Database
from controller.storage.trends import TrendMinute
from controller.trends.compact import HOUR, compact
from controller.trends.pack import pack
from controller.trends.sample import MINUTE_US, Sampler

log = logging.getLogger(__name__)

Heard = Callable[[], Mapping[str, tuple[str, Mapping[str, Any] | None]]]


class Recorder:
    """Samples `heard` (controller.reports.Reports.heard) each minute; keeps it for `keep_days`.

    wall_us: the wall clock. It may step: a minute that comes twice is kept as it was the last time.
    """

    def __init__(self, database: Database, heard: Heard, keep_days: int, wall: Callable[[], int] = wall_us) -> None:
        self._database = database
        self._heard = heard
        self._keep_days = keep_days
        self._wall_us = wall
        self._sampler = Sampler()
        self._tasks: list[asyncio.Task[None]] = []
        self._hour_over = asyncio.Event()
        self._hour = 0

    def start(self) -> None:
        """Begin to sample, and pack what was left by whoever ran before."""
        self._hour_over.set()
        self._tasks = [
            asyncio.create_task(self._sample(), name="trends"),
            asyncio.create_task(self._compact(), name="trends, compaction"),
        ]

    async def stop(self) -> None:
        """End; the minute that is under way is not kept."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def record(self) -> None:
        """Keep what was heard last as the minute that ends now."""
        # The nearest end of a minute: this is called some milliseconds before or after it.
        minute = (self._wall_us() + MINUTE_US // 2) // MINUTE_US - 1
        heard = self._heard()  # reports in it are replaced, never changed
        rows = await asyncio.to_thread(self._rows, minute, heard)
        async with self._database.write() as session:
            await session.execute(delete(TrendMinute).where(TrendMinute.minute == minute))
            if rows:
                await session.execute(insert(TrendMinute), rows)
        if minute // HOUR != self._hour:
            self._hour = minute // HOUR
            self._hour_over.set()

    def _rows(self, minute: int, heard: Mapping[str, tuple[str, Mapping[str, Any] | None]]) -> list[dict[str, Any]]:
        parts = self._sampler.sample(heard)
        return [{"minute": minute, "part": part, "body": pack(frame)} for part, frame in parts.items()]

    async def _sample(self) -> None:
        while True:
            left_us = MINUTE_US - self._wall_us() % MINUTE_US
            if left_us < MINUTE_US // 10:  # woken a little early: this minute's end is the one that was just kept
                left_us += MINUTE_US
            await asyncio.sleep(left_us / 1e6)
            try:
                await self.record()
            except Exception:  # a database that is away comes back
                log.exception("what nodes told in this minute is not kept")

    async def _compact(self) -> None:
        while True:
            await self._hour_over.wait()
            self._hour_over.clear()
            try:
                await compact(self._database, self._wall_us() // MINUTE_US, self._keep_days)
            except Exception:  # it is done with the next hour
                log.exception("what nodes told is not packed")
