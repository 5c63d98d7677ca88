"""The link by itself: what was not taken by the broker is said again, and no mistake ends it."""

import asyncio
from typing import Any

import aiomqtt
import pytest

from controller.link.nodes import Link, Login


class Client:
    def __init__(self, fails: bool) -> None:
        self.fails = fails
        self.published: list[tuple[str, bytes]] = []

    async def publish(self, topic: str, raw: bytes, **_: Any) -> None:
        if self.fails:
            raise aiomqtt.MqttError("away")
        self.published.append((topic, raw))


async def test_a_withdrawal_that_failed_is_said_again() -> None:
    link = Link(Login("127.0.0.1", 1), None)
    link.withdraw("thon-1")
    with pytest.raises(aiomqtt.MqttError):
        await link._announce_changes(Client(fails=True))
    link._unsent = set(link._announcements)  # as after a new connection
    link._nudge.set()
    client = Client(fails=False)
    task = asyncio.create_task(link._announce_changes(client))
    while link._announcements:
        await asyncio.sleep(0.01)
    task.cancel()
    assert client.published == [("loaxa/v1/zone/thon-1/session", b"")]


async def test_an_unexpected_error_does_not_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    link = Link(Login("127.0.0.1", 1), None)
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
