"""What was heard is kept, packed, read, and removed: on a real database, with a clock that steps."""

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest
from sqlalchemy import delete, event, func, select, update

from controller.link.presence import OFFLINE, SILENT
from controller.storage.database import Database
from controller.storage.trends import TrendChunk, TrendMinute
from controller.trends import compact as compacting
from controller.trends.compact import DAY, HOUR, compact, prune
from tests.controller.trends.village import START, Village, temperature_of


async def spans(database: Database, node: str = "cum-0") -> list[tuple[int, int]]:
    async with database.read() as session:
        asked = select(TrendChunk.start, TrendChunk.minutes).where(TrendChunk.node == node).order_by(TrendChunk.start)
        return [(row.start, row.minutes) for row in await session.execute(asked)]


async def minutes_left(database: Database) -> set[int]:
    async with database.read() as session:
        return set(await session.scalars(select(TrendMinute.minute)))


def expected(minutes: Iterable[int], number: int = 0) -> list[int | None]:
    return [temperature_of(minute, number) for minute in minutes]


async def test_minutes_become_hours_become_days_and_nothing_is_lost(database: Database) -> None:
    village = Village(database)
    told = []
    for _ in range(25):  # of each hour six minutes: what is between is a gap
        told += range(village.minute, village.minute + 6)
        await village.pass_minutes(6)
        village.minute += HOUR - 6
    await village.pass_minutes(3)
    now = village.minute
    told += range(now - 3, now)

    async def same() -> None:
        for number, node in enumerate(village.nodes):
            found = await village.temperatures(START, now, node)
            assert [START + at for at, value in enumerate(found) if value is not None] == told
            assert [value for value in found if value is not None] == expected(told, number)

    await same()
    await compact(database, now, 30)
    assert await spans(database) == [(START, DAY), (START + DAY, HOUR)]
    assert await minutes_left(database) == set(range(now - 3, now))
    await same()


async def test_a_plot_shows_the_least_and_greatest_of_a_step_and_where_nothing_is_known(database: Database) -> None:
    village = Village(database, nodes=1)
    await village.pass_minutes(10)
    village.states["cum-0"] = SILENT
    await village.pass_minutes(2)
    village.states["cum-0"] = OFFLINE
    await village.pass_minutes(8)
    village.minute += 20  # the controller was off
    shown = await village.plot(START, START + 40, points=8)
    assert shown["times"] == [60 * (START + 5 * step) for step in range(8)]
    values = expected(range(START, START + 5))
    series = shown["series"]["temperature_mc"]
    known = [value for value in values if value is not None]
    assert (series["min"][0], series["max"][0]) == (min(known), max(known))
    assert series["mean"][0] == pytest.approx(sum(known) / 5)
    assert series["min"][2:] == series["mean"][2:] == [None] * 6
    assert shown["series"]["lost"]["max"][:2] == [2, 2]
    assert "wifi_dbm" not in shown["series"]
    assert [word for _, word in shown["states"]] == ["online", "offline", None]
    assert [time // 60 - START for time, _ in shown["states"]] == [0, 10, 20]
    assert shown["words"] == {"link": [[60 * START, "wifi"], [60 * (START + 10), None]]}


async def test_a_step_with_several_states_shows_the_worst(database: Database) -> None:
    village = Village(database, nodes=1)
    for state in (OFFLINE, SILENT, "online"):
        village.states["cum-0"] = state
        await village.pass_minutes(1)
    assert (await village.plot(START, START + 3, points=1))["states"] == [[60 * START, "offline"]]
    assert (await village.plot(START + 1, START + 3, points=1))["states"] == [[60 * (START + 1), "silent"]]


async def test_a_clock_that_steps_back_replaces_what_it_repeats(database: Database) -> None:
    village = Village(database)
    await village.pass_minutes(3 * HOUR)
    await compact(database, village.minute, 30)
    village.minute -= 2 * HOUR  # into an hour that is packed
    await village.pass_minutes(10, temperature_mc=-1000)
    again = range(START + HOUR, START + HOUR + 10)
    for _ in range(2):
        whole = await village.temperatures(START, START + 3 * HOUR)
        assert whole == [
            -1000 if minute in again else temperature_of(minute, 0) for minute in range(START, START + 3 * HOUR)
        ]
        await compact(database, START + 4 * HOUR, 30)
    assert await minutes_left(database) == set()


async def test_a_clock_that_steps_back_over_days_and_ahead_over_years(database: Database) -> None:
    village = Village(database, nodes=1)
    await village.pass_minutes(2 * HOUR)
    village.minute = START + 3 * DAY
    await village.pass_minutes(1)
    await compact(database, village.minute, 30)
    assert (START, DAY) in await spans(database)
    for back in (START, START + 5 * HOUR):  # into the day's chunk: its first minute has its key, another has none
        village.minute = back
        await village.pass_minutes(3, temperature_mc=5)
    await compact(database, START + 3 * DAY + HOUR, 30)
    assert await spans(database) == [(START, DAY), (START + 3 * DAY, HOUR)]
    assert await village.temperatures(START, START + 4) == [5, 5, 5, temperature_of(START + 3, 0)]
    assert await village.temperatures(START + 5 * HOUR, START + 5 * HOUR + 3) == [5, 5, 5]
    # A year that never was: what it kept is there, what was before is too.
    village.minute = START + 5000 * DAY
    await village.pass_minutes(2)
    await compact(database, START + 3 * DAY + HOUR, 30)
    assert await minutes_left(database) == set()
    assert await village.temperatures(START + 2, START + 4) == [5, temperature_of(START + 3, 0)]


async def test_what_is_too_old_is_removed_in_small_steps(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compacting, "ROWS_AT_ONCE", 2)
    village = Village(database)
    for _ in range(5):
        await village.pass_minutes(1)
        village.minute += DAY - 1
    await compact(database, village.minute, 3)
    assert [start for start, _ in await spans(database)] == [START + 2 * DAY, START + 3 * DAY, START + 4 * DAY]
    assert await prune(database, START + 2 * DAY) == 0, "a day that is not over is kept whole"


async def test_a_wrong_year_costs_two_days_at_most(database: Database) -> None:
    village = Village(database, nodes=1)
    for _ in range(5):
        await village.pass_minutes(1)
        village.minute += DAY - 1
    await compact(database, START + 9000 * DAY, 30)
    assert [start for start, _ in await spans(database)] == [START + 2 * DAY, START + 3 * DAY, START + 4 * DAY]


async def test_a_step_that_was_cut_off_is_done_again(database: Database) -> None:
    village = Village(database)
    await village.pass_minutes(HOUR)
    async with database.read() as session:
        found = list(await session.execute(select(TrendMinute.minute, TrendMinute.part, TrendMinute.body)))
    await compact(database, village.minute, 30)
    async with database.write() as session:  # as if it had died before it removed the minutes
        for row in found:
            session.add(TrendMinute(minute=row.minute, part=row.part, body=row.body))
    assert await village.temperatures(START, village.minute) == expected(range(START, village.minute))
    await compact(database, village.minute, 30)
    assert await village.temperatures(START, village.minute) == expected(range(START, village.minute))
    assert await minutes_left(database) == set()


async def test_what_went_bad_is_a_gap(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    village = Village(database)
    await village.pass_minutes(2 * HOUR)
    async with database.write() as session:
        await session.execute(update(TrendMinute).where(TrendMinute.minute == START + 1).values(body=b"bad"))
    await compact(database, village.minute, 30)
    async with database.write() as session:
        await session.execute(update(TrendChunk).where(TrendChunk.start == START + HOUR).values(body=b"bad"))
    whole = await village.temperatures(START, village.minute)
    assert whole == [*expected([START]), None, *expected(range(START + 2, START + HOUR)), *[None] * HOUR]
    assert "cannot be read" in caplog.text
    async with database.write() as session:
        await session.execute(delete(TrendChunk))
    assert (await village.plot(START, START + 5))["series"] == {}


async def test_a_reader_never_misses_what_is_being_packed(database: Database) -> None:
    village = Village(database)
    await village.pass_minutes(HOUR)
    work = asyncio.create_task(compact(database, village.minute, 30))
    reads = 0
    while not work.done():
        assert await village.temperatures(START, village.minute, "cum-1") == expected(range(START, village.minute), 1)
        reads += 1
    await work
    assert reads > 3
    async with database.read() as session:
        assert await session.scalar(select(func.count()).select_from(TrendMinute)) == 0


async def test_no_step_looks_through_a_whole_table(database: Database) -> None:
    """A month has 60,000 chunks of 18 KB: a statement without an index holds the writer for a quarter of a second."""
    if database.url.startswith("postgresql"):
        pytest.skip("its planner looks through small tables")
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        if statement.startswith(("SELECT", "DELETE")):
            asked.append((statement, parameters[0] if many else parameters))

    event.listen(database._engine.sync_engine, "before_cursor_execute", note)
    village = Village(database)
    for _ in range(3):
        await village.pass_minutes(2)
        village.minute += DAY - 2
    await compact(database, village.minute, 1)
    await village.temperatures(START, village.minute)
    event.remove(database._engine.sync_engine, "before_cursor_execute", note)
    assert sum(statement.startswith("DELETE") for statement, _ in asked) > 6
    async with database.read() as session:
        connection = await session.connection()
        for statement, parameters in asked:
            plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            assert not [row for row in plan if str(row[3]).startswith("SCAN trend_")], statement
