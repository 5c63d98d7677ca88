"""Nodes at the real broker: told what they are, obeyed only in form, listed when they are strangers."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from codec.wire import announcement, command, names, report
from tests.controller.running import Running, running


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("office")) as controller:
        controller.village()
        yield controller


@pytest.fixture
async def node(office: Running) -> AsyncIterator[aiomqtt.Client]:
    async with aiomqtt.Client("127.0.0.1", office.ports["broker_port"]) as client:
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


async def test_strangers_and_nonsense(office: Running, node: aiomqtt.Client) -> None:
    before = office.get("/api/health")["broker"]["malformed"]
    for body in (b"", b"{", b"[]", b"\xff" * 100, b"{" * 8000, b"x" * 9000):
        await node.publish(names.node_topic("cum-1", "health"), body, qos=1)
    await node.publish("loaxa/v1/node/Bad_Name/status", report.build_status("online"), qos=1)
    await node.publish(names.node_topic("la", "status"), report.build_status("online"), qos=1)
    await _until(lambda: office.get("/api/health")["broker"]["malformed"] >= before + 7)
    await _until(lambda: [one["id"] for one in office.get("/api/nodes")["unknown"]] == ["la"])


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


def test_an_external_broker_that_is_not_there(tmp_path: Path) -> None:
    config = '[http]\nport = 0\n[media]\nhost = "127.0.0.1"\nport = 0\n[broker]\nhost = "127.0.0.1"\nport = 1\n'
    config += '[storage]\nfolder = "{folder}"\n'
    with pytest.raises(AssertionError, match=r"There is no MQTT broker at 127.0.0.1:1.*\[broker\]"):
        Running(tmp_path, config)
