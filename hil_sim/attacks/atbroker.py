"""Attackers at the broker: one that has broken into it, and one that is let in as a node.

The first stands between the nodes and the broker with the broker's own key: it reads, holds back, repeats and makes up
whatever it likes. The second has a node's account, and tries every topic that is not its own.
"""

import asyncio
import contextlib
import random
import ssl
import threading
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from codec.profile import PROFILES, Profile
from codec.wire import announcement, chain, command, names, report
from codec.wire.mac import KEY_BYTES, Mac, derive
from codec.wire.tesla import SALT_BYTES, SEAL_BYTES, Chain, seal
from controller.pki import BROKER_NAME
from firmware.node import mqtt_packets as packets
from hil_sim.attacks import FOREIGN_COUNTER
from hil_sim.attacks.falsehood import false_chain, false_stream

HOLD_S = 4.0
PERIOD_S = 0.25
_MOST_PACKET_BYTES = 1 << 16
_CLOSING_S = 0.1


@dataclass
class Loot:
    """What the attacker has read. zone, profile: of the nodes. keys: of stolen ones, by name.

    salt, media0_us, first: as :class:`.attack.Plunder` has them.
    """

    zone: str
    profile: Profile
    salt: bytes = bytes(SALT_BYTES)
    media0_us: int = 0
    first: int = 1
    keys: dict[str, bytes] = field(default_factory=dict)
    commands: dict[str, list[bytes]] = field(default_factory=dict)
    announcements: list[bytes] = field(default_factory=list)
    tellings: list[bytes] = field(default_factory=list)
    topics: dict[str, bytes] = field(default_factory=dict)


class LyingBroker:
    """Listens where the nodes think the broker is; honest until :meth:`attack`.

    certificate, key: the broker's. real: where it is.
    """

    def __init__(self, certificate: Path, key: Path, real: tuple[str, int], loot: Loot) -> None:
        self.port = 0
        self.loot = loot
        self._kind: str | None = None
        self._withheld = False
        self._real = real
        self._papers = certificate, key
        self._victims: dict[str, _Victim] = {}
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        self._ready.wait(10.0)

    def attack(self, kind: str, lasts_s: float) -> None:
        """Begin to lie (`lying_broker`), or to repeat and hold back commands alone (`command_replay`)."""
        self._call(self._attack(kind, lasts_s))

    def withhold(self, withheld: bool = True) -> None:
        """Keep the commands that come from now on to oneself; :meth:`attack` gives them out."""
        self._withheld = withheld

    def close(self) -> None:
        """End it."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5.0)

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self._papers)
        server = self._loop.run_until_complete(asyncio.start_server(self._node, "127.0.0.1", 0, ssl=context))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        try:
            self._loop.run_forever()
        finally:
            server.close()
            tasks = asyncio.all_tasks(self._loop)
            for task in tasks:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            self._loop.run_until_complete(asyncio.sleep(_CLOSING_S))  # TLS says goodbye
            self._loop.close()

    async def _node(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        blind = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        blind.check_hostname = False
        blind.verify_mode = ssl.CERT_NONE  # it knows whom it has broken into
        try:
            up_reader, up_writer = await asyncio.open_connection(*self._real, ssl=blind)
        except OSError:
            writer.close()
            return
        victim = _Victim(writer, self.loot)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._up(reader, up_writer, victim))
                group.create_task(self._down(up_reader, victim))
        except BaseExceptionGroup as errors:
            if errors.split((OSError, EOFError, ValueError))[1]:
                raise
        finally:
            self._victims = {name: other for name, other in self._victims.items() if other is not victim}
            for each in (writer, up_writer):
                each.close()

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, victim: "_Victim") -> None:
        while True:
            head, body, raw = await read_packet(reader)
            if head & 0xF0 == packets.CONNECT:
                length = int.from_bytes(body[10:12], "big")
                name = body[12 : 12 + length].decode().removeprefix("loaxa-")
                self._victims[name] = victim
                victim.name = name
            writer.write(raw)
            await writer.drain()

    async def _down(self, reader: asyncio.StreamReader, victim: "_Victim") -> None:
        while True:
            head, body, raw = await read_packet(reader)
            if head & 0xF0 == packets.PUBLISH:
                topic, payload, _, _ = packets.parse_publish(head, body)
                self._read(victim, topic, payload)
                if self._withheld and topic.endswith("/command"):
                    continue
                if self._kind is not None and topic.endswith("/command"):
                    # Held back, so that those after it would come before it, and given out later.
                    asyncio.get_running_loop().call_later(HOLD_S, victim.write, raw)
                    continue
            victim.write(raw)

    def _read(self, victim: "_Victim", topic: str, payload: bytes) -> None:
        loot = self.loot
        loot.topics[topic] = payload
        if topic.endswith("/command"):
            loot.commands.setdefault(victim.name, []).append(payload)
        elif topic.endswith("/session"):
            loot.announcements.append(payload)
        else:
            loot.tellings.append(payload)

    async def _attack(self, kind: str, lasts_s: float) -> None:
        self._kind = kind
        chance = random.Random(1)
        until_s = self._loop.time() + lasts_s
        while self._loop.time() < until_s:
            for name, victim in list(self._victims.items()):
                for topic, payload in lies(self.loot, name, chance, commands_alone=kind == "command_replay"):
                    victim.publish(topic, payload)
            await asyncio.sleep(PERIOD_S)
        self._kind = None


class _Victim:
    """A node's connection, from the broker's side."""

    def __init__(self, writer: asyncio.StreamWriter, loot: Loot) -> None:
        self.name = ""
        self._writer = writer
        self._loot = loot

    def write(self, raw: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(raw)

    def publish(self, topic: str, payload: bytes) -> None:
        self.write(packets.publish(topic, payload, 0, False, 0))


def lies(loot: Loot, name: str, chance: random.Random, commands_alone: bool = False) -> list[tuple[str, bytes]]:
    """Return what is published to a node: every message that it was sent before, and those that can be made up."""
    to_node = names.node_topic(name, "command")
    found = [(to_node, raw) for raw in loot.commands.get(name, [])[-20:]]
    found += [(to_node, raw) for other, raws in loot.commands.items() if other != name for raw in raws[-3:]]
    if commands_alone:
        return found[::-1]  # a node that obeyed them all would be left as the first one had it
    stolen = {other: key for other, key in loot.keys.items() if other != name}
    found += [(to_node, raw) for raw in foreign_commands(name, stolen)]
    zone = names.zone_topic(loot.zone, "session")
    found += [(zone, raw) for raw in loot.announcements[-10:]]
    found += [(zone, raw) for raw in false_announcements(loot, chance)]
    for topic in [topic for topic in loot.topics if "/chain/" in topic]:
        found += [(topic, raw) for raw in loot.tellings[-5:]]
        found += [(topic, raw) for raw in false_chains(loot, chance)]
    return found


def foreign_commands(name: str, keys: dict[str, bytes]) -> list[bytes]:
    """Return commands to a node by one who has other nodes' keys, or none."""
    orders: list[tuple[str, dict[str, object]]] = [
        (command.CONFIGURE, {"zone": "thon-9", "gain_db": 12.0}),
        (command.REBOOT, {}),
        (command.STOP, {}),
        (command.MUTE, {"muted": True}),
    ]
    found = []
    for key in [*keys.values(), bytes(KEY_BYTES)]:
        for purpose in ("command", "ack"):
            for operation, arguments in orders:
                tags = Mac(derive(key, purpose))
                found.append(command.build(name, FOREIGN_COUNTER, operation, arguments, 1 << 60, tags))
    return [*found, b"{}", b"", b"\0" * 16 + b'{"v": 1}']


def false_announcements(loot: Loot, chance: random.Random) -> list[bytes]:
    """Return announcements of a stream of the attacker's, and of silence: with keys that were told, and with none."""
    found = []
    for streams in ([], [false_stream(loot.profile, loot.media0_us)]):
        body = announcement.build(loot.zone, streams)
        for interval, key in _told(loot):
            found += _sealed(loot, body, interval, key, chance)
    return found


def false_chains(loot: Loot, chance: random.Random) -> list[bytes]:
    """Return words on keys that end in a chain of the attacker's, sealed in the same ways; and a key of nobody's."""
    after = false_chain(loot.first).anchor()
    found = [chance.randbytes(SEAL_BYTES) + chain.build(chance.randrange(1 << 40), chance.randbytes(16))]
    for interval, key in _told(loot):
        found += _sealed(loot, chain.build(interval, key, after), interval, key, chance)
    return found


def _told(loot: Loot) -> list[tuple[int, bytes]]:
    return [chain.parse(raw[SEAL_BYTES:])[:2] for raw in loot.tellings[-2:]]


def _sealed(loot: Loot, body: bytes, interval: int, key: bytes, chance: random.Random) -> list[bytes]:
    """Return a body with the tag of a key that was told, late; with the same as if in time; and with none."""
    tags = Chain(loot.salt).tags(key)
    return [body, chance.randbytes(SEAL_BYTES) + body, seal(body, interval + 4, tags), seal(body, interval, tags)]


class RogueClient:
    """A node's account in other hands: publishes to all that is not its own, subscribes to all, and says what it got.

    identity: what the node got when it was enrolled.
    """

    def __init__(self, identity: dict[str, Any], others: list[str], loot: Loot) -> None:
        self.heard: list[str] = []
        self.let_in = False
        self._identity = identity
        self._others = others
        self._loot = loot
        self._over = False
        self._thread: threading.Thread | None = None

    def own_topics(self) -> set[str]:
        """Return what a node's account may hear."""
        own = {names.node_topic(self._identity["id"], "command"), names.zone_topic(self._loot.zone, "session")}
        return own | {names.chain_topic(name) for name in PROFILES}

    def attack(self, lasts_s: float) -> None:
        """Work for `lasts_s` in a thread of its own."""
        self._thread = threading.Thread(target=lambda: asyncio.run(self._attack(lasts_s)), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it."""
        self._over = True
        if self._thread is not None:
            self._thread.join(5.0)

    async def _attack(self, lasts_s: float) -> None:
        context = ssl.create_default_context(cadata=self._identity["ca"])
        name, key = self._identity["id"], bytes.fromhex(self._identity["key"])
        deadline_s = asyncio.get_running_loop().time() + lasts_s
        host, port = self._identity["broker"]
        with contextlib.suppress(OSError, EOFError, asyncio.IncompleteReadError):
            reader, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=BROKER_NAME)
            password = derive(key, "broker").hex()
            writer.write(packets.connect(f"loaxa-{name}", 60, None, name, password))
            head, body, _ = await read_packet(reader)
            self.let_in = head == packets.CONNACK and body[1] == 0
            listening = asyncio.create_task(self._listen(reader))
            wanted = ["#", "$SYS/#", "$CONTROL/#", "loaxa/v1/node/+/command", names.zone_topic("thon-2", "session")]
            wanted += [names.node_topic(other, leaf) for other in self._others for leaf in names.NODE_TOPICS]
            for number, topic in enumerate(wanted, 1):
                writer.write(packets.subscribe(number, [topic], 1))
            await writer.drain()
            chance = random.Random(2)
            while asyncio.get_running_loop().time() < deadline_s and not self._over:
                for topic, payload in self._publications(chance, key):
                    writer.write(packets.publish(topic, payload, 1, True, 9))
                await writer.drain()
                await asyncio.sleep(PERIOD_S)
            listening.cancel()
            writer.close()
            await writer.wait_closed()

    def _publications(self, chance: random.Random, key: bytes) -> list[tuple[str, bytes]]:
        found = []
        for other in self._others:
            topic = names.node_topic(other, "command")
            found += [(topic, raw) for raw in foreign_commands(other, {self._identity["id"]: key})]
            found.append((names.node_topic(other, "status"), report.build_status(report.OFFLINE)))
            found.append((names.node_topic(other, "ack"), command.build_ack(1, None, Mac(derive(key, "ack")))))
        zone = names.zone_topic(self._loot.zone, "session")
        found += [(zone, raw) for raw in false_announcements(self._loot, chance)]
        topic = names.chain_topic(self._loot.profile.name)
        found += [(topic, raw) for raw in false_chains(self._loot, chance)]
        found.append(("$CONTROL/dynamic-security/v1", b'{"commands": [{"command": "listClients"}]}'))
        return found

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(OSError, EOFError, asyncio.IncompleteReadError):
            while True:
                head, body, _ = await read_packet(reader)
                if head & 0xF0 == packets.PUBLISH:
                    topic, payload, _, _ = packets.parse_publish(head, body)
                    self.heard.append(topic)
                    if topic == names.chain_topic(self._loot.profile.name):
                        self._loot.tellings.append(payload)


async def read_packet(reader: asyncio.StreamReader) -> tuple[int, bytes, bytes]:
    """Return ``(head, body, all its bytes)`` of the next MQTT packet."""
    raw = await reader.readexactly(1)
    length = shift = 0
    while True:
        byte = await reader.readexactly(1)
        raw += byte
        length |= (byte[0] & 0x7F) << shift
        shift += 7
        if not byte[0] & 0x80:
            break
    if length > _MOST_PACKET_BYTES:
        raise ValueError("MQTT packet too large")
    body = await reader.readexactly(length)
    return raw[0], body, raw + body
