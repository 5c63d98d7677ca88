"""One node alone sounds while a session lasts; whatever ends it, every node has its own setting back."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from controller.clock import mono_us
from controller.errors import ConflictError, NotFoundError, UnavailableError
from controller.link.presence import Presence
from controller.reports import Answer
from controller.solo import Solo
from controller.stations import Stations
from controller.storage.database import Database
from controller.storage.tables import Node


@dataclass
class Session:
    """As much of a session as matters here."""

    id: str
    zones: list[str]


@dataclass
class Broadcasts:
    """Sessions that are over when the test says so."""

    active: list[Session] = field(default_factory=list)

    async def get(self, session_id: str) -> Session:
        return Session(session_id, ["thon-1"])


@dataclass
class Reports:
    """Nodes that do what they are told, but for those in `deaf`; `muted` is what :class:`Solo` puts there."""

    presence: Presence
    muted: Callable[[Node], bool] = lambda node: node.muted
    silent: dict[str, bool] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    deaf: set[str] = field(default_factory=set)
    away: bool = False

    async def command(self, node: Node, operation: str, arguments: dict[str, Any], wait_s: float) -> Answer:
        await asyncio.sleep(0)
        if self.away:
            raise UnavailableError("broker_away", "The MQTT broker is away.", "Try again in some seconds.")
        self.told.append(node.id)
        if node.id in self.deaf:
            await asyncio.sleep(wait_s)
            return Answer(1, False, None)
        assert operation == "mute"
        self.silent[node.id] = arguments["muted"]
        return Answer(1, True, None)


class Fixture:
    def __init__(self, database: Database) -> None:
        self.stations = Stations(database)
        self.broadcasts = Broadcasts([Session("s-1", ["thon-1"])])
        self.reports = Reports(Presence())
        self.solo = Solo(self.stations, self.reports, self.broadcasts)  # type: ignore[arg-type]

    async def restored(self) -> dict[str, bool]:
        for _ in range(100):
            await asyncio.sleep(0.02)
            if not self.solo._loans:
                return self.reports.silent
        raise AssertionError("silence was not given back")


@pytest.fixture
async def office(database: Database) -> AsyncIterator[Fixture]:
    made = Fixture(database)
    zone = {"title": "", "profile": "lan", "gain_db": 0.0, "multicast": None}
    for name in ("thon-1", "thon-2"):
        await made.stations.add_zone({"id": name, **zone})
    for name in ("a", "b", "c"):
        await made.stations.add_node({"id": name, "zone": "thon-1", "muted": name == "c"})
        made.reports.presence.status(name, True, mono_us())
    await made.stations.add_node({"id": "plain", "zone": "thon-1", "rtp_address": ["192.0.2.9", 5004]})
    await made.stations.add_node({"id": "other", "zone": "thon-2"})
    yield made
    made.broadcasts.active.clear()
    await made.solo.stop()
    assert not made.solo._loans


async def test_one_after_the_other_and_everything_as_it_was(office: Fixture) -> None:
    first = await office.solo.choose("s-1", "a", 1)
    assert (first.node, first.silent, first.unanswered) == ("a", ["b", "c"], [])
    office.reports.told.clear()
    assert (await office.solo.choose("s-1", "b", 1)).silent == ["a", "c"]
    assert office.reports.told == ["a", "b"], "silence comes before sound, and who is silent already is left alone"
    assert (await office.solo.choose("s-1", None, 1)).silent == ["a", "b", "c"]
    assert [node.muted for node in await office.stations.nodes()] == [False, False, True, False, False]
    office.broadcasts.active.clear()
    assert await office.restored() == {"a": False, "b": False, "c": True}


async def test_an_emergency_is_heard_everywhere(office: Fixture) -> None:
    await office.solo.choose("s-1", "a", 1)
    office.broadcasts.active.append(Session("s-2", ["thon-2"]))
    await asyncio.sleep(0.3)
    assert office.reports.silent["b"] is True, "what is on air elsewhere does not matter"
    office.broadcasts.active.append(Session("s-3", ["thon-2", "thon-1"]))
    assert (await office.restored())["b"] is False
    with pytest.raises(ConflictError, match="s-3 plays in the same zone"):
        await office.solo.choose("s-1", "a", 1)


async def test_a_deaf_node_is_named_and_asked_again(office: Fixture) -> None:
    office.reports.deaf = {"b"}
    assert (await office.solo.choose("s-1", "a", 0.1)).unanswered == ["b"]
    office.reports.deaf = set()
    assert (await office.solo.choose("s-1", "a", 1)).unanswered == []
    office.reports.presence.status("b", False, mono_us())
    office.reports.deaf = {"b"}
    assert (await office.solo.choose("s-1", "b", 1)).unanswered == [], "who is off line is not waited for"


async def test_an_emergency_waits_for_no_deaf_node(office: Fixture) -> None:
    await office.solo.choose("s-1", "a", 1)
    office.reports.deaf = {"c"}
    turn = asyncio.create_task(office.solo.choose("s-1", "c", 60))
    await asyncio.sleep(0.05)
    assert office.reports.silent["a"] is True
    office.broadcasts.active.append(Session("s-2", ["thon-1"]))
    with pytest.raises(ConflictError, match="s-2 plays in the same zone"):
        await asyncio.wait_for(turn, 1)
    await asyncio.sleep(0.1)
    assert office.reports.silent["a"] is False
    office.reports.deaf = set()


async def test_who_comes_on_line_is_as_silent_as_the_others(office: Fixture) -> None:
    nodes = {node.id: node for node in await office.stations.nodes()}
    office.reports.presence.status("b", False, mono_us())
    assert (await office.solo.choose("s-1", "c", 1)).silent == ["a"]
    assert "b" not in office.reports.told, "who is off line would be waited for in vain"
    silent = [office.reports.muted(nodes[name]) for name in ("a", "b", "c", "other")]
    assert silent == [True, True, False, False]
    office.broadcasts.active.clear()
    await office.restored()
    assert [office.reports.muted(nodes[name]) for name in ("a", "b", "c", "other")] == [False, False, True, False]


async def test_the_broker_is_away(office: Fixture) -> None:
    office.reports.away = True
    with pytest.raises(UnavailableError):
        await office.solo.choose("s-1", "a", 1)
    office.reports.away = False
    await office.solo.choose("s-1", "a", 1)
    assert office.reports.silent == {"a": False, "b": True, "c": True}


async def test_what_cannot_be_chosen(office: Fixture) -> None:
    for name in ("plain", "other", "none"):
        with pytest.raises(NotFoundError, match="There are: a, b, c"):
            await office.solo.choose("s-1", name, 1)
    office.broadcasts.active.clear()
    with pytest.raises(ConflictError, match="is over"):
        await office.solo.choose("s-1", "a", 1)
    assert office.reports.told == []
