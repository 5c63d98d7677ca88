"""All nodes at a glance: their rows, ready to be sent, and an event with those that changed.

Two thousand nodes report every ten seconds, and hundreds of browsers watch. So a row is made and serialised only when
its node changed, once for everybody; changes of 100 ms go out as one event, and what shows nothing new as none.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

from controller.clock import mono_us, wall_us
from controller.events import Bus
from controller.memory import Memory
from controller.reports import Reports
from controller.rows import Row, event_of, row_of, stored_of
from controller.stations import Roster, Stations
from controller.storage.tables import Node

PERIOD_S = 0.1
"""Between two events at the least."""
GATHER_S = 0.02
"""The first change after a quiet time waits for those that come with it."""


class Overview:
    """Rows by node. What they show moves on in steps, at most one in PERIOD_S, and each step is told to who watches.

    So who begins to watch and then reads :meth:`rows` misses nothing. version: another one after each change of what
    is shown, zones included. worst_alerts: returns the kind of the worst alert of each node that has one; a node whose
    alert becomes another one must be touched.
    """

    def __init__(self, stations: Stations, reports: Reports, memory: Memory, bus: Bus) -> None:
        self.version = 0
        self.worst_alerts: Callable[[], Mapping[str, str]] = dict
        self._stations = stations
        self._reports = reports
        self._memory = memory
        self._bus = bus
        self._roster: Roster | None = None
        self._nodes: dict[str, Node] = {}
        self._rows: dict[str, Row] = {}
        self._written: dict[str, bytes] = {}
        self._since: dict[str, tuple[int, int]] = {}
        self._zones: list[Any] = []
        self._touched: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._stepped_s = 0.0

    async def start(self) -> None:
        """Make all rows, and follow the nodes and their changes."""
        await self.learn()
        self._stations.changed.append(self.learn)
        self._reports.told.append(self.touch)

    def stop(self) -> None:
        """Follow nothing any more."""
        if self._timer:
            self._timer.cancel()

    def rows(self) -> list[bytes]:
        """Return every row as JSON, by the ids of the nodes."""
        written = self._written
        for node_id, row in self._rows.items():
            if node_id not in written:
                written[node_id] = json.dumps(row, separators=(",", ":"), ensure_ascii=False).encode()
        return [written[node_id] for node_id in self._rows]

    def touch(self, node_id: str) -> None:
        """A node may show something else than before: look at it in the next step."""
        self._touched.add(node_id)
        if self._timer is None:
            loop = asyncio.get_running_loop()
            wait_s = max(GATHER_S, self._stepped_s + PERIOD_S - loop.time())
            self._timer = loop.call_later(wait_s, self._step)

    def renew(self) -> None:
        """Something of a zone that no row shows is another: the next answer is made anew."""
        self.version += 1

    def touch_zone(self, zone_id: str) -> None:
        """What is on air in a zone changed."""
        self.renew()
        for node in self._roster.members.get(zone_id, []) if self._roster else ():
            self.touch(node.id)

    async def learn(self) -> None:
        """Zones or nodes were changed: tell who watches to read them anew, or only the rows where that is enough."""
        roster = await self._stations.roster()
        self._roster = roster
        self._nodes = {node.id: node for node in await self._stations.nodes()}
        before, self._rows = self._rows, {}
        rows = self._make(self._nodes)
        self._since = {node_id: since for node_id, since in self._since.items() if node_id in rows}
        zones = [_columns(zone) for zone in roster.zones.values()]
        same = zones == self._zones and before.keys() == rows.keys()
        same = same and all(stored_of(row) == stored_of(before[node_id]) for node_id, row in rows.items())
        self._zones = zones
        self._rows = rows
        self._written = {each: raw for each, raw in self._written.items() if before.get(each) == rows.get(each)}
        self.version += 1
        if same:
            self._tell(event_of(row) for node_id, row in rows.items() if event_of(row) != event_of(before[node_id]))
        else:
            self._bus.publish("zone", {})

    def _step(self) -> None:
        self._timer = None
        self._stepped_s = asyncio.get_running_loop().time()
        touched, self._touched = self._touched, set()
        made = self._make({each: self._nodes[each] for each in touched if each in self._nodes})
        told = []
        for node_id, row in made.items():
            before = self._rows.get(node_id)
            if before is None or row == before:
                continue
            self._rows[node_id] = row
            self._written.pop(node_id, None)
            self.version += 1
            if event_of(row) != event_of(before):
                told.append(event_of(row))
        self._tell(told)

    def _tell(self, rows: Any) -> None:
        rows = list(rows)
        if rows:
            self._bus.publish("nodes", {"rows": rows})

    def _make(self, nodes: Mapping[str, Node]) -> dict[str, Row]:
        alerts = self.worst_alerts()
        made = {}
        for node_id, node in nodes.items():
            stream = self._memory.streams.get(node.zone)
            view = self._reports.view(node)
            ssrc = stream.ssrc if stream else None
            since_ms = self._since_ms(node)
            made[node_id] = row_of(node, view["state"], since_ms, view["health"], alerts.get(node_id), ssrc)
        return made

    def _since_ms(self, node: Node) -> int | None:
        if node.retired_wall_us is not None:
            return node.retired_wall_us // 1000
        now_us = mono_us()
        since_us = self._reports.presence.since_us(node.id, now_us)
        if since_us is None:
            return None
        known = self._since.get(node.id)
        if known is None or known[0] != since_us:  # reckoned once: else it would move as the wall clock is set
            known = self._since[node.id] = since_us, (wall_us() - now_us + since_us) // 1000
        return known[1]


def _columns(zone: Any) -> dict[str, Any]:
    return {column.name: getattr(zone, column.name) for column in zone.__table__.columns}
