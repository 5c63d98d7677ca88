"""Nodes at the real broker: told what they are and what is on air, by words that nobody else can say."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiomqtt
import pytest

from codec.profile import PROFILES
from codec.wire import announcement, chain, command, names, report, tesla
from codec.wire.mac import Mac, derive, same
from controller.office import LEADS_S
from firmware.node.keychain import Keychain
from tests.controller.running import Running, running


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("office")) as controller:
        controller.village()
        yield controller


@pytest.fixture
async def node(office: Running) -> AsyncIterator[aiomqtt.Client]:
    async with office.node("cum-1") as client:
        yield client


async def _next(client: aiomqtt.Client) -> bytes:
    return (await _message(client))[1]


async def _message(client: aiomqtt.Client) -> tuple[str, bytes]:
    async with asyncio.timeout(12):
        message = await anext(aiter(client.messages))
    assert not message.retain, "who comes late is told by a command"
    return message.topic.value, bytes(message.payload)


class Ears:
    """What cum-1 hears, with its key, and what it knows of the controller's."""

    def __init__(self, office: Running, client: aiomqtt.Client) -> None:
        self.key = office.key_of("cum-1")
        self.client = client
        self.keychain = Keychain()
        self.counter = -1
        self.announced_s = self.told_s = 0.0

    async def command(self) -> tuple[str, dict[str, Any]]:
        """Return operation and arguments of the next command."""
        raw = await _next(self.client)
        counter, until_us, operation, arguments = command.parse(raw, "cum-1", Mac(derive(self.key, "command")))
        assert counter > self.counter
        assert abs(until_us - time.time_ns() // 1000 - 30_000_000) < 10_000_000
        self.counter = counter
        return operation, arguments

    async def come(self) -> dict[str, Any]:
        """Say that it is there; return what it is told of what is on air."""
        await self.client.subscribe(names.node_topic("cum-1", "command"))
        await self.client.publish(names.node_topic("cum-1", "status"), report.build_status("online"), qos=1)
        operation, arguments = await self.command()
        assert (operation, arguments["zone"]) == ("configure", "thon-1")
        operation, air = await self.command()
        assert operation == "air"
        await self.client.unsubscribe(names.node_topic("cum-1", "command"))
        self.keychain.take(air["terms"], air["chains"])
        return air

    async def listen(self) -> None:
        """Hear the zone and the keys."""
        air = await self.come()
        await self.client.subscribe(names.zone_topic("thon-1", "session"))
        await self.client.subscribe(names.chain_topic(air["terms"].name))

    async def announced(self) -> tuple[list[announcement.Stream], tuple[str, int] | None]:
        """Return what is announced next, once the key of that is told: by the topic, as the node hears no packets."""
        sealed = None
        while True:
            topic, raw = await _message(self.client)
            if topic == names.zone_topic("thon-1", "session"):
                assert sealed is None
                self.announced_s = time.monotonic()
                sealed = tesla.parse_seal(raw)
                assert not self.keychain.told(sealed[0]), "sealed with a key that is told"
                continue
            interval, key, after = chain.parse(tesla.parse_seal(raw)[2])
            self.keychain.learn(interval, key)
            if after is not None:
                self.keychain.add(after)
            if sealed is not None and self.keychain.told(sealed[0]):
                self.told_s = time.monotonic()
                interval, tag, body = sealed
                assert same(tag, tesla.seal_tag(interval, body, self.keychain.tags(interval)))
                return announcement.parse(body, "thon-1")


async def _until(true: Any) -> None:
    async with asyncio.timeout(10):
        while not await asyncio.to_thread(true):
            await asyncio.sleep(0.05)


async def test_configured_when_it_comes_and_when_it_changes(office: Running, node: aiomqtt.Client) -> None:
    ears = Ears(office, node)
    await node.subscribe(names.node_topic("cum-1", "command"))
    await node.publish(names.node_topic("cum-1", "status"), report.build_status("online", "1.0", "linux"), qos=1)
    operation, arguments = await ears.command()
    assert (operation, arguments["zone"]) == ("configure", "thon-1")
    operation, arguments = await ears.command()
    assert operation == "air"
    await _until(lambda: office.get("/api/nodes/cum-1")["state"] == "online")
    await asyncio.to_thread(office.http.patch, "/api/nodes/cum-1", json={"gain_db": -3})
    operation, arguments = await ears.command()
    assert (operation, arguments["gain_db"]) == ("configure", -3)


async def test_told_what_is_on_air_and_by_which_keys_to_know_it(office: Running, node: aiomqtt.Client) -> None:
    ears = Ears(office, node)
    air = await ears.come()
    assert vars(air["terms"]) == vars(PROFILES["lan"].terms)
    assert announcement.parse_fields(air["session"], "thon-1") == ([], None)
    newest = air["chains"][0]
    now = air["terms"].interval(time.time_ns() // 1000)
    assert now - 1000 < newest.interval <= newest.until
    session = await asyncio.to_thread(office.tone)
    await asyncio.to_thread(office.until_state, session, "on_air")
    again = await ears.come()
    (stream,), _ = announcement.parse_fields(again["session"], "thon-1")
    assert stream.priority == announcement.PRIORITY_LIVE
    assert [anchor.salt for anchor in again["chains"]] == [anchor.salt for anchor in air["chains"]]
    await asyncio.to_thread(office.http.delete, f"/api/sessions/{session}")
    await _until(lambda: office.get("/api/zones/thon-1")["on_air"] is None)


async def test_a_command_is_acknowledged(office: Running, node: aiomqtt.Client) -> None:
    ears = Ears(office, node)
    await node.subscribe(names.node_topic("cum-1", "command"))
    order = asyncio.create_task(asyncio.to_thread(office.post, "/api/nodes/cum-1/command", {"op": "tone"}))
    operation, _ = await ears.command()
    assert operation == "tone"
    before = await asyncio.to_thread(lambda: office.get("/api/health")["broker"]["malformed"])
    for forged in (Mac(derive(bytes(32), "ack")), Mac(derive(ears.key, "command")), Mac(ears.key)):
        body = command.build_ack(ears.counter, None, forged)
        await node.publish(names.node_topic("cum-1", "ack"), body, qos=1)
    await _until(lambda: office.get("/api/health")["broker"]["malformed"] == before + 3)
    answer = command.build_ack(ears.counter, "no horn", Mac(derive(ears.key, "ack")))
    await node.publish(names.node_topic("cum-1", "ack"), answer, qos=1)
    assert await order == {"counter": ears.counter, "acknowledged": True, "error": "no horn"}


async def test_a_node_that_counts_further_than_an_older_database_obeys(office: Running, node: aiomqtt.Client) -> None:
    ears = Ears(office, node)
    await node.subscribe(names.node_topic("cum-1", "command"))
    order = asyncio.create_task(asyncio.to_thread(office.post, "/api/nodes/cum-1/command?wait_s=10", {"op": "tone"}))
    assert (await ears.command())[0] == "tone"
    key = Mac(derive(ears.key, "ack"))
    last = ears.counter + 1000
    refusal = command.build_ack(ears.counter, "counter must grow", key, last)
    for answer in (refusal, refusal):  # who repeats it changes nothing
        await node.publish(names.node_topic("cum-1", "ack"), answer, qos=1)
    heard = []
    for _ in range(3):
        heard.append((await ears.command())[0])
        assert last < ears.counter <= last + 3
        if heard[-1] == "tone":
            await node.publish(names.node_topic("cum-1", "ack"), command.build_ack(ears.counter, None, key), qos=1)
    assert sorted(heard) == ["air", "configure", "tone"]
    answer = await order
    assert answer["acknowledged"] and answer["error"] is None and answer["counter"] > last
    beyond = command.build_ack(answer["counter"], "counter must grow", key, 1 << 50)  # it would use them all up
    await node.publish(names.node_topic("cum-1", "ack"), beyond, qos=1)
    await ears.come()
    assert ears.counter < last + 10


async def test_nonsense(office: Running, node: aiomqtt.Client) -> None:
    before = office.get("/api/health")["broker"]["malformed"]
    for body in (b"", b"{", b"[]", b"\xff" * 100, b"{" * 8000, b"x" * 9000):
        await node.publish(names.node_topic("cum-1", "health"), body, qos=1)
    await _until(lambda: office.get("/api/health")["broker"]["malformed"] >= before + 6)


async def test_health_is_shown(office: Running, node: aiomqtt.Client) -> None:
    gauges = {"uptime_s": 5, "supply_mv": 11_900, "door_open": 1, "gain_cdb": -150}
    body = report.build_health({"played": 7}, gauges, None, None, {"link": "mobile", "speaker": "open"})
    await node.publish(names.node_topic("cum-1", "health"), body, qos=1)
    await _until(lambda: (office.get("/api/nodes/cum-1")["health"] or {}).get("counters", {}).get("played") == 7)
    health = office.get("/api/nodes/cum-1")["health"]
    assert health["states"] == {"link": "mobile", "speaker": "open", "fm": None}
    assert {name: value for name, value in health["gauges"].items() if value is not None} == gauges
    assert set(health["gauges"]) == {name for name, _, _ in report.GAUGES}


async def test_announced_and_silent_again(office: Running, node: aiomqtt.Client) -> None:
    ears = Ears(office, node)
    await ears.listen()
    terms = PROFILES["lan"].terms
    session = await asyncio.to_thread(office.tone)
    (stream,), _ = await ears.announced()
    assert (stream.frame_us, stream.lead_us, stream.priority) == (20000, 150000, announcement.PRIORITY_LIVE)
    # A lag after its interval began, which was at most one interval ago; and soon, as nothing else tells it.
    assert (terms.lag - 1.5) * terms.interval_us / 1e6 < ears.told_s - ears.announced_s < 1
    await asyncio.to_thread(office.http.delete, f"/api/sessions/{session}")
    assert await ears.announced() == ([], None)
    assert (terms.lag - 1.5) * terms.interval_us / 1e6 < ears.told_s - ears.announced_s < 1


async def test_the_keys_are_told_in_silence_too(office: Running, node: aiomqtt.Client) -> None:
    ears = Ears(office, node)
    await ears.listen()
    known = ears.keychain.newest()
    interval, key, _ = chain.parse(tesla.parse_seal(await _next(node))[2])
    assert ears.keychain.learn(interval, key)
    assert interval > known


async def test_a_sync_group_is_told_in_silence_too(office: Running, node: aiomqtt.Client) -> None:
    ears = Ears(office, node)
    await ears.listen()
    for group, told in (({"host": "239.77.1.1", "port": 5006}, ("239.77.1.1", 5006)), (None, None)):
        await asyncio.to_thread(office.http.patch, "/api/zones/thon-1", json={"sync_group": group})
        assert await ears.announced() == ([], told)


async def test_the_next_programme_has_the_lead_that_its_nodes_need(office: Running, node: aiomqtt.Client) -> None:
    async def report_tail(tail_us: int) -> None:
        body = report.build_health({}, {"tail_us": tail_us, "round_trip_us": 20_000}, 7)
        await node.publish(names.node_topic("cum-1", "health"), body, qos=1)
        await asyncio.sleep(LEADS_S + 1.5)

    def on_air_us() -> int | None:
        stream = office.get("/api/zones/thon-1")["on_air"]
        return stream["lead_us"] if stream else None

    await asyncio.to_thread(office.http.patch, "/api/zones/thon-1", json={"profile": "mobile"})
    await report_tail(180_000)
    session = await asyncio.to_thread(office.tone)
    await _until(lambda: on_air_us() == 1_000_000)
    await asyncio.to_thread(office.until_state, session, "on_air")
    await report_tail(220_000)
    assert on_air_us() == 1_000_000, "not while it sounds"
    engine = office.get("/api/health")["engine"]["pid"]
    os.kill(engine, signal.SIGKILL)
    await _until(lambda: office.get("/api/health")["engine"]["pid"] not in (None, engine))
    await _until(lambda: office.get("/api/health")["engine"]["ready"])
    assert on_air_us() == 1_000_000, "the next engine goes on with it"
    await asyncio.to_thread(office.post, "/api/sessions/stop-all")
    await _until(lambda: on_air_us() is None)
    await report_tail(5_000_000)
    assert office.get("/api/zones/thon-1")["behind"] == ["cum-1"]
    await asyncio.to_thread(office.tone)
    await _until(lambda: on_air_us() == 1_500_000)
    await asyncio.to_thread(office.post, "/api/sessions/stop-all")
    await asyncio.to_thread(office.http.patch, "/api/zones/thon-1", json={"profile": "lan"})
