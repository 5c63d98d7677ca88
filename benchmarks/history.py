"""A month of a province's reports in SQLite: how large, how soon a plot is there, how long writes hold the line.

The database is filled day by day as a controller does it over a month, by the real packer and in its order, so that
pages are as full as they would be; hours are packed for the last day alone. On top of it the controller's own parts
record an hour of minutes, make a plot of a month, pack the hour, pack the day, and remove the oldest.
"""

import asyncio
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Literal

import numpy as np
from sqlalchemy import insert, text

from benchmarks import reports, table
from codec.wire.report import COUNTERS, GAUGES
from controller.link.presence import ONLINE
from controller.storage.database import Database, sqlite_url
from controller.storage.trends import TrendChunk
from controller.trends import compact as compacting
from controller.trends.compact import DAY, HOUR
from controller.trends.frame import NOTHING, Frame, take
from controller.trends.pack import pack
from controller.trends.read import body, fetch, span
from controller.trends.recorder import Recorder
from controller.trends.sample import MINUTE_US

NODES, DAYS = 2000, 30
START = 29_000_160
"""The first minute of a day."""
PLOTS = 40
_NODES_AT_ONCE = 50


def run(nodes: int = NODES, days: int = DAYS) -> dict[str, Any]:
    """Return bytes and milliseconds; `month_bytes`: of NODES and DAYS, by proportion. days: 2 at the least."""
    with tempfile.TemporaryDirectory(prefix="loaxa-history-") as name:
        return asyncio.run(_measure(Path(name), nodes, days))


def describe(result: dict[str, Any]) -> str:
    """Return the figures as a table."""
    return table.lines(
        ("nodes", result["nodes"], f"{result['days']} days, a sample a minute"),
        ("the database file", result["file_bytes"], "bytes"),
        ("2,000 nodes, 30 days", result["month_bytes"], "bytes, with the log"),
        ("  a sample", result["bytes_a_sample"], "bytes"),
        ("plot of a month, p50", result["plot_ms"]["p50"], f"ms, {PLOTS} nodes, 600 points, all series"),
        ("  longest", result["plot_ms"]["max"], "ms"),
        ("a minute recorded, p50", result["minute_ms"]["p50"], "ms"),
        ("  longest", result["minute_ms"]["max"], "ms"),
        ("an hour packed in", result["hour_s"], "s"),
        ("a day packed in", result["day_s"], "s"),
        ("a day removed in", result["removed_s"], "s"),
        ("the writer held, longest", result["held_ms"]["max"], "ms, while all of that went on"),
        ("  p99", result["held_ms"]["p99"], f"ms, of {result['held_ms']['times']}"),
    )


class _Timed(asyncio.Lock):
    """The lock of the one writer; knows for how long each one had it, in ms."""

    def __init__(self) -> None:
        super().__init__()
        self.held_ms: list[float] = []
        self._since_s = 0.0

    async def acquire(self) -> Literal[True]:
        """Return when it is ours."""
        await super().acquire()
        self._since_s = time.perf_counter()
        return True

    def release(self) -> None:
        """Let the next one write."""
        self.held_ms.append(1000 * (time.perf_counter() - self._since_s))
        super().release()


async def _measure(folder: Path, nodes: int, days: int) -> dict[str, Any]:
    database = Database(sqlite_url(folder))
    await database.migrate()
    names = [f"cum-{number:05d}" for number in range(nodes)]
    last = START + (days - 1) * DAY
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn"), os.nice, (10,)) as pool:
        began_s = time.monotonic()
        empty_bytes = await _size(database, folder)
        for number in range(days - 1):
            made = pool.map(_day, range(nodes), [number] * nodes, chunksize=20)
            await _store(database, names, START + number * DAY, DAY, made)
        day_bytes = (await _size(database, folder) - empty_bytes) / (days - 1)
        hours = list(pool.map(_hours, range(nodes), [days - 1] * nodes, chunksize=20))
        filled_s = time.monotonic() - began_s
    for hour in range(22):
        await _store(database, names, last + hour * HOUR, HOUR, [each[hour] for each in hours])
    held = database._writing = _Timed()
    minute_ms = await _record(database, names, days - 1, last + 22 * HOUR)
    plot_ms = await _plots(database, names, last + 23 * HOUR, days)
    hour_s = await _timed(compacting.compact(database, last + 23 * HOUR, 400))
    before_ms, held.held_ms = held.held_ms, []
    await _store(database, names, last + 23 * HOUR, HOUR, [each[23] for each in hours])
    held.held_ms = before_ms
    day_s = await _timed(compacting.compact(database, last + DAY, 400))
    log_bytes = (folder / "loaxa.sqlite3-wal").stat().st_size
    file_bytes = await _size(database, folder)
    # Beside its days it has room for a day of hours and an hour of minutes, which is used again and again.
    month_bytes = (file_bytes + (DAYS - days) * day_bytes) * NODES / nodes + log_bytes
    removed_s = await _timed(compacting.compact(database, last + DAY, days - 1))
    await database.close()
    return {
        "nodes": nodes,
        "days": days,
        "filled_s": round(filled_s, 1),
        "file_bytes": file_bytes,
        "log_bytes": log_bytes,
        "month_bytes": round(month_bytes),
        "bytes_a_sample": round(month_bytes / (NODES * DAYS * DAY), 2),
        "plot_ms": _spread(plot_ms),
        "minute_ms": _spread(minute_ms),
        "hour_s": round(hour_s, 2),
        "day_s": round(day_s, 2),
        "removed_s": round(removed_s, 2),
        "held_ms": {**_spread(held.held_ms), "times": len(held.held_ms)},
    }


async def _size(database: Database, folder: Path) -> int:
    """Return the bytes of the file once all of its log is in it."""
    async with database.read() as session:
        await session.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    return (folder / "loaxa.sqlite3").stat().st_size


def _day(node: int, number: int) -> bytes:
    return pack(reports.day(node, number, START + number * DAY))


def _hours(node: int, number: int) -> list[bytes]:
    whole = reports.day(node, number, START + number * DAY)
    return [pack(take(whole, np.arange(hour * HOUR, (hour + 1) * HOUR))) for hour in range(24)]


async def _store(database: Database, names: list[str], start: int, minutes: int, bodies: Iterable[bytes]) -> None:
    rows = [
        {"node": node, "start": start, "minutes": minutes, "body": body}
        for node, body in zip(names, bodies, strict=True)
    ]
    for at in range(0, len(rows), _NODES_AT_ONCE):
        async with database.write() as session:
            await session.execute(insert(TrendChunk), rows[at : at + _NODES_AT_ONCE])


async def _record(database: Database, names: list[str], number: int, first: int) -> list[float]:
    """Record an hour from minute `first`; return how long each minute took, in ms."""
    told = [take(reports.day(node, number, 0), np.arange(22 * HOUR, 23 * HOUR)) for node in range(len(names))]
    heard: dict[str, tuple[str, dict[str, Any]]] = {}
    wall_us = 0
    recorder = Recorder(database, lambda: heard, 400, lambda: wall_us)
    took_ms = []
    counted: dict[str, dict[str, int]] = {name: dict.fromkeys(COUNTERS, 0) for name in names}
    for minute in range(HOUR):
        heard.update(
            (name, (ONLINE, _health(frame, minute, counted[name]))) for name, frame in zip(names, told, strict=True)
        )
        wall_us = (first + minute + 1) * MINUTE_US
        began_s = time.perf_counter()
        await recorder.record()
        took_ms.append(1000 * (time.perf_counter() - began_s))
    return took_ms


def _health(frame: Frame, minute: int, counted: dict[str, int]) -> dict[str, Any]:
    """Return the report of a minute, as the node sends it: counters since its boot."""
    values = {name: int(each[minute]) for name, each in frame.numbers.items()}
    for name in COUNTERS:
        counted[name] += max(values[name], 0)
    gauges = {name: None if values[name] == NOTHING else values[name] for name, _, _ in GAUGES}
    return {"counters": dict(counted), "gauges": gauges, "on_air": None, "states": {"link": "mobile", "speaker": "ok"}}


async def _plots(database: Database, names: list[str], now: int, days: int) -> list[float]:
    """Return how long a month of some nodes takes, in ms, from the database to the answer's bytes."""
    asked = span(now - days * DAY, now, 600)
    took_ms = []
    for name in names[:: max(1, len(names) // PLOTS)][:PLOTS]:
        began_s = time.perf_counter()
        kept = await fetch(database, name, asked)
        answer = await asyncio.to_thread(body, kept, asked)
        took_ms.append(1000 * (time.perf_counter() - began_s))
        if len(answer) < 100_000:
            raise RuntimeError(f"the plot of {name} has {len(answer)} bytes alone")
    return took_ms


async def _timed(work: Awaitable[Any]) -> float:
    began_s = time.perf_counter()
    await work
    return time.perf_counter() - began_s


def _spread(values: list[float]) -> dict[str, float]:
    values = sorted(values)
    return {
        "p50": round(statistics.median(values), 1),
        "p99": round(values[int(len(values) * 0.99)], 1),
        "max": round(values[-1], 1),
    }
