"""The audit: nothing answered with success is missing, and no way of tampering with the table stays unseen."""

import asyncio
import random
import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from controller.audit import change as changes
from controller.audit.change import Change
from controller.audit.log import Audit
from controller.audit.record import GENESIS, Record, details_of
from controller.audit.verify import Verdict, verify_export
from controller.stations import Stations
from controller.storage.database import Database, sqlite_url

RECORDS = 12
TABLE = ("wall_us", "who", "address", "action", "object", "details", "previous", "hash")


async def _write(folder: Path) -> None:
    database = Database(sqlite_url(folder))
    await database.migrate()
    audit = Audit(database, folder)
    await audit.start()
    for number in range(RECORDS):
        async with database.write() as session:
            await audit.record(session, "zone.add", f"thon-{number}", title=f"Thôn {number}")
    await database.close()


async def _verify(folder: Path) -> Verdict:
    database = Database(sqlite_url(folder))
    try:
        return await Audit(database, folder).verify()
    finally:
        await database.close()


def _tampered(folder: Path, statements: list[tuple[str, tuple[object, ...]]]) -> Verdict:
    """Change the table as somebody with the database would, verify, and put everything back."""
    path = folder / "loaxa.sqlite3"
    with sqlite3.connect(path) as database:
        rows = database.execute("SELECT * FROM audit ORDER BY n").fetchall()
        for verb in ("UPDATE", "DELETE"):
            database.execute(f"DROP TRIGGER IF EXISTS audit_no_{verb}")
        for statement, values in statements:
            database.execute(statement, values)
    database.close()
    verdict = asyncio.run(_verify(folder))
    with sqlite3.connect(path) as database:
        database.execute("DELETE FROM audit")
        database.executemany(f"INSERT INTO audit VALUES ({','.join('?' * 9)})", rows)
    database.close()
    return verdict


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("audit")
    asyncio.run(_write(folder))
    return folder


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(n=st.integers(1, RECORDS), column=st.sampled_from(TABLE), new=st.text("abcdef0123456789", min_size=1))
def test_an_edit_is_found(table: Path, n: int, column: str, new: str) -> None:
    value: object = random.Random(new).randrange(1, 10**15) if column == "wall_us" else new
    verdict = _tampered(table, [(f"UPDATE audit SET {column} = ? WHERE n = ?", (value, n))])
    assert not verdict.whole
    assert any(f"record {n} " in problem for problem in verdict.problems)


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.integers(1, RECORDS), min_size=1))
def test_a_deletion_and_a_cut_end_are_found(table: Path, gone: set[int]) -> None:
    verdict = _tampered(table, [("DELETE FROM audit WHERE n = ?", (n,)) for n in gone])
    assert not verdict.whole
    first = min(gone)
    assert any(f"record {first} is missing" in text or f"records {first} to" in text for text in verdict.problems)


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(1, RECORDS), min_size=2, max_size=2, unique=True))
def test_a_swap_is_found(table: Path, pair: list[int]) -> None:
    one, two = pair
    steps = [(one, -1), (two, one), (-1, two)]
    verdict = _tampered(table, [("UPDATE audit SET n = ? WHERE n = ?", (new, old)) for old, new in steps])
    assert not verdict.whole
    assert any(f"record {min(pair)} " in problem for problem in verdict.problems)


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, RECORDS))
def test_a_chain_made_anew_is_found_by_its_head(table: Path, start: int) -> None:
    """Who has the database alone can compute every hash again, but not the head beside it."""
    with sqlite3.connect(table / "loaxa.sqlite3") as database:
        names = "n, wall_us, who, address, action, object, details, previous, hash"
        rows = [Record(*row) for row in database.execute(f"SELECT {names} FROM audit ORDER BY n")]
    database.close()
    previous = rows[start - 1].previous
    statements: list[tuple[str, tuple[object, ...]]] = []
    for row in rows[start - 1 :]:
        forged = Record(**{**vars(row), "who": "system", "address": "x", "previous": previous, "hash": ""})
        previous = forged.digest()
        change = "UPDATE audit SET who = 'system', address = 'x', previous = ?, hash = ? WHERE n = ?"
        statements.append((change, (forged.previous, previous, row.n)))
    verdict = _tampered(table, statements)
    assert verdict.problems == [f"record {RECORDS} is not the one that was kept in audit.head"]


def test_whole_as_it_is(table: Path) -> None:
    verdict = asyncio.run(_verify(table))
    assert verdict.whole and verdict.head.n == RECORDS


@pytest.mark.parametrize("content", [None, "", "{}", '{"n": 3, "hash": "0", "hmac": "0"}'])
async def test_a_head_that_is_gone_or_forged_is_told(tmp_path: Path, content: str | None) -> None:
    await _write(tmp_path)
    if content is None:
        (tmp_path / "audit.head").unlink()
    else:
        (tmp_path / "audit.head").write_text(content)
    verdict = await _verify(tmp_path)
    assert not verdict.whole and "cannot be trusted" in verdict.problems[0]


async def test_a_table_that_was_emptied_together_with_its_head_is_found(tmp_path: Path) -> None:
    await _write(tmp_path)
    (tmp_path / "audit.head").unlink()
    with sqlite3.connect(tmp_path / "loaxa.sqlite3") as rows:
        rows.execute("DROP TRIGGER audit_no_DELETE")
        rows.execute("DELETE FROM audit")
    rows.close()
    assert not (await _verify(tmp_path)).whole
    database = Database(sqlite_url(tmp_path))
    await Audit(database, tmp_path).start()
    assert not (await Audit(database, tmp_path).verify()).whole, "and stays found"
    await database.close()


async def test_a_first_start_that_was_cut_short_is_whole(tmp_path: Path, database: Database) -> None:
    await Audit(database, tmp_path).start()
    (tmp_path / "audit.key").unlink()  # it is written last
    await Audit(database, tmp_path).start()
    assert (await Audit(database, tmp_path).verify()).whole


async def test_a_key_that_is_gone_is_found(tmp_path: Path) -> None:
    await _write(tmp_path)
    (tmp_path / "audit.key").unlink()
    database = Database(sqlite_url(tmp_path))
    await Audit(database, tmp_path).start()
    assert not (await Audit(database, tmp_path).verify()).whole
    await database.close()


async def test_the_database_itself_refuses_to_change_a_record(database: Database, audit: Audit) -> None:
    async with database.write() as session:
        await audit.record(session, "zone.add", "thon-1")
    for statement in ("UPDATE audit SET who = 'x'", "DELETE FROM audit", "REPLACE INTO audit SELECT * FROM audit"):
        with pytest.raises(SQLAlchemyError):
            async with database.write() as session:
                await session.execute(text(statement))
    assert (await audit.verify()).head.n == 1


async def test_a_change_and_its_record_come_together_or_not_at_all(database: Database, audit: Audit) -> None:
    stations = Stations(database)
    changes.begin(Change("lan", "192.0.2.1", "zone.add", "thon-1"))
    await stations.add_zone({"id": "thon-1"})
    found = await audit.page(None, 10)
    assert [(one.who, one.address, one.action, one.object) for one in found] == [
        ("lan", "192.0.2.1", "zone.add", "thon-1")
    ]
    changes.begin(Change("lan", "192.0.2.1", "zone.add", "thon-2"))
    async with database.read() as session:
        await session.execute(text("DROP TABLE audit"))
        await session.commit()
    with pytest.raises(SQLAlchemyError):
        await stations.add_zone({"id": "thon-2"})
    assert [zone.id for zone in await stations.zones()] == ["thon-1"], "what cannot be recorded is not done"


async def test_what_a_request_left_behind_is_the_controllers_own_doing(database: Database, audit: Audit) -> None:
    change = Change("lan", "192.0.2.1", "broadcast.begin")
    changes.begin(change)
    change.over = True
    async with database.write() as session:
        await audit.record(session, "broadcast.end", "s-1", reason="the source came to its end")
    assert (await audit.page(None, 1))[0].who == "system"


def test_secrets_stay_out() -> None:
    body = {
        "name": "lan",
        "password": "p1",
        "inner": [{"new_password": "p2", "token": "p3", "code": "p4"}],
        "url": "http://lan:p5@radio.example/live?key=p6",
        "typed": "HTTP://lan:p7@radio.example/live",
    }
    assert (
        details_of(body)
        == '{"inner":[{}],"name":"lan","typed":"http://radio.example/live","url":"http://radio.example/live?…"}'
    )
    assert "sha256" in details_of({"text": "a" * 400_000})


def _lines(count: int) -> list[str]:
    lines, previous = [], GENESIS
    for n in range(1, count + 1):
        bare = Record(n, 1000 + n, "lan", "", "zone.add", f"thon-{n}", "{}", previous)
        previous = bare.digest()
        lines.append(Record(**{**vars(bare), "hash": previous}).line() + "\n")
    return lines


@given(st.data())
def test_an_export_is_verified_by_itself(data: st.DataObject) -> None:
    lines = _lines(6)
    assert verify_export(lines).whole
    place = data.draw(st.integers(0, 5))
    how = data.draw(st.sampled_from(["edit", "drop", "swap", "rubbish"]))
    if how == "edit":
        lines[place] = lines[place].replace('"who":"lan"', '"who":"tam"')
    elif how == "drop":
        del lines[place]
        if place == 5:  # only the head, told beside the export, shows that its end is missing
            assert verify_export(lines).head.n == 5
            return
    elif how == "swap":
        other = (place + 1) % 6
        lines[place], lines[other] = lines[other], lines[place]
    else:
        lines[place] = data.draw(st.sampled_from(["", "{}", "[]", '{"n":1}', "[" * 100_000, "x" * 500_000])) + "\n"
    assert not verify_export(lines).whole
