"""What one node told, as a plot: the least, mean and greatest value in each of some equal steps of time."""

import gzip
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import select

from controller.link.presence import OFFLINE, ONLINE, SILENT
from controller.storage.database import Database
from controller.storage.trends import TrendChunk, TrendMinute
from controller.trends.compact import DAY, MINUTE, by_node, merged
from controller.trends.frame import NOTHING, Column, Frame, Words, join, latest
from controller.trends.sample import STATE, part_of

_WORSE = (ONLINE, SILENT, OFFLINE)
"""Of a step in which a node had several states the last of these is shown: a fault must not hide in a month."""

_GZIP_LEVEL = 4


@dataclass(frozen=True)
class Span:
    """Minutes `first` to before `last`, in steps of `step` minutes."""

    first: int
    last: int
    step: int

    @property
    def steps(self) -> int:
        """How many steps, the last one perhaps shorter."""
        return -(-(self.last - self.first) // self.step)


def span(first: int, last: int, points: int) -> Span:
    """Return the span from minute `first` to before `last`, after it, in `points` steps or fewer."""
    return Span(first, last, max(1, -(-(last - first) // points)))


@dataclass(frozen=True)
class Kept:
    """What the database has of a node: chunks in the order they count in, and minutes with other nodes in them."""

    node: str
    chunks: list[bytes]
    minutes: list[tuple[int, bytes]]


async def fetch(database: Database, node: str, asked: Span) -> Kept:
    """Return what is kept of a node in a span."""
    chunk, each = TrendChunk, TrendMinute
    async with database.read() as session:
        # Minutes first: what is packed meanwhile is then seen twice, not nowhere.
        minutes = await session.execute(
            select(each.minute, each.body)
            .where(each.minute >= asked.first, each.minute < asked.last, each.part == part_of(node))
            .order_by(each.minute)
        )
        fresh = [(row.minute, row.body) for row in minutes]
        chunks = await session.scalars(
            select(chunk.body)
            .where(chunk.node == node, chunk.start > asked.first - DAY, chunk.start < asked.last)
            .order_by(chunk.minutes.desc(), chunk.start)
        )
        return Kept(node, list(chunks), fresh)


def plot(kept: Kept, asked: Span, names: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Return ``times`` (the beginning of each step, unix seconds), ``series``, ``states`` and ``words``.

    names: of the series and words wanted; none: all that something is known of. Takes tens of milliseconds for a
    month: to be called in a thread.
    """
    frame = _frame(kept)
    minutes = frame.numbers.get(MINUTE, np.zeros(0, np.int64))
    inside = (minutes >= asked.first) & (minutes < asked.last)
    bins = (minutes[inside] - asked.first) // asked.step
    times = [60 * (asked.first + number * asked.step) for number in range(asked.steps)]
    series = {}
    for name, values in frame.numbers.items():
        if name != MINUTE and (not names or name in names):
            found = _series(bins, values[inside], asked.steps)
            if found:
                series[name] = found
    said = {
        name: _changes(_line(bins, each.codes[inside], asked.steps), each.vocabulary, times)
        for name, each in frame.words.items()
        if name != STATE and (not names or name in names)
    }
    states: list[list[Any]] = []
    if STATE in frame.words:
        bad_last = _by_badness(frame.words[STATE])
        codes = bad_last.codes[inside]
        order = np.argsort(codes, kind="stable")
        states = _changes(_line(bins[order], codes[order], asked.steps), bad_last.vocabulary, times)
    return {
        "times": times,
        "series": series,
        "states": states,
        "words": {name: found for name, found in said.items() if found},
    }


def body(kept: Kept, asked: Span, names: frozenset[str] = frozenset(), compressed: bool = False) -> bytes:
    """Return the answer of the route as JSON, gzipped where it is to be `compressed`."""
    edges = {"from": _iso(asked.first), "to": _iso(asked.last), "step_s": 60 * asked.step}
    raw = json.dumps({**edges, **plot(kept, asked, names)}, separators=(",", ":")).encode()
    return gzip.compress(raw, _GZIP_LEVEL) if compressed else raw


def _frame(kept: Kept) -> Frame:
    chunks = merged(kept.chunks)
    fresh = by_node(kept.minutes, kept.node).get(kept.node)
    frames = [frame for frame in (chunks, fresh) if frame is not None]
    return latest(join(frames), MINUTE) if frames else Frame(0)


def _series(bins: Column, values: Column, steps: int) -> dict[str, list[Any]] | None:
    """Return min, mean and max of each step, None where nothing is known; None where nothing is known at all."""
    known = values != NOTHING
    values, bins = values[known], bins[known]
    if not len(values):
        return None
    firsts = np.flatnonzero(np.diff(bins, prepend=-1))
    counts = np.diff(firsts, append=len(values))
    filled = bins[firsts]
    means = np.add.reduceat(values.astype(np.float64), firsts) / counts
    found = {
        "min": np.minimum.reduceat(values, firsts).tolist(),
        "mean": means.round(3).tolist(),
        "max": np.maximum.reduceat(values, firsts).tolist(),
    }
    shown = {}
    for name, each in found.items():
        line: list[Any] = [None] * steps
        for at, value in zip(filled.tolist(), each, strict=True):
            line[at] = value
        shown[name] = line
    return shown


def _by_badness(states: Words) -> Words:
    """Return the states, coded in the order of how bad they are."""
    vocabulary = tuple(sorted(states.vocabulary, key=lambda word: _WORSE.index(word) if word in _WORSE else -1))
    renamed = np.array([vocabulary.index(word) for word in states.vocabulary], np.int64)
    known = states.codes != NOTHING
    codes = np.full(len(states.codes), NOTHING)
    codes[known] = renamed[states.codes[known]]
    return Words(codes, vocabulary)


def _line(bins: Column, codes: Column, steps: int) -> Column:
    """Return the last code of each step, of those that are known."""
    known = codes != NOTHING
    line = np.full(steps, NOTHING)
    line[bins[known]] = codes[known]
    return line


def _changes(line: Column, vocabulary: tuple[str, ...], times: list[int]) -> list[list[Any]]:
    """Return ``[unix_s, word]`` where another word begins to hold, None where nothing is known; [] of nothing known."""
    if (line == NOTHING).all():
        return []
    begins = [0, *(np.flatnonzero(line[1:] != line[:-1]) + 1).tolist()]
    return [[times[at], None if line[at] == NOTHING else vocabulary[line[at]]] for at in begins]


def _iso(minute: int) -> str:
    return str(np.datetime64(minute, "m").astype("datetime64[s]")) + "Z"
