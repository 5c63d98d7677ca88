"""MQTT to and from the nodes: announcements and commands out, status, health and acknowledgements in."""

import asyncio
import contextlib
import json
import logging
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import aiomqtt

from codec.wire import announcement, report
from codec.wire.errors import WireError
from codec.wire.names import chain_topic, node_topic, parse_node_topic, zone_topic
from controller.chains import Chains
from controller.clock import mono_us
from controller.errors import StartError, UnavailableError
from controller.link.accounts import CONTROL_TOPIC, CONTROLLER, RESPONSE_TOPIC, Accounts, Commands
from controller.link.floods import Floods, inbox

log = logging.getLogger(__name__)

CONNECT_S = 5.0
PUBLISH_S = 5.0
FIRST_DELAY_S = 0.1
MAX_DELAY_S = 10.0
KEEPALIVE_S = 15
TELL_PERIOD_US = 10_000_000
HURRY_PERIOD_US = 10_000
SOON_US = 100_000
CONTROL_S = 5.0
_CONTROL_BATCH = 40
"""Commands in one message: the broker takes no more than 64 KiB."""


@dataclass(frozen=True)
class Login:
    """How the controller comes to a broker. tls: makes what verifies the broker, at each connection; None: no TLS."""

    host: str
    port: int
    username: str | None = None
    password: str | None = None
    tls: Callable[[], ssl.SSLContext] | None = None


class Listener(Protocol):
    """Who is told what nodes say; every body was checked."""

    async def on_status(self, node_id: str, status: dict[str, str]) -> None:
        """The node, or its last will, told of its presence."""

    async def on_health(
        self,
        node_id: str,
        counters: dict[str, int],
        gauges: dict[str, int | None],
        on_air: int | None,
        silent: str | None,
        states: dict[str, str | None],
    ) -> None:
        """The node reported its health, see codec.wire.report."""

    async def on_ack(self, node_id: str, raw: bytes) -> None:
        """The node, or who says that it is, answered a command; `raw` is not checked."""


class Link:
    """The connection to a broker; comes back by itself and then says again what is on air.

    chains: what is said to a whole zone is sealed by them, and their keys are told. accounts: those of our own broker,
    kept there as they should be; None: the broker is another's.
    """

    def __init__(self, login: Login, listener: Listener, chains: Chains, accounts: Accounts | None = None) -> None:
        self.connected = False
        self.malformed = 0
        self._login = login
        self._accounts = accounts
        self._responses: dict[str, asyncio.Future[str | None]] = {}
        self._admission = asyncio.Lock()
        self._floods = Floods()
        self._number = 0
        self._listener = listener
        self._client: aiomqtt.Client | None = None
        self._chains = chains
        self._announcements: dict[str, tuple[str, bytes]] = {}
        self._tell_us: dict[str, int] = {}
        self._told = asyncio.Event()
        self._hurry_us = 0
        self._withdrawn: set[str] = set()
        self._unsent: set[str] = set()
        self._sending = False
        self._nudge = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._first: asyncio.Future[None] | None = None

    async def start(self) -> None:
        """Connect; raises StartError when the broker does not answer now. Later it is tried again for ever."""
        self._first = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._run(), name="link")
        try:
            async with asyncio.timeout(CONNECT_S):
                await asyncio.shield(self._first)
        except (TimeoutError, aiomqtt.MqttError) as error:
            await self.stop()
            why = str(error) or "no answer"
            raise StartError(
                "broker",
                f"There is no MQTT broker for us at {self._login.host}:{self._login.port}: {why}.",
                "Start it, or correct host, port, username, password and ca in [broker].",
            ) from None

    async def stop(self) -> None:
        """Disconnect. What is on air stays announced."""
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def announce(self, zone_id: str, profile: str, raw: bytes) -> None:
        """Tell the nodes of a zone what is on air, an announcement's body, sealed when it goes out by the chain of the
        zone's profile; told again whenever the broker comes back."""
        self._put(zone_id, profile, raw)

    async def settle(self, patience_s: float) -> None:
        """Return when every announcement was taken by the broker, or after `patience_s`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                while self.connected and (self._unsent or self._sending):
                    await asyncio.sleep(0.01)

    def withdraw(self, zone_id: str) -> None:
        """Tell the nodes of a zone that exists no longer that nothing is on air there."""
        known = self._announcements.get(zone_id)
        if known is not None:
            self._put(zone_id, known[0], announcement.build(zone_id, []))
            self._withdrawn.add(zone_id)

    async def send(self, node_id: str, raw: bytes) -> None:
        """Publish a command to one node; raises UnavailableError while the broker is away."""
        client = self._client
        if client is None or not self.connected:
            raise UnavailableError("broker_away", "The MQTT broker is away.", "Try again in some seconds.")
        try:
            await client.publish(node_topic(node_id, "command"), raw, qos=1, timeout=PUBLISH_S)
        except aiomqtt.MqttError as error:
            raise UnavailableError("broker_away", f"The command was not sent: {error}.", "Try again.") from None

    async def admit(self) -> None:
        """Make the broker's accounts what they should be, now. Raises UnavailableError when it does not take it."""
        client = self._client
        if self._accounts is None or client is None or not self.connected:
            return  # it will be told when it is back
        try:
            await self._admit(client)
        except aiomqtt.MqttError as error:
            raise UnavailableError("broker_away", f"The broker was not told: {error}.", "Try again.") from None

    async def _admit(self, client: aiomqtt.Client) -> None:
        assert self._accounts is not None
        async with self._admission:
            reached = self._accounts.snapshot()
            commands = self._accounts.changes()
            for first in range(0, len(commands), _CONTROL_BATCH):
                await self._control(client, commands[first : first + _CONTROL_BATCH])
            self._accounts.applied(reached)

    async def _control(self, client: aiomqtt.Client, commands: Commands) -> None:
        waiting: list[asyncio.Future[str | None]] = []
        numbers = []
        for each in commands:
            self._number += 1
            number = str(self._number)
            answer: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
            self._responses[number] = answer
            numbers.append(number)
            waiting.append(answer)
            each["correlationData"] = number
        try:
            await client.publish(CONTROL_TOPIC, json.dumps({"commands": commands}), qos=1, timeout=PUBLISH_S)
            async with asyncio.timeout(CONTROL_S):
                refused = [error for error in await asyncio.gather(*waiting) if error]
        except TimeoutError:
            refused = ["no answer"]
        finally:
            for number in numbers:
                del self._responses[number]
        if refused:
            raise UnavailableError("broker_refuses", f"The broker refuses: {refused[0]}.", "See its log.")

    def _controlled(self, raw: bytes) -> None:
        for response in json.loads(raw).get("responses", []):
            waiting = self._responses.get(str(response.get("correlationData")))
            if waiting and not waiting.done():
                waiting.set_result(response.get("error"))

    def tell_keys(self) -> None:
        """Tell the keys of all that was said until now as soon as they may be told: the engine does so no more."""
        self._hurry_us = mono_us() + max((self._chains.wait_us(name) for name in self._chains.names), default=0)
        self._tell_us = {}
        self._told.set()

    def _tell_soon(self, profile: str) -> None:
        due_us = mono_us() + self._chains.wait_us(profile)
        self._tell_us[profile] = min(self._tell_us.get(profile, due_us), due_us)
        self._told.set()

    def _put(self, zone_id: str, profile: str, raw: bytes) -> None:
        if self._announcements.get(zone_id) != (profile, raw):
            self._announcements[zone_id] = profile, raw
            self._withdrawn.discard(zone_id)
            self._unsent.add(zone_id)
            self._nudge.set()

    async def _run(self) -> None:
        delay_s = FIRST_DELAY_S
        while True:
            try:
                async with self._new_client() as client:
                    delay_s = FIRST_DELAY_S
                    await self._serve(client)
            except aiomqtt.MqttError as error:
                if self._first and not self._first.done():
                    self._first.set_exception(error)
                log.warning("MQTT broker away: %s; again in %.1f s", error, delay_s)
            except Exception:  # whatever it is, the nodes must not be left alone for good
                log.exception("the link to the nodes failed; again in %.1f s", delay_s)
            finally:
                self.connected = False
                self._client = None
            await asyncio.sleep(delay_s)
            delay_s = min(MAX_DELAY_S, 2 * delay_s)

    def _new_client(self) -> aiomqtt.Client:
        login = self._login
        return aiomqtt.Client(
            login.host,
            login.port,
            username=login.username,
            password=login.password,
            tls_context=login.tls() if login.tls else None,
            identifier=CONTROLLER,
            timeout=CONNECT_S,
            keepalive=KEEPALIVE_S,
            max_queued_incoming_messages=10_000,
            queue_type=inbox(self._floods),
        )

    async def _serve(self, client: aiomqtt.Client) -> None:
        for leaf in ("status", "health", "ack"):
            await client.subscribe(f"loaxa/v1/node/+/{leaf}", qos=1)
        if self._accounts is not None:
            await client.subscribe(RESPONSE_TOPIC, qos=1)
        self._client = client
        self.connected = True
        self._unsent = set(self._announcements)
        self._nudge.set()
        if self._first and not self._first.done():
            self._first.set_result(None)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._announce_changes(client))
                group.create_task(self._tell_keys(client))
                group.create_task(self._listen(client))
                if self._accounts is not None:
                    group.create_task(self._floods.keep_out(client))
                    group.create_task(self._admit(client))  # what changed while it was away
        except BaseExceptionGroup as errors:
            lost, other = errors.split(aiomqtt.MqttError)
            if other is not None:
                raise
            raise aiomqtt.MqttError(str(lost.exceptions[0]) if lost else "") from None

    async def _announce_changes(self, client: aiomqtt.Client) -> None:
        while True:
            await self._nudge.wait()
            self._nudge.clear()
            while self._unsent:
                zone_id = self._unsent.pop()
                profile, raw = self._announcements[zone_id]
                self._sending = True
                try:
                    sealed = self._chains.seal(profile, raw)
                    await client.publish(zone_topic(zone_id, "session"), sealed, qos=1, timeout=PUBLISH_S)
                finally:
                    self._sending = False
                self._tell_soon(profile)  # packets tell the key of what begins; nothing but this that of what ends
                if zone_id in self._withdrawn and zone_id not in self._unsent:
                    self._withdrawn.discard(zone_id)
                    del self._announcements[zone_id]

    async def _tell_keys(self, client: aiomqtt.Client) -> None:
        """Tell the newest keys so often that no node falls behind, and soon after each announcement."""
        while True:
            self._told.clear()
            for profile in self._chains.names:
                if mono_us() >= self._tell_us.get(profile, 0):
                    hurry = mono_us() < self._hurry_us
                    self._tell_us[profile] = mono_us() + (HURRY_PERIOD_US if hurry else TELL_PERIOD_US)
                    await client.publish(chain_topic(profile), self._chains.telling(profile), qos=0, timeout=PUBLISH_S)
            wait_us = min([self._tell_us.get(name, 0) for name in self._chains.names], default=mono_us() + SOON_US)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(wait_us - mono_us(), 0) / 1e6):
                    await self._told.wait()

    async def _listen(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            try:
                if message.topic.value == RESPONSE_TOPIC:
                    self._controlled(bytes(message.payload or b""))
                    continue
                node_id, leaf = parse_node_topic(message.topic.value)
                await self._dispatch(node_id, leaf, bytes(message.payload or b""))
            except (WireError, TypeError):
                self.malformed += 1
            except Exception:
                log.exception("a report was lost")  # the next one may be fine; the link goes on

    async def _dispatch(self, node_id: str, leaf: str, raw: bytes) -> None:
        if leaf == "status":
            await self._listener.on_status(node_id, report.parse_status(raw))
        elif leaf == "health":
            await self._listener.on_health(node_id, *report.parse_health(raw))
        elif leaf == "ack":
            await self._listener.on_ack(node_id, raw)
