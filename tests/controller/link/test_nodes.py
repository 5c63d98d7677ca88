"""Nodes at the real broker: told what they are, obeyed only in form, listed when they are strangers."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiomqtt
import pytest

from codec.wire import announcement, command, names, report
from controller.office import LEADS_S
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
    async with asyncio.timeout(10):
        message = await anext(aiter(client.messages))
    return bytes(message.payload)


async def _until(true: Any) -> None:
    async with asyncio.timeout(10):
        while not await asyncio.to_thread(true):
            await asyncio.sleep(0.05)


async def test_configured_when_it_comes_and_when_it_changes(office: Running, node: aiomqtt.Client) -> None:
    await node.subscribe(names.node_topic("cum-1", "command"))
    await node.publish(names.node_topic("cum-1", "status"), report.build_status("online", "1.0", "linux"), qos=1)
    first, operation, arguments = command.parse(await _next(node), "cum-1")
    assert (operation, arguments["zone"]) == ("configure", "thon-1")
    await _until(lambda: office.get("/api/nodes/cum-1")["state"] == "online")
    await asyncio.to_thread(office.http.patch, "/api/nodes/cum-1", json={"gain_db": -3})
    second, operation, arguments = command.parse(await _next(node), "cum-1")
    assert (operation, arguments["gain_db"]) == ("configure", -3)
    assert second > first


async def test_a_command_is_acknowledged(office: Running, node: aiomqtt.Client) -> None:
    await node.subscribe(names.node_topic("cum-1", "command"))
    order = asyncio.create_task(asyncio.to_thread(office.post, "/api/nodes/cum-1/command", {"op": "tone"}))
    counter, operation, _ = command.parse(await _next(node), "cum-1")
    assert operation == "tone"
    await node.publish(names.node_topic("cum-1", "ack"), command.build_ack(counter, "no horn"), qos=1)
    assert await order == {"counter": counter, "acknowledged": True, "error": "no horn"}


async def test_nonsense(office: Running, node: aiomqtt.Client) -> None:
    before = office.get("/api/health")["broker"]["malformed"]
    for body in (b"", b"{", b"[]", b"\xff" * 100, b"{" * 8000, b"x" * 9000):
        await node.publish(names.node_topic("cum-1", "health"), body, qos=1)
    await _until(lambda: office.get("/api/health")["broker"]["malformed"] >= before + 6)


async def test_health_is_shown(office: Running, node: aiomqtt.Client) -> None:
    body = report.build_health({"played": 7}, {"uptime_s": 5}, None)
    await node.publish(names.node_topic("cum-1", "health"), body, qos=1)
    await _until(lambda: (office.get("/api/nodes/cum-1")["health"] or {}).get("counters", {}).get("played") == 7)


async def test_announced_and_silent_again(office: Running, node: aiomqtt.Client) -> None:
    await node.subscribe(names.zone_topic("thon-1", "session"))
    assert announcement.parse(await _next(node), "thon-1") == []
    session = await asyncio.to_thread(office.tone)
    (stream,) = announcement.parse(await _next(node), "thon-1")
    assert (stream.frame_us, stream.lead_us, stream.priority) == (20000, 150000, announcement.PRIORITY_LIVE)
    await asyncio.to_thread(office.http.delete, f"/api/sessions/{session}")
    assert announcement.parse(await _next(node), "thon-1") == []


async def test_a_sync_group_is_told_in_silence_too(office: Running, node: aiomqtt.Client) -> None:
    await node.subscribe(names.zone_topic("thon-1", "session"))
    assert announcement.parse_all(await _next(node), "thon-1") == ([], None)
    for group, told in (({"host": "239.77.1.1", "port": 5006}, ("239.77.1.1", 5006)), (None, None)):
        await asyncio.to_thread(office.http.patch, "/api/zones/thon-1", json={"sync_group": group})
        assert announcement.parse_all(await _next(node), "thon-1") == ([], told)


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
