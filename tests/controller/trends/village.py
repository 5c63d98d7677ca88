"""A village whose reports say which minute they are from, and a wall clock that is set by hand."""

from typing import Any

from controller.link.presence import ONLINE
from controller.storage.database import Database
from controller.trends.read import fetch, plot, span
from controller.trends.recorder import Recorder

MINUTE_US = 60_000_000
START = 29_000_160
"""The first minute of a day in February 2025."""


class Village:
    """Some nodes with a recorder. told: the reports of the next minute, by node; None for those that say nothing."""

    def __init__(self, database: Database, nodes: int = 3, keep_days: int = 30) -> None:
        self.database = database
        self.nodes = [f"cum-{number}" for number in range(nodes)]
        self.minute = START
        self.states = dict.fromkeys(self.nodes, ONLINE)
        self.lost = 0
        self._health: dict[str, dict[str, Any]] = {}
        self.recorder = Recorder(database, self._heard, keep_days, lambda: (self.minute + 1) * MINUTE_US)

    async def pass_minutes(self, count: int, temperature_mc: int | None = None) -> None:
        """Record `count` minutes; the temperature tells the minute, unless it is given."""
        for _ in range(count):
            self.lost += 2
            for number, node in enumerate(self.nodes):
                if self.states[node] == ONLINE:
                    value = temperature_of(self.minute, number) if temperature_mc is None else temperature_mc
                    self._health[node] = {
                        "counters": {"lost": self.lost},
                        "gauges": {"temperature_mc": value, "wifi_dbm": None},
                        "on_air": None,
                        "states": {"link": "wifi"},
                    }
            await self.recorder.record()
            self.minute += 1

    async def plot(self, first: int, last: int, node: str = "cum-0", points: int = 10_000) -> dict[str, Any]:
        """Return the plot of a node."""
        asked = span(first, last, points)
        return plot(await fetch(self.database, node, asked), asked)

    async def temperatures(self, first: int, last: int, node: str = "cum-0") -> list[int | None]:
        """Return what is known of each minute."""
        shown = await self.plot(first, last, node)
        found: list[int | None] = shown["series"].get("temperature_mc", {"min": [None] * (last - first)})["min"]
        return found

    def _heard(self) -> dict[str, tuple[str, dict[str, Any] | None]]:
        return {node: (self.states[node], self._health.get(node)) for node in self.nodes}


def temperature_of(minute: int, number: int) -> int:
    """Return what a node says in a minute."""
    return (minute * 7919 + number * 104_729) % 40_000
