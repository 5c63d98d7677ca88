"""A broker that runs elsewhere: a real mosquitto with the rights that docs/operations.md lists, and no others."""

import asyncio
import re
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import aiomqtt
import pytest

from codec.wire import names, report
from controller.pki import BROKER_NAME, Authority
from controller.ports import free_port
from tests.controller.running import ROOT, Running, running

CONFIG = """
[http]
port = {http}
[media]
host = "127.0.0.1"
port = {media}
[broker]
host = "127.0.0.1"
port = {broker}
username = "Loaxa"
password_file = "@/password"
ca = "@/pki/ca.pem"
[storage]
folder = "{folder}"
"""


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    """Its folder and port; the accounts are Loaxa, cum-01 and stranger, each with its name as its password."""
    folder = tmp_path_factory.mktemp("outside")
    certificate, key = Authority(folder / "pki").issue("broker", [BROKER_NAME, "127.0.0.1"])
    documented = re.search(r"```\n(user Loaxa\n.*?)```", (ROOT / "docs/operations.md").read_text(), re.S)
    assert documented
    (folder / "acl").write_text(documented[1] + "\nuser stranger\ntopic write loaxa/v1/node/+/#\n")
    (folder / "password").write_text("Loaxa\n")
    (folder / "users").write_text("".join(f"{name}:{name}\n" for name in ("Loaxa", "cum-01", "stranger")))
    subprocess.run(["mosquitto_passwd", "-U", str(folder / "users")], check=True, capture_output=True)
    port = free_port("127.0.0.1", 0, "broker", "broker")
    (folder / "conf").write_text(
        f"listener {port} 127.0.0.1\ncertfile {certificate}\nkeyfile {key}\nallow_anonymous false\n"
        f"password_file {folder}/users\nacl_file {folder}/acl\nuser root\n"
    )
    program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    with subprocess.Popen([program, "-c", str(folder / "conf")], stderr=subprocess.DEVNULL) as process:
        yield folder, port
        process.terminate()


@pytest.fixture(scope="module")
def office(outside: tuple[Path, int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    config = CONFIG.replace("@", str(outside[0]))
    with running(tmp_path_factory.mktemp("office"), config, broker=outside[1]) as controller:
        controller.village("thon-1", "cum-01")
        yield controller


def client(outside: tuple[Path, int], name: str) -> aiomqtt.Client:
    context = ssl.create_default_context(cafile=outside[0] / "pki" / "ca.pem")
    return aiomqtt.Client("127.0.0.1", outside[1], username=name, password=name, tls_context=context)


async def test_the_documented_rights_are_enough(office: Running, outside: tuple[Path, int]) -> None:
    async with client(outside, "cum-01") as node:
        await node.subscribe(names.node_topic("cum-01", "command"))
        await node.publish(names.node_topic("cum-01", "status"), report.build_status("online", "1", "linux"), qos=1)
        async with asyncio.timeout(10):
            message = await anext(aiter(node.messages))
        assert message.topic.value == "loaxa/v1/node/cum-01/command"
        await asyncio.to_thread(office.until, lambda: office.get("/api/nodes/cum-01")["state"] == "online")
    assert office.get("/api/health")["broker"] == {"connected": True, "own": False, "malformed": 0}


async def test_strangers_and_nonsense_are_listed_and_counted(office: Running, outside: tuple[Path, int]) -> None:
    async with client(outside, "stranger") as stranger:
        for body in (b"", b"{", b"\xff" * 100, b"x" * 9000):
            await stranger.publish(names.node_topic("cum-01", "health"), body, qos=1)
        await stranger.publish("loaxa/v1/node/Bad_Name/status", report.build_status("online"), qos=1)
        await stranger.publish(names.node_topic("la", "status"), report.build_status("online"), qos=1)
        health = "/api/health"
        await asyncio.to_thread(office.until, lambda: office.get(health)["broker"]["malformed"] >= 5)
        await asyncio.to_thread(
            office.until, lambda: [one["id"] for one in office.get("/api/nodes")["unknown"]] == ["la"]
        )


def test_a_wrong_password_says_where_to_correct_it(outside: tuple[Path, int], tmp_path: Path) -> None:
    config = CONFIG.replace("@/password", str(tmp_path / "wrong")).replace("@", str(outside[0]))
    (tmp_path / "wrong").write_text("wrong\n")
    with pytest.raises(AssertionError, match=r"no MQTT broker for us .*correct host, port, username, password"):
        Running(tmp_path, config, broker=outside[1])


def test_a_broker_of_another_authority(outside: tuple[Path, int], tmp_path: Path) -> None:
    Authority(tmp_path / "other")
    config = CONFIG.replace("@/pki", str(tmp_path / "other")).replace("@", str(outside[0]))
    with pytest.raises(AssertionError, match=r"(?i)certificate verify failed"):
        Running(tmp_path, config, broker=outside[1])
