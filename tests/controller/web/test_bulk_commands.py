"""One order to many nodes: done by those that can, told of each, recorded once."""

import asyncio
import json

import aiomqtt
import pytest

from codec.wire import command, names
from codec.wire.mac import Mac, derive
from tests.controller.running import Running

ASKED = ["bc-done", "bc-wrong", "bc-away", "bc-retired", "bc-rtp", "bc-none"]


async def _answer(office: Running, client: aiomqtt.Client, node: str, error: str | None, seen: list[object]) -> None:
    key = office.key_of(node)
    async for message in client.messages:
        counter, _, operation, arguments = command.parse(bytes(message.payload), node, Mac(derive(key, "command")))
        if operation in (command.SET_GAIN, command.TEST_TONE):
            seen.append((operation, arguments))
            answer = command.build_ack(counter, error, Mac(derive(key, "ack")))
            await client.publish(names.node_topic(node, "ack"), answer, qos=1)


@pytest.mark.timeout(180)
async def test_an_order_to_many(office: Running) -> None:
    office.post("/api/zones", {"id": "z-bc"})
    for node in ASKED[:4]:
        office.post("/api/nodes", {"id": node, "zone": "z-bc"})
    office.post("/api/nodes", {"id": "bc-rtp", "zone": "z-bc", "rtp_address": {"host": "127.0.0.1", "port": 6999}})
    office.post("/api/nodes/bc-retired/retire")
    seen: list[object] = []
    async with office.node("bc-done") as done, office.node("bc-wrong") as wrong:
        tasks = []
        for node, client, error in (("bc-done", done, None), ("bc-wrong", wrong, "no DAC")):
            await client.subscribe(names.node_topic(node, "command"), qos=1)
            tasks.append(asyncio.create_task(_answer(office, client, node, error, seen)))
        body = {"nodes": [*ASKED, "bc-done"], "op": "gain", "gain_db": -7.5}
        answer = await asyncio.to_thread(office.post, "/api/nodes/commands?wait_s=3", body)
        tone = {"nodes": ["bc-done", "bc-wrong"], "op": "tone"}
        began_s = asyncio.get_running_loop().time()
        again = await asyncio.to_thread(office.post, "/api/nodes/commands?wait_s=10", tone)
        took_s = asyncio.get_running_loop().time() - began_s
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert answer["results"] == [
        {"node": "bc-done", "acknowledged": True, "error": None},
        {"node": "bc-wrong", "acknowledged": True, "error": "no DAC"},
        {"node": "bc-away", "acknowledged": False, "error": None},
        {"node": "bc-retired", "acknowledged": False, "error": "retired"},
        {"node": "bc-rtp", "acknowledged": False, "error": "plain_receiver"},
        {"node": "bc-none", "acknowledged": False, "error": "unknown_node"},
    ]
    assert all(result["acknowledged"] for result in again["results"]) and took_s < 9, "who answers is not waited for"
    assert seen.count((command.SET_GAIN, {"gain_db": -7.5})) == 2, "each once, though one was named twice"
    gains = {node["id"]: node["gain_db"] for node in office.get("/api/nodes")["nodes"] if node["zone"] == "z-bc"}
    assert gains == {"bc-done": -7.5, "bc-wrong": -7.5, "bc-away": -7.5, "bc-retired": 0.0, "bc-rtp": 0.0}
    orders = [each for each in office.get("/api/audit?limit=20")["records"] if each["action"] == "node.order"]
    assert [json.loads(each["details"])["op"] for each in orders[:2]] == ["tone", "gain"]
    assert json.loads(orders[1]["details"])["nodes"] == body["nodes"], "one record with all nodes"
    for node in ASKED[:5]:
        office.http.delete(f"/api/nodes/{node}")
    office.http.delete("/api/zones/z-bc")


def test_what_is_no_order(office: Running) -> None:
    for body in (
        {"nodes": [], "op": "stop"},
        {"nodes": [f"n-{number}" for number in range(2001)], "op": "stop"},
        {"nodes": ["bc-done"], "op": "gain"},
        {"nodes": ["../etc"], "op": "stop"},
        {"nodes": ["bc-done"], "op": "configure"},
    ):
        assert office.http.post("/api/nodes/commands", json=body).status_code == 422, body
