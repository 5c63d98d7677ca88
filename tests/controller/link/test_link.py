"""The link by itself: what was not taken by the broker is said again, and no mistake ends it."""

import asyncio
from typing import Any

import aiomqtt
import pytest

from codec.wire import announcement, tesla
from codec.wire.tesla import Chain
from controller.chains import Chains
from controller.link.nodes import Link, Login

NOW_US = 1_700_000_000_000_000


class Client:
    def __init__(self, fails: bool) -> None:
        self.fails = fails
        self.published: list[tuple[str, bytes]] = []

    async def publish(self, topic: str, raw: bytes, **_: Any) -> None:
        if self.fails:
            raise aiomqtt.MqttError("away")
        self.published.append((topic, raw))


def chains() -> Chains:
    made = Chains(lambda: NOW_US, length=256)
    made.renew({"lan"})
    return made


async def test_a_withdrawal_that_failed_is_said_again() -> None:
    sealed_by = chains()
    link = Link(Login("127.0.0.1", 1), None, sealed_by)
    link.announce("thon-1", "lan", b"what was on air")
    link.withdraw("thon-1")
    link.withdraw("thon-9")  # nobody ever heard of it
    with pytest.raises(aiomqtt.MqttError):
        await link._announce_changes(Client(fails=True))
    link._unsent = set(link._announcements)  # as after a new connection
    link._nudge.set()
    client = Client(fails=False)
    task = asyncio.create_task(link._announce_changes(client))
    while link._announcements:
        await asyncio.sleep(0.01)
    task.cancel()
    ((topic, raw),) = client.published
    assert topic == "loaxa/v1/zone/thon-1/session"
    interval, tag, body = tesla.parse_seal(raw)
    assert announcement.parse(body, "thon-1") == ([], None)
    secret = sealed_by._chains["lan"][0]
    assert tag == tesla.seal_tag(interval, body, Chain(secret.salt).tags(secret.key(interval)))


async def test_an_unexpected_error_does_not_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    link = Link(Login("127.0.0.1", 1), None, chains())
    tried = 0

    def fail() -> None:
        nonlocal tried
        tried += 1
        raise RuntimeError("a mistake")

    monkeypatch.setattr(link, "_new_client", fail)
    task = asyncio.create_task(link._run())
    async with asyncio.timeout(5):
        while tried < 3:
            await asyncio.sleep(0.01)
    task.cancel()
