"""A node's account in other hands, at full speed, at the real broker: the other nodes are served meanwhile."""

import asyncio
import contextlib
import json
import select
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import aiomqtt
import pytest

from codec.wire import command, enrolment, names, report
from codec.wire.mac import Mac, derive
from controller.greetings import PERIOD_S
from controller.link import floods
from controller.pki import BROKER_NAME
from firmware.node import mqtt_packets as packets
from tests.controller.running import Running, running

WITHIN_S = 2.0


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("office")) as controller:
        controller.village()
        for number in range(2, 7):
            controller.post("/api/nodes", {"id": f"cum-{number}", "zone": "thon-1"})
        yield controller


class Flood:
    """Says one thing over and over as `name`, as fast as the broker takes it, and comes back when it is thrown out."""

    def __init__(self, office: Running, name: str, leaf: str, raw: bytes, qos: int) -> None:
        self.sent_bytes = 0
        self._over = False
        self._office = office
        self._name = name
        self._password = derive(office.key_of(name), "broker").hex()
        self._piece = packets.publish(names.node_topic(name, leaf), raw, qos, False, 9) * 200
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Flood":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        self._thread.join()

    def _run(self) -> None:
        while not self._over:
            with contextlib.suppress(OSError):
                self._once()

    def _once(self) -> None:
        address = ("127.0.0.1", self._office.ports["broker_port"])
        with (
            socket.create_connection(address, 5) as plain,
            self._office.tls().wrap_socket(plain, server_hostname=BROKER_NAME) as end,
        ):
            end.sendall(packets.connect(f"loaxa-{self._name}", 60, None, self._name, self._password))
            if end.recv(4)[3:] != b"\0":
                time.sleep(0.05)
                return
            while not self._over:
                end.sendall(self._piece)
                self.sent_bytes += len(self._piece)
                while select.select([end], [], [], 0)[0]:
                    if not end.recv(65536):
                        return


async def obey(office: Running, node: aiomqtt.Client) -> None:
    """Have cum-1 commanded, and answer as it does."""
    key = office.key_of("cum-1")
    order = asyncio.create_task(asyncio.to_thread(office.post, "/api/nodes/cum-1/command", {"op": "stop"}))
    async with asyncio.timeout(10):
        message = await anext(aiter(node.messages))
    counter, _, operation, _ = command.parse(bytes(message.payload), "cum-1", Mac(derive(key, "command")))
    answer = command.build_ack(counter, None, Mac(derive(key, "ack")))
    await node.publish(names.node_topic("cum-1", "ack"), answer, qos=1)
    assert (operation, (await order)["acknowledged"]) == ("stop", True)


async def test_who_floods_holds_up_nobody_else(office: Running) -> None:
    said = {
        "cum-2": ("status", report.build_status(report.ONLINE), 0),
        "cum-3": ("status", report.build_status(report.ONLINE), 1),
        "cum-4": ("health", report.build_health({}, {}, None), 1),
        "cum-5": ("ack", command.build_ack(1, None, Mac(bytes(32))), 0),
        "cum-6": ("log", b"x" * 100, 0),
    }
    async with office.node("cum-1") as node:
        await node.subscribe(names.node_topic("cum-1", "command"))
        for name, what in said.items():
            with Flood(office, name, *what) as flood:
                while not flood.sent_bytes:
                    await asyncio.sleep(0.01)
                for _ in range(3):
                    began_s = time.monotonic()
                    await obey(office, node)
                    assert time.monotonic() - began_s < WITHIN_S, what[0]
    for name in ("cum-2", "cum-3", "cum-4", "cum-5"):
        with pytest.raises(aiomqtt.MqttError, match=r"Not authorized|not authorised"):
            async with office.node(name):
                pass
    line = await asyncio.to_thread(office.post, "/api/nodes/cum-2/enrolment")
    code = enrolment.grouped(enrolment.parse_line(line["line"]).code)
    await asyncio.to_thread(office.post, "/api/enrol", {"code": code, "board": "linux", "serial": ""})
    async with office.node("cum-2") as node:  # another board in its place is not it
        assert await node.subscribe(names.node_topic("cum-2", "command"))


async def test_a_node_is_not_greeted_again_and_again(office: Running) -> None:
    async with office.node("cum-1") as node:
        await node.subscribe(names.node_topic("cum-1", "command"))
        for _ in range(20):
            await node.publish(names.node_topic("cum-1", "status"), report.build_status(report.ONLINE), qos=1)
        came_s = []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PERIOD_S * 1.8):
                async for _ in node.messages:
                    came_s.append(time.monotonic())
    assert len(came_s) == 4, "configure and air, now and once more for those that asked since"
    assert came_s[2] - came_s[1] > PERIOD_S * 0.7


async def test_who_is_out_comes_in_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(floods, "OUT_US", 50_000)
    said: asyncio.Queue[list[dict[str, str]]] = asyncio.Queue()

    class Broker:
        async def publish(self, _topic: str, raw: str, **_: Any) -> None:
            said.put_nowait(json.loads(raw)["commands"])

    counted = floods.Floods()
    task = asyncio.create_task(counted.keep_out(Broker()))
    heard = [counted.hears("cum-2") for _ in range(3 * floods.MOST_A_SECOND)]
    assert floods.MOST_A_SECOND <= heard.count(True) <= 2 * floods.MOST_A_SECOND  # the second may have ended
    assert counted.hears("cum-3")
    assert await said.get() == [{"command": "disableClient", "username": "cum-2"}]
    assert await said.get() == [{"command": "enableClient", "username": "cum-2"}]
    assert counted.out == {}
    task.cancel()
