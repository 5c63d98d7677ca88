"""Nodes that say more than any node of ours has to say: not heard, and out of our own broker for a while.

A stolen board's account is good until somebody sees that it is gone. At full speed it would take the places in the
queues, here and in the broker, that other nodes' answers need.
"""

import asyncio
import contextlib
import json
import logging

import aiomqtt

from controller.clock import mono_us
from controller.link.accounts import CONTROL_TOPIC, Commands

log = logging.getLogger(__name__)

MOST_A_SECOND = 50
"""Messages of a node. It reports every 10 s, and answers commands."""
OUT_US = 60_000_000
"""How long it is out. Its own radio may be what is broken: then nobody else lets it in again."""
PUBLISH_S = 5.0


class Floods:
    """Counts what each node says. out: those that are not let in at present, and until when (CLOCK_MONOTONIC)."""

    def __init__(self) -> None:
        self.out: dict[str, int] = {}
        self._counts: dict[str, int] = {}
        self._second = 0
        self._came = asyncio.Event()
        self._noisy: set[str] = set()

    def hears(self, sender: str) -> bool:
        """Return whether one more message of a node is heard this second."""
        now_us = mono_us()
        if now_us // 1_000_000 != self._second:
            self._second = now_us // 1_000_000
            self._counts.clear()
        count = self._counts.get(sender, 0) + 1
        self._counts[sender] = count
        if count == MOST_A_SECOND + 1:
            self._noisy.add(sender)
            self._came.set()
        return count <= MOST_A_SECOND

    async def keep_out(self, client: aiomqtt.Client) -> None:
        """Tell our own broker, for ever, who is out and who may come in again.

        Nobody waits for its answers: a flood may push them out, and to say this twice does no harm.
        """
        while True:
            self._came.clear()
            now_us = mono_us()
            noisy, over = set(self._noisy), {name for name, until_us in self.out.items() if until_us <= now_us}
            orders = _orders("enableClient", over - noisy) + _orders("disableClient", noisy)
            if orders:
                log.warning(
                    "nodes that say too much and are out now: %s; let in again: %s", sorted(noisy), sorted(over - noisy)
                )
                await client.publish(CONTROL_TOPIC, json.dumps({"commands": orders}), qos=1, timeout=PUBLISH_S)
            self._noisy -= noisy
            self.out = {name: until_us for name, until_us in self.out.items() if name not in over}
            self.out |= dict.fromkeys(noisy, now_us + OUT_US)
            first_us = min(self.out.values(), default=mono_us() + OUT_US)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(first_us - mono_us(), 0) / 1e6):
                    await self._came.wait()


def inbox(floods: Floods) -> type[asyncio.Queue[aiomqtt.Message]]:
    """Return a queue of what nodes say that has no place for what `floods` does not hear."""

    class Inbox(asyncio.Queue[aiomqtt.Message]):
        def put_nowait(self, item: aiomqtt.Message) -> None:
            parts = item.topic.value.split("/", 4)
            if parts[2] != "node" or floods.hears(parts[3]):
                super().put_nowait(item)

    return Inbox


def _orders(command: str, names: set[str]) -> Commands:
    return [{"command": command, "username": name} for name in names]
