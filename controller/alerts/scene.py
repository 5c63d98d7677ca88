"""Looks at the controller's parts: what there is at one instant, for the watch."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

from controller.air import Air
from controller.alerts.watch import Placed, Scene
from controller.clock import mono_us
from controller.memory import Memory
from controller.reports import Reports
from controller.stations import Stations

DISK_US = 10_000_000


class Surveyor:
    """failing: channels of notification that do not get through."""

    def __init__(
        self,
        stations: Stations,
        reports: Reports,
        air: Air,
        memory: Memory,
        folder: Path,
        failing: Callable[[], dict[str, str]],
    ) -> None:
        self._stations = stations
        self._reports = reports
        self._air = air
        self._memory = memory
        self._folder = folder
        self._failing = failing
        self._free_bytes: int | None = None
        self._asked_us: int | None = None

    async def look(self) -> Scene:
        """Return the scene now. A plain RTP receiver says nothing, so nothing is said of it."""
        await self._ask_disk()
        roster = await self._stations.roster()
        reports, now_us = self._reports, mono_us()
        heard = reports.heard()
        nodes = [
            Placed(node.id, zone_id, reports.muted(node))
            for zone_id, members in roster.members.items()
            for node in members
            if node.rtp_address is None
        ]
        return Scene(
            nodes=nodes,
            states={node_id: state for node_id, (state, _) in heard.items()},
            healths={node_id: health for node_id, (_, health) in heard.items() if health is not None},
            on_air=frozenset(self._memory.streams),
            engine=self._air.ready,
            broker=reports.link is not None and reports.link.connected,
            free_bytes=self._free_bytes,
            failing=self._failing(),
            since_us=lambda node_id: reports.presence.since_us(node_id, now_us),
        )

    async def _ask_disk(self) -> None:
        if self._asked_us is not None and mono_us() - self._asked_us < DISK_US:
            return
        self._asked_us = mono_us()
        try:
            usage = await asyncio.to_thread(shutil.disk_usage, self._folder)  # a disk on a network may hang
        except OSError:
            self._free_bytes = None
        else:
            self._free_bytes = usage.free
