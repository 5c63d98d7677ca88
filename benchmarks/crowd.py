"""A province of nodes that are not there: their rows in a database, and one MQTT client that says what all would."""

import asyncio
import heapq
import random
import threading
import time
from pathlib import Path

from sqlalchemy import insert

from benchmarks.mouth import Mouth
from codec.wire import report
from controller.clock import wall_us
from controller.storage.database import Database, sqlite_url
from controller.storage.tables import Node, Zone

ZONES = 100
AWAY_S = 1.0
"""How long a node is gone that goes, and how long it stays at least once it is back: each change can be seen."""
WATCHED_SHARE = 0.1
"""So many of those that go are among the nodes that somebody has before his eyes."""
_TICK_S = 0.01
_READY_S = 30.0


def name_of(number: int) -> str:
    """Return the id of a node."""
    return f"cum-{number:04}"


async def settle_in(folder: Path, nodes: int) -> None:
    """Write a database with zones and enrolled nodes."""
    folder.mkdir(parents=True)
    database = Database(sqlite_url(folder))
    await database.migrate()
    async with database.write() as session:
        zones = [{"id": f"thon-{number:03}", "title": f"Thôn số {number}"} for number in range(ZONES)]
        await session.execute(insert(Zone), zones)
        rows = [
            {
                "id": name_of(number),
                "title": f"Cụm loa số {number}",
                "zone": f"thon-{number % ZONES:03}",
                "lat": 20.5 + number % 50 / 100,
                "lon": 105.5 + number // 50 / 100,
                "board": "esp32-s3",
                "enrolled_wall_us": wall_us(),
            }
            for number in range(nodes)
        ]
        await session.execute(insert(Node), rows)
    await database.close()


class Crowd(threading.Thread):
    """Says by MQTT, without TLS, that nodes are on line, go and come back, and how they are, from a thread of its own.

    per_s: changes of state in all; nothing changes at 0. watched: ids that are before somebody's eyes. said: when
    which node was said to be in which state, seconds of the wall clock; appended to as long as it runs.
    """

    def __init__(self, port: int, nodes: int, seed: int = 1) -> None:
        super().__init__(name="crowd", daemon=True)
        self.per_s = 0.0
        self.watched: list[str] = []
        self.said: list[tuple[float, str, str]] = []
        self._port = port
        self._names = [name_of(number) for number in range(nodes)]
        self._chance = random.Random(seed)
        self._away: list[tuple[float, str]] = []
        self._gone: set[str] = set()
        self._back: dict[str, float] = {}
        self._ready = threading.Event()
        self._over = threading.Event()

    def begin(self) -> None:
        """Start; return when every node has said that it is on line."""
        self.start()
        if not self._ready.wait(_READY_S):
            raise RuntimeError("the crowd does not reach its broker")

    def end(self) -> None:
        """Fall silent."""
        self._over.set()
        self.join()

    def run(self) -> None:
        """Speak until :meth:`end`."""
        asyncio.run(self._speak())

    async def _speak(self) -> None:
        async with Mouth(self._port) as self._mqtt:
            for node in self._names:
                await self._status(node, report.ONLINE)
            self._ready.set()
            await asyncio.gather(self._change(), self._health())

    async def _status(self, node: str, state: str) -> None:
        self.said.append((time.time(), node, state))
        await self._mqtt.say(node, "status", report.build_status(state, "1", "esp32-s3"))

    async def _change(self) -> None:
        due = 0.0
        before_s = time.monotonic()
        while not self._over.is_set():
            now_s = time.monotonic()
            due += (now_s - before_s) * self.per_s / 2  # each that goes comes back
            before_s = now_s
            while due >= 1:
                due -= 1
                node = self._one()
                self._gone.add(node)
                heapq.heappush(self._away, (now_s + AWAY_S, node))
                await self._status(node, report.OFFLINE)
            while self._away and self._away[0][0] <= now_s:
                _, node = heapq.heappop(self._away)
                self._gone.discard(node)
                self._back[node] = now_s
                await self._status(node, report.ONLINE)
            await asyncio.sleep(_TICK_S)

    def _one(self) -> str:
        near = [node for node in self.watched if self._may_go(node)]
        if near and self._chance.random() < WATCHED_SHARE:
            return self._chance.choice(near)
        while not self._may_go(node := self._chance.choice(self._names)):
            pass
        return node

    def _may_go(self, node: str) -> bool:
        return node not in self._gone and time.monotonic() - self._back.get(node, -AWAY_S) >= AWAY_S

    async def _health(self) -> None:
        """Have each node that is there report its health every ten seconds."""
        counters = dict.fromkeys(report.COUNTERS, 12345)
        began_s, done = time.monotonic(), 0
        while not self._over.is_set():
            while done < (time.monotonic() - began_s) * len(self._names) * 1000 / report.HEALTH_PERIOD_MS:
                node = self._names[done % len(self._names)]
                done += 1
                if node in self._gone:  # its report would say that it is there
                    continue
                gauges: dict[str, int | None] = dict.fromkeys(name for name, _, _ in report.GAUGES)
                gauges |= {"temperature_mc": 40_000 + done % 5000, "mobile_dbm": -70 - done % 40}
                raw = report.build_health(counters, gauges, None, states={"link": "mobile"})
                await self._mqtt.say(node, "health", raw)
            await asyncio.sleep(_TICK_S)
