"""What a node told over time, by the route: of a real controller whose minutes are in its database."""

import asyncio
import time
from datetime import UTC, datetime

import pytest

from controller.storage.database import Database, sqlite_url
from tests.controller.running import Running
from tests.controller.trends.village import START, Village, temperature_of


def iso(minute: int) -> str:
    return datetime.fromtimestamp(60 * minute, UTC).isoformat().replace("+00:00", "Z")


@pytest.fixture(scope="module", autouse=True)
def kept(office: Running) -> None:
    """Twenty minutes of two nodes of February 2025."""
    office.village("thon-history", "cum-0")

    async def store() -> None:
        database = Database(sqlite_url(office.folder / "state"))
        await Village(database, nodes=2).pass_minutes(20)
        await database.close()

    asyncio.run(store())


def test_a_plot(office: Running) -> None:
    path = "/api/nodes/cum-0/history"
    shown = office.http.get(path, params={"from": iso(START), "to": iso(START + 20), "points": 10})
    assert shown.headers["content-type"] == "application/json"
    found = shown.json()
    assert (found["from"], found["to"], found["step_s"]) == (iso(START), iso(START + 20), 120)
    assert found["times"] == [60 * minute for minute in range(START, START + 20, 2)]
    pair = [temperature_of(minute, 0) for minute in (START, START + 1)]
    series = found["series"]["temperature_mc"]
    assert (series["min"][0], series["mean"][0], series["max"][0]) == (min(pair), sum(pair) / 2, max(pair))
    assert found["states"] == [[60 * START, "online"]]
    assert found["words"] == {"link": [[60 * START, "wifi"]]}
    assert shown.headers["content-encoding"] == "gzip"
    plain = office.http.get(shown.url, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers and plain.json() == found
    only = office.http.get(path, params={"from": iso(START), "to": iso(START + 20), "series": ["lost", "no-such"]})
    assert list(only.json()["series"]) == ["lost"]


def test_the_last_day_is_what_is_shown_where_nothing_is_said(office: Running) -> None:
    found = office.get("/api/nodes/cum-0/history")
    assert len(found["times"]) == 480 and found["step_s"] == 180
    assert abs(found["times"][-1] - time.time()) < 400
    assert (found["series"], found["states"], found["words"]) == ({}, [], {})


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"from": iso(START), "to": iso(START)}, "span"),
        ({"from": iso(START + 9), "to": iso(START)}, "span"),
        ({"from": iso(START), "to": iso(START + 401 * 1440)}, "span"),
        ({"from": "0001-01-01T00:00:00+14:00", "to": iso(START)}, "span"),
        ({"from": "2025-02-20T00:00:00"}, "invalid"),
        ({"points": "0"}, "invalid"),
        ({"points": "2001"}, "invalid"),
        ({"series": ["x"] * 51}, "invalid"),
        ({"series": "x" * 65}, "invalid"),
    ],
)
def test_what_cannot_be_shown_is_refused(office: Running, query: dict[str, str], code: str) -> None:
    answer = office.http.get("/api/nodes/cum-0/history", params=query)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, code)


def test_a_node_that_is_not_there(office: Running) -> None:
    assert office.http.get("/api/nodes/cum-99/history").json()["error"]["code"] == "unknown_node"
