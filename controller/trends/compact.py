"""Minutes into chunks of an hour a node, those into chunks of a day, and away with what is too old.

All in small steps: packing in a thread, a few nodes a transaction, so that whoever begins a broadcast meanwhile waits
for one of them at most. A step that is cut off is done again: what is in two places is the same, or the newer counts.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence

from sqlalchemy import delete, insert, or_, select

from controller.storage.database import Database
from controller.storage.trends import TrendChunk, TrendMinute
from controller.trends.frame import NOTHING, Frame, column, join, latest, take
from controller.trends.pack import PackError, pack, unpack
from controller.trends.sample import NODE

log = logging.getLogger(__name__)

MINUTE = "minute"
HOUR, DAY = 60, 1440
NODES_AT_ONCE = 8
ROWS_AT_ONCE = 64
PAUSE_S = 0.02
MAX_DAYS_A_RUN = 2
"""A clock that is years ahead for an hour must not cost all that was ever measured."""

Chunks = list[tuple[str, bytes]]


async def compact(database: Database, now: int, keep_days: int) -> None:
    """Pack what is over at wall minute `now`, and remove what is older than `keep_days`."""
    # Not "before now": after a clock went back, what lies ahead is over, too.
    for hour, part in await _begun(database, now):
        await _pack_hour(database, hour, part)
    day = now - now % DAY
    chunk = TrendChunk
    ours = (
        select(chunk.start // DAY)
        .distinct()
        .where(chunk.minutes == HOUR, or_(chunk.start < day, chunk.start >= day + DAY))
    )
    async with database.read() as session:
        days = sorted(await session.scalars(ours))
    for each in days:
        await _pack_day(database, each * DAY)
    await prune(database, now - keep_days * DAY)


async def prune(database: Database, before: int) -> int:
    """Remove chunks that ended by minute `before`, MAX_DAYS_A_RUN of them at most; return how many."""
    chunk = TrendChunk
    removed = 0
    for minutes in (HOUR, DAY):
        of_it = select(chunk.node, chunk.start).where(chunk.minutes == minutes).order_by(chunk.start)
        async with database.read() as session:
            oldest = (await session.execute(of_it.limit(1))).first()
        if oldest is None:
            continue
        until = min(before - minutes + 1, oldest.start + MAX_DAYS_A_RUN * DAY)
        while True:
            async with database.read() as session:
                found = (await session.execute(of_it.where(chunk.start < until).limit(ROWS_AT_ONCE))).all()
            if not found:
                break
            async with database.write() as session:
                # A list of pairs would be looked for in every row: SQLite has no index for it.
                for start in sorted({row.start for row in found}):
                    nodes = [row.node for row in found if row.start == start]
                    await session.execute(delete(chunk).where(chunk.node.in_(nodes), chunk.start == start))
            removed += len(found)
            await _rest(database)
    return removed


def merged(bodies: Iterable[bytes]) -> Frame | None:
    """Return one frame by the minute, of minutes that are in several the last; None of no frame that can be read."""
    frames = []
    for body in bodies:
        try:
            frames.append(unpack(body))
        except PackError as error:
            log.error("a part of what nodes told cannot be read, and is left out: %s", error)
    frames = [frame for frame in frames if MINUTE in frame.numbers]
    return latest(join(frames), MINUTE) if frames else None


def by_node(minutes: Iterable[tuple[int, bytes]], only: str | None = None) -> dict[str, Frame]:
    """Return the frame of each node, or of one, in these minutes, each a frame with a row a node."""
    frames = []
    for minute, body in minutes:
        try:
            frame = unpack(body)
        except PackError as error:
            log.error("minute %d of what nodes told cannot be read, and is left out: %s", minute, error)
            continue
        nodes = frame.words.get(NODE)
        if nodes is not None and only is not None:
            code = nodes.vocabulary.index(only) if only in nodes.vocabulary else NOTHING
            frame = take(frame, (nodes.codes == code).nonzero()[0])
        if nodes is not None:
            frames.append(Frame(frame.rows, {**frame.numbers, MINUTE: column([minute] * frame.rows)}, frame.words))
    if not frames:
        return {}
    whole = join(frames)
    nodes = whole.words[NODE]
    rest = Frame(whole.rows, whole.numbers, {name: each for name, each in whole.words.items() if name != NODE})
    return {
        node: latest(take(rest, (nodes.codes == code).nonzero()[0]), MINUTE)
        for code, node in enumerate(nodes.vocabulary)
        if only in (None, node)
    }


async def _begun(database: Database, now: int) -> list[tuple[int, int]]:
    """Return the hours, as their first minutes, and parts of minutes that are not of the hour of `now`."""
    hour = now - now % HOUR
    each = TrendMinute
    ours = select((each.minute // HOUR).label("hour"), each.part).distinct()
    async with database.read() as session:
        found = await session.execute(ours.where(or_(each.minute < hour, each.minute >= hour + HOUR)))
        return sorted((row.hour * HOUR, row.part) for row in found)


async def _pack_hour(database: Database, hour: int, part: int) -> None:
    of_it = (TrendMinute.part == part, TrendMinute.minute >= hour, TrendMinute.minute < hour + HOUR)
    async with database.read() as session:
        found = await session.execute(
            select(TrendMinute.minute, TrendMinute.body).where(*of_it).order_by(TrendMinute.minute)
        )
        minutes = [(row.minute, row.body) for row in found]
    frames = await asyncio.to_thread(by_node, minutes)
    for nodes in _batches(sorted(frames)):
        async with database.read() as session:
            asked = select(TrendChunk.node, TrendChunk.minutes, TrendChunk.body)
            known = await session.execute(asked.where(TrendChunk.node.in_(nodes), TrendChunk.start == hour))
            there = {row.node: (row.minutes, row.body) for row in known}
        new = {node: frames[node] for node in nodes}
        packed = await asyncio.to_thread(_add, new, {node: body for node, (_, body) in there.items()})
        spans = {node: there.get(node, (HOUR, b""))[0] for node in nodes}
        await _replace(database, packed, hour, hour + 1, spans)
    async with database.write() as session:
        await session.execute(
            delete(TrendMinute).where(TrendMinute.part == part, TrendMinute.minute.in_([m for m, _ in minutes]))
        )
    await _rest(database)


async def _pack_day(database: Database, day: int) -> None:
    chunk = TrendChunk
    of_it = (chunk.start >= day, chunk.start < day + DAY)
    async with database.read() as session:
        nodes = sorted(await session.scalars(select(chunk.node).distinct().where(chunk.minutes == HOUR, *of_it)))
    for some in _batches(nodes):
        async with database.read() as session:
            asked = select(chunk.node, chunk.body).where(chunk.node.in_(some), *of_it)
            # What is already of a day was heard before the hours that came beside it.
            rows = (await session.execute(asked.order_by(chunk.node, chunk.minutes.desc(), chunk.start))).all()
        bodies: dict[str, list[bytes]] = {}
        for row in rows:
            bodies.setdefault(row.node, []).append(row.body)
        packed = await asyncio.to_thread(_merge, bodies)
        await _replace(database, packed, day, day + DAY, dict.fromkeys(some, DAY))


async def _replace(database: Database, packed: Chunks, start: int, end: int, spans: dict[str, int]) -> None:
    """Put these chunks, from `start`, in the place of all that their nodes have from `start` to before `end`."""
    chunk = TrendChunk
    async with database.write() as session:
        gone = (chunk.node.in_([node for node, _ in packed]), chunk.start >= start, chunk.start < end)
        await session.execute(delete(chunk).where(*gone))
        rows = [{"node": node, "start": start, "minutes": spans[node], "body": body} for node, body in packed]
        if rows:
            await session.execute(insert(chunk), rows)
    await _rest(database)


async def _rest(database: Database) -> None:
    """Take what was written out of the log, which nobody waits for, and let others write."""
    await database.checkpoint()
    await asyncio.sleep(PAUSE_S)


def _add(frames: dict[str, Frame], there: dict[str, bytes]) -> Chunks:
    packed = []
    for node, frame in frames.items():
        before = merged([there[node]]) if node in there else None
        packed.append((node, pack(latest(join([before, frame]), MINUTE) if before else frame)))
    return packed


def _merge(bodies: dict[str, list[bytes]]) -> Chunks:
    found = ((node, merged(each)) for node, each in bodies.items())
    return [(node, pack(frame)) for node, frame in found if frame is not None]


def _batches(nodes: Sequence[str]) -> list[Sequence[str]]:
    return [nodes[at : at + NODES_AT_ONCE] for at in range(0, len(nodes), NODES_AT_ONCE)]
