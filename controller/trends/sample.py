"""From the nodes' last reports to one minute's frame: a row a node, a column a gauge, a counter, a word. Pure.

Which columns there are is said by the reports alone: a gauge that nodes begin to tell needs nothing here.
"""

import zlib
from collections.abc import Mapping
from typing import Any

from controller.link.presence import NEW, ONLINE
from controller.trends.frame import Frame, column, words

MINUTE_US = 60_000_000
PARTS = 16
"""A minute is kept in so many pieces, so that the reader of one node need not unpack all of them."""
NODE, STATE, PLAYING = "node", "state", "playing"
MAX_COLUMNS = 100
"""Of each kind. What nodes may tell is a list in codec.wire.report; this holds where it grows without measure."""


def part_of(node_id: str) -> int:
    """Return which part of a minute a node is in."""
    return zlib.crc32(node_id.encode()) % PARTS


class Sampler:
    """Makes each minute's rows; remembers what the last report of each node was, to tell a new one and to subtract."""

    def __init__(self) -> None:
        self._last: dict[str, Mapping[str, Any]] = {}

    def sample(self, reports: Mapping[str, tuple[str, Mapping[str, Any] | None]]) -> dict[int, Frame]:
        """Return the frame of each part that has nodes. reports: state and last health of each node, by id.

        A node that was never seen has no row. One without a new report since the last call has its state alone, and
        its first report no counters: they count since its boot, and since when that is unknown is unknown.
        """
        parts: dict[int, list[tuple[str, str, dict[str, int | None], dict[str, str | None]]]] = {}
        for node_id, (state, health) in reports.items():
            if state == NEW:
                continue
            last = self._last.get(node_id)
            numbers: dict[str, int | None] = {}
            said: dict[str, str | None] = {}
            if state == ONLINE and health is not None and health is not last:
                numbers = dict(health.get("gauges", {}))
                numbers[PLAYING] = int(health.get("on_air") is not None)
                if last is not None:
                    numbers |= differences(last, health)
                said = dict(health.get("states") or {})
            if health is not None:
                self._last[node_id] = health
            parts.setdefault(part_of(node_id), []).append((node_id, state, numbers, said))
        for gone in self._last.keys() - reports.keys():
            del self._last[gone]
        return {part: _frame(rows) for part, rows in parts.items()}


def differences(last: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, int]:
    """Return what each counter counted between two reports; from zero where the node has booted in between."""
    before, after = last.get("counters", {}), now.get("counters", {})
    uptimes = [each.get("gauges", {}).get("uptime_s") for each in (last, now)]
    booted = None not in uptimes and uptimes[1] < uptimes[0]
    booted = booted or any(value < before.get(name, 0) for name, value in after.items())
    return {name: value - (0 if booted else before.get(name, 0)) for name, value in after.items()}


def _frame(rows: list[tuple[str, str, dict[str, int | None], dict[str, str | None]]]) -> Frame:
    numbers = list(dict.fromkeys(name for _, _, found, _ in rows for name in found))[:MAX_COLUMNS]
    said = list(dict.fromkeys(name for _, _, _, found in rows for name in found))[:MAX_COLUMNS]
    return Frame(
        len(rows),
        {name: column(found.get(name) for _, _, found, _ in rows) for name in numbers},
        {
            NODE: words([node_id for node_id, _, _, _ in rows]),
            STATE: words([state for _, state, _, _ in rows]),
            **{name: words([found.get(name) for _, _, _, found in rows]) for name in said},
        },
    )
