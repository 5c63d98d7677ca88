"""A code makes one board a node, once and soon; and takes the key of the board before it."""

import asyncio

import pytest
from sqlalchemy import select, update

from codec.wire.enrolment import grouped
from controller.audit.log import Audit
from controller.clock import wall_us
from controller.enrolments import LIFE_US, Enrolments
from controller.errors import ConflictError, NotFoundError, RefusedError, TooOftenError
from controller.stations import Stations
from controller.storage.database import Database
from controller.storage.tables import Enrolment, Node

HERE = "192.0.2.1"


@pytest.fixture
async def stations(database: Database) -> Stations:
    found = Stations(database)
    await found.add_zone({"id": "thon-1"})
    await found.add_node({"id": "cum-1", "zone": "thon-1"})
    return found


@pytest.fixture
def enrolments(database: Database, audit: Audit, stations: Stations) -> Enrolments:
    return Enrolments(database, audit, stations)


async def key(stations: Stations) -> bytes:
    return (await stations.node("cum-1")).key


async def test_a_code_makes_a_new_key_once(enrolments: Enrolments, stations: Stations) -> None:
    told = []

    async def tell() -> None:
        told.append((await stations.roster()).members["thon-1"][0].key)

    stations.changed.append(tell)
    before = await key(stations)
    made = await enrolments.make("cum-1")
    assert await key(stations) == before
    node = await enrolments.use(grouped(made.code), "esp32", "a1b2c3", HERE)
    assert node.key == await key(stations) != before
    assert told == [node.key]
    assert (node.board, node.serial) == ("esp32", "a1b2c3")
    assert node.enrolled_wall_us == pytest.approx(wall_us(), abs=30_000_000)
    with pytest.raises(RefusedError):
        await enrolments.use(grouped(made.code), "esp32", "a1b2c3", HERE)
    assert node.key == await key(stations)


async def test_nothing_of_a_code_is_kept(enrolments: Enrolments, database: Database) -> None:
    made = await enrolments.make("cum-1")
    async with database.read() as session:
        row = (await session.scalars(select(Enrolment))).one()
    assert made.code not in (row.code_hash, bytes(row.code_hash[:10]))
    assert row.expires_wall_us - wall_us() == pytest.approx(LIFE_US, abs=30_000_000)


async def test_a_new_code_kills_the_old_one(enrolments: Enrolments) -> None:
    old, new = await enrolments.make("cum-1"), await enrolments.make("cum-1")
    with pytest.raises(RefusedError):
        await enrolments.use(grouped(old.code), "", "", HERE)
    assert (await enrolments.use(grouped(new.code), "", "", HERE)).id == "cum-1"


async def test_a_code_of_16_minutes_is_dead(enrolments: Enrolments, stations: Stations, database: Database) -> None:
    made = await enrolments.make("cum-1")
    before = await key(stations)
    async with database.write() as session:
        await session.execute(update(Enrolment).values(expires_wall_us=wall_us() - 1))
    with pytest.raises(RefusedError):
        await enrolments.use(grouped(made.code), "", "", HERE)
    assert await key(stations) == before


async def test_every_refusal_says_the_same(enrolments: Enrolments, stations: Stations) -> None:
    used = await enrolments.make("cum-1")
    await enrolments.use(grouped(used.code), "", "", HERE)
    said = set()
    for code in (grouped(used.code), "0000-0000-0000-0000", "not a code", ""):
        with pytest.raises(RefusedError) as error:
            await enrolments.use(code, "", "", HERE)
        said.add((error.value.code, error.value.message, error.value.hint))
    assert len(said) == 1
    assert "loaxa node enrol" in said.pop()[2]


async def test_of_fifty_at_once_one_gets_it(enrolments: Enrolments, stations: Stations) -> None:
    made = await enrolments.make("cum-1")
    tries = (enrolments.use(grouped(made.code), "", "", f"192.0.2.{number}") for number in range(50))
    results = await asyncio.gather(*tries, return_exceptions=True)
    won = [found for found in results if isinstance(found, Node)]
    assert len(won) == 1
    assert all(isinstance(found, RefusedError) for found in results if found not in won)
    assert won[0].key == await key(stations)


async def test_a_guesser_waits_and_is_not_looked_at(enrolments: Enrolments) -> None:
    made = await enrolments.make("cum-1")
    for _ in range(5):
        with pytest.raises(RefusedError):
            await enrolments.use("0000-0000-0000-0000", "", "", HERE)
    with pytest.raises(TooOftenError, match="1 second"):
        await enrolments.use(grouped(made.code), "", "", HERE)  # even the right one
    assert (await enrolments.use(grouped(made.code), "", "", "192.0.2.2")).id == "cum-1"


async def test_guesses_at_once_are_no_way_around(enrolments: Enrolments) -> None:
    tries = (enrolments.use(f"0000-0000-0000-00{number}", "", "", HERE) for number in range(10, 60))
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert [type(found) for found in results].count(RefusedError) == 5
    assert [type(found) for found in results].count(TooOftenError) == 45


async def test_retired_and_brought_back(enrolments: Enrolments, stations: Stations) -> None:
    made = await enrolments.make("cum-1")
    before = await key(stations)
    assert (await enrolments.retire("cum-1")).retired_wall_us
    assert await key(stations) != before
    with pytest.raises(RefusedError):
        await enrolments.use(grouped(made.code), "", "", HERE)
    roster = await stations.roster()
    assert (roster.members["thon-1"], roster.by_tag) == ([], {})
    assert [node.id for node in await stations.nodes()] == ["cum-1"]
    with pytest.raises(ConflictError, match="retired ones included"):
        await stations.remove_zone("thon-1")
    back = await enrolments.make("cum-1")
    assert (await stations.roster()).by_tag == {}
    await enrolments.use(grouped(back.code), "", "", HERE)
    assert [node.id for node in (await stations.roster()).members["thon-1"]] == ["cum-1"]


async def test_a_removed_node_leaves_no_code(enrolments: Enrolments, stations: Stations) -> None:
    made = await enrolments.make("cum-1")
    await stations.remove_node("cum-1")
    with pytest.raises(RefusedError):
        await enrolments.use(grouped(made.code), "", "", HERE)


async def test_who_cannot_be_enrolled(enrolments: Enrolments, stations: Stations) -> None:
    await stations.add_node({"id": "loa-cu", "zone": "thon-1", "rtp_address": ["192.0.2.7", 5004]})
    with pytest.raises(ConflictError, match="plain RTP receiver"):
        await enrolments.make("loa-cu")
    with pytest.raises(NotFoundError):
        await enrolments.make("cum-9")
    with pytest.raises(NotFoundError):
        await enrolments.retire("cum-9")
