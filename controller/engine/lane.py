"""Drives one pipeline from block to block while something is on air in it."""

import asyncio
from collections.abc import Callable

from controller.engine.pacer import Pacer
from controller.engine.pipeline import Pipeline
from controller.engine.plan import Address, Plan
from controller.engine.source import Source


class Lane:
    """A pipeline and its pacer. `after_block` is told the media time of each block that was mixed."""

    def __init__(self, pipeline: Pipeline, pacer: Pacer, after_block: Callable[[int], None]) -> None:
        self.pipeline = pipeline
        self.pacer = pacer
        self.frames = 0
        self._after_block = after_block
        self._has_work = asyncio.Event()

    def apply(self, plan: Plan, sources: dict[str, Source], where: Callable[[bytes], Address | None]) -> None:
        """Take over `plan` from the next block on."""
        idle = not self.pipeline.on_air.streams
        if idle:
            self.pacer.restart()
        self.pipeline.on_air.apply(plan, sources, where, self.pacer.next_us)
        if self.pipeline.on_air.streams:
            self._has_work.set()

    async def run(self) -> None:
        """Carry block after block; never returns."""
        while True:
            if not self.pipeline.on_air.streams:
                self._has_work.clear()
                await self._has_work.wait()
            media_us = await self.pacer.next_block()
            frames = await self.pipeline.run_block(media_us)
            self.pacer.done(media_us, frames)
            self.frames += frames
            self._after_block(media_us)

    def close(self) -> None:
        """Free what the pacer holds."""
        self.pacer.close()
