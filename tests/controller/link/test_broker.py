"""The real mosquitto with the accounts that the controller makes: what a node may, and nobody else."""

import asyncio
import contextlib
import os
import signal
import ssl
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import aiomqtt
import pytest

from codec.wire import report
from controller.errors import StartError
from controller.link.accounts import CONTROL_TOPIC, CONTROLLER
from controller.link.broker import find_plugin
from controller.pki import BROKER_NAME
from tests.controller.running import Running, running

REFUSED = "Not authorized|Bad user name or password|Connection Refused|not authorised"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("office")) as controller:
        controller.village()
        controller.post("/api/zones", {"id": "thon-2", "title": "Thôn Tây"})
        controller.post("/api/nodes", {"id": "cum-2", "zone": "thon-2"})
        yield controller


async def subscribe(client: aiomqtt.Client, topic: str) -> bool:
    """Return whether the broker grants it."""
    granted = await client.subscribe(topic, qos=1)
    code = granted[0]
    return int(getattr(code, "value", code)) < 128


async def hears(client: aiomqtt.Client, seconds: float = 0.5) -> list[str]:
    """Return the topics of what comes within `seconds`."""
    found: list[str] = []
    try:
        async with asyncio.timeout(seconds):
            async for message in client.messages:
                found.append(message.topic.value)
    except TimeoutError:
        pass
    return found


async def out(client: aiomqtt.Client) -> None:
    """Return when the broker has thrown the client out."""
    async with asyncio.timeout(5):
        with pytest.raises(aiomqtt.MqttError):
            await _drain(client)


async def _drain(client: aiomqtt.Client) -> None:
    async for _ in client.messages:
        pass


@pytest.mark.parametrize(
    ("topic", "granted"),
    [
        ("loaxa/v1/node/cum-1/command", True),
        ("loaxa/v1/zone/thon-1/session", True),
        ("loaxa/v1/zone/thon-1/schedule", True),
        ("loaxa/v1/chain/+", True),
        ("loaxa/v1/chain/lan", True),
        ("loaxa/v1/node/cum-2/command", False),
        ("loaxa/v1/node/cum-1/health", False),
        ("loaxa/v1/zone/thon-2/session", False),
        ("loaxa/v1/zone/+/session", False),
        ("loaxa/v1/node/+/command", False),
        ("loaxa/v1/node/cum-1/#", False),
        ("loaxa/v1/#", False),
        ("#", False),
        ("+/+/+/+/+", False),
        ("$share/g/loaxa/v1/node/cum-2/command", False),
        ("$CONTROL/#", False),
        ("$CONTROL/dynamic-security/v1/response", False),
        ("$SYS/#", False),
    ],
)
async def test_what_a_node_may_listen_to(office: Running, topic: str, granted: bool) -> None:
    async with office.node("cum-1") as node:
        assert await subscribe(node, topic) is granted


async def test_what_a_node_says_of_another_is_not_heard(office: Running) -> None:
    """The broker takes it and drops it: MQTT 3.1.1 has no other refusal of a publish."""
    status = report.build_status("online", "1.0", "linux")
    async with office.node("cum-1") as node, office.node("cum-2") as other:
        assert await subscribe(other, "loaxa/v1/node/cum-2/command")
        assert await subscribe(other, "loaxa/v1/zone/thon-2/session")
        await hears(other)  # what was retained
        before = office.get("/api/health")["broker"]["malformed"]
        for topic in (
            "loaxa/v1/node/cum-2/status",
            "loaxa/v1/node/cum-2/command",
            "loaxa/v1/node/cum-2/health",
            "loaxa/v1/node/cum-1/command",
            "loaxa/v1/node/stranger/status",
            "loaxa/v1/zone/thon-1/session",
            "loaxa/v1/zone/thon-2/session",
            "loaxa/v1/chain/lan",
            "$SYS/broker/uptime",
        ):
            await node.publish(topic, status, qos=1, retain=True)
        order = '{"commands": [{"command": "setDefaultACLAccess", "acls": [{"acltype": "subscribe", "allow": true}]}]}'
        await node.publish(CONTROL_TOPIC, order, qos=1)
        assert await hears(other) == []
        assert not await subscribe(node, "loaxa/v1/node/cum-2/status")
    listed = office.get("/api/nodes")
    assert {node["id"]: node["state"] for node in listed["nodes"]}["cum-2"] == "new"
    assert listed["unknown"] == []
    assert office.get("/api/health")["broker"]["malformed"] == before


async def test_who_is_not_let_in(office: Running) -> None:
    for wrong in (
        {"password": "0" * 64},
        {"password": None, "username": None},
        {"username": "cum-2"},
        {"username": CONTROLLER},
        {"username": "nobody"},
        {"identifier": "loaxa-cum-2"},
        {"identifier": CONTROLLER},
    ):
        with pytest.raises(aiomqtt.MqttError, match=REFUSED):
            async with office.node("cum-1", **wrong):
                pass


async def test_in_the_clear_it_says_nothing(office: Running) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", office.ports["broker_port"])
    writer.write(b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04node")
    async with asyncio.timeout(5):
        with contextlib.suppress(ConnectionError):
            assert b"\x20" not in (await reader.read(100))[:1]
    writer.close()


async def test_who_does_not_know_the_authority_says_nothing_to_it(office: Running) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        await asyncio.open_connection(
            "127.0.0.1", office.ports["broker_port"], ssl=ssl.create_default_context(), server_hostname=BROKER_NAME
        )


def test_tls_of_today_alone(office: Running) -> None:
    address = f"127.0.0.1:{office.ports['broker_port']}"
    for version, works in (("-tls1_1", False), ("-tls1_2", True), ("-tls1_3", True)):
        asked = subprocess.run(
            ["openssl", "s_client", "-connect", address, version, "-cipher", "DEFAULT@SECLEVEL=0"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=10,
            check=False,
        )
        assert (b"BEGIN CERTIFICATE" in asked.stdout) is works, version


async def test_a_message_that_is_too_long_ends_its_sender_alone(office: Running) -> None:
    async with office.node("cum-2") as other:
        with pytest.raises(aiomqtt.MqttError):
            async with office.node("cum-1") as node:
                await node.publish("loaxa/v1/node/cum-1/health", b"x" * 70_000, qos=1, timeout=5)
        await other.publish("loaxa/v1/node/cum-2/log", b"here", qos=1)


async def test_a_node_that_is_removed_is_out_at_once(office: Running) -> None:
    await asyncio.to_thread(office.post, "/api/nodes", {"id": "cum-9", "zone": "thon-1"})
    node = office.node("cum-9")
    later = office.node("cum-9")
    try:
        async with node:
            await node.publish("loaxa/v1/node/cum-9/health", report.build_health({}, {}, None), qos=1)
            await asyncio.to_thread(office.http.delete, "/api/nodes/cum-9")
            await out(node)
    except aiomqtt.MqttError:
        pass  # it cannot take leave either
    with pytest.raises(aiomqtt.MqttError, match=REFUSED):
        async with later:
            pass


async def test_a_node_that_moves_loses_its_old_zone(office: Running) -> None:
    await asyncio.to_thread(office.post, "/api/nodes", {"id": "cum-8", "zone": "thon-1"})
    try:
        async with office.node("cum-8") as node:
            assert await subscribe(node, "loaxa/v1/zone/thon-1/session")
            await asyncio.to_thread(office.http.patch, "/api/nodes/cum-8", json={"zone": "thon-2"})
            await out(node)
    except aiomqtt.MqttError:
        pass
    async with office.node("cum-8") as node:
        assert not await subscribe(node, "loaxa/v1/zone/thon-1/session")
        assert await subscribe(node, "loaxa/v1/zone/thon-2/session")
        body = {"source": {"kind": "tone", "duration_ms": 30_000}, "zones": ["thon-2"]}
        session = await asyncio.to_thread(office.post, "/api/sessions", body)
        assert await hears(node) == ["loaxa/v1/zone/thon-2/session"]
        await asyncio.to_thread(office.http.delete, f"/api/sessions/{session['id']}")
    await asyncio.to_thread(office.http.delete, "/api/nodes/cum-8")


async def test_no_node_can_have_the_controllers_name(office: Running) -> None:
    """Neither its account nor its client id, by which each would throw the other out."""
    restarts = office.get("/api/health")["broker"]["restarts"]
    for name in ("controller", "loaxa-controller", CONTROLLER.lower()):
        await asyncio.to_thread(office.post, "/api/nodes", {"id": name, "zone": "thon-1"})
        async with office.node(name) as node:
            assert await subscribe(node, f"loaxa/v1/node/{name}/command")
            await node.publish(f"loaxa/v1/node/{name}/status", report.build_status("online"), qos=1)
            assert await hears(node, 1.0) == [f"loaxa/v1/node/{name}/command"] * 2  # configure, air
        await asyncio.to_thread(office.http.delete, f"/api/nodes/{name}")
    broker = office.get("/api/health")["broker"]
    assert (broker["connected"], broker["restarts"]) == (True, restarts)


async def test_a_broker_that_was_killed_knows_everybody_again(office: Running) -> None:
    names = ("cum-7", "loaxa-controller")
    for name in names:
        await asyncio.to_thread(office.post, "/api/nodes", {"id": name, "zone": "thon-1"})
    old = office.get("/api/health")["broker"]["pid"]
    os.kill(old, signal.SIGKILL)
    await asyncio.to_thread(office.until, lambda: office.get("/api/health")["broker"]["pid"] not in (None, old))
    await asyncio.to_thread(office.until, lambda: office.get("/api/health")["broker"]["connected"])
    for name in names:
        async with office.node(name) as node:
            assert await subscribe(node, "loaxa/v1/zone/thon-1/session")
        await asyncio.to_thread(office.http.delete, f"/api/nodes/{name}")


def test_its_secrets_are_for_its_own_eyes(office: Running) -> None:
    pid = office.get("/api/health")["broker"]["pid"]
    words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    folder = Path(words[words.index(b"-c") + 1].decode()).parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir() if path.name != "mosquitto.log"} == {0o600}
    assert (office.folder / "state" / "pki" / "ca.key").exists()


def test_many_changes_are_taken_one_by_one(office: Running) -> None:
    began = time.monotonic()
    for number in range(30):
        office.post("/api/nodes", {"id": f"n{number}", "zone": "thon-1"})
    print(f"{(time.monotonic() - began) / 30 * 1000:.0f} ms a node")
    assert office.get("/api/health")["broker"]["restarts"] <= 1
    for number in range(30):
        assert office.http.delete(f"/api/nodes/n{number}").status_code == 204


def test_without_the_plugin_it_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"dynamic security plugin .* not installed. It comes with mosquitto 2"):
        find_plugin([str(tmp_path)])


OUTSIDE = """
[http]
port = 0
[media]
host = "127.0.0.1"
port = 0
[broker]
host = "127.0.0.1"
port = {broker}
%s
[storage]
folder = "{folder}"
"""


def test_an_external_broker_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"There is no MQTT broker for us at 127.0.0.1:1: .*\[broker\]"):
        Running(tmp_path, OUTSIDE % "tls = false", broker=1)
