"""The office in virtual time: the real engine, started again when it dies, and the little of a controller it needs.

What the controller does here (a plan, announcements for what the engine says is on air, a clock and chains of keys
handed from one engine to the next, commands to nodes that come on line) is done by ``controller.air``,
``controller.announcer`` and ``controller.reports`` over processes and sockets; that code runs in the ``micropython``
runtime.
"""

import asyncio
import contextlib
import fcntl
import os
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from codec.profile import PROFILES
from codec.wire import announcement, chain, command, names, report
from codec.wire.mac import Mac, derive
from controller.chains import Chains
from controller.clock import Anchor
from controller.engine.control import ControlError
from controller.engine.ground import Ground
from controller.engine.process import Engine
from controller.engine.settings import EngineSettings
from controller.link.nodes import HURRY_PERIOD_US, TELL_PERIOD_US
from controller.reports import EXPIRES_US
from hil_sim.virtual.broker import Broker
from hil_sim.virtual.codec import Coder, programme
from hil_sim.virtual.ear import Programme
from hil_sim.virtual.loop import VirtualLoop
from hil_sim.virtual.network import Network

ENGINE_BACK_NS = 400_000_000
CONTROLLER_BACK_NS = 3_000_000_000
BROKER_BACK_NS = 1_000_000_000
WORD_NS = 3_000_000
"""From the engine's word to the controller's publish."""
CHAIN_LENGTH = 1 << 13
_PIPE_BYTES = 1 << 20
_PUMP_S = 0.5
_UTC0_NS = 1_790_000_000_000_000_000
_F_SETPIPE_SZ = 1031


class Timer:
    """Waits for instants of true time (controller.engine.ground.Timer)."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    async def wait_until(self, mono_ns: int) -> None:
        """Return at `mono_ns`."""
        await self._loop.sleep_until_ns(mono_ns)

    def close(self) -> None:
        """Nothing to free."""


class Crew:
    """Does the jobs of a block one after the other (controller.engine.ground.Crew); none may fail."""

    def __init__(self, _count: int) -> None:
        self.failures = 0

    async def run(self, jobs: Sequence[Callable[[], None]]) -> None:
        """Do them."""
        for job in jobs:
            job()

    def close(self) -> None:
        """End."""


class Channel:
    """The engine's end of the control connection (controller.engine.control.Channel)."""

    def __init__(self, on_event: Callable[[dict[str, Any]], None]) -> None:
        self._on_event = on_event
        self._inbox: asyncio.Queue[tuple[dict[str, Any], int | None] | None] = asyncio.Queue()
        self._closed = False

    def tell(self, message: dict[str, Any], fd: int | None = None) -> None:
        """Send a message to the engine, which owns `fd`."""
        self._inbox.put_nowait((message, fd))

    def post(self, message: dict[str, Any], fd: int | None = None) -> None:
        """What the engine says."""
        if self._closed:
            raise ControlError("the connection is closed")
        self._on_event(message)

    async def receive(self) -> tuple[dict[str, Any], int | None] | None:
        """Return the next message to the engine."""
        return await self._inbox.get()

    def close(self) -> None:
        """Close it; the engine hears nothing more of it."""
        self._closed = True


class Office:
    """One zone whose members have these `keys`, by name; sessions begin and end."""

    def __init__(
        self,
        loop: VirtualLoop,
        network: Network,
        keys: dict[str, bytes],
        zone: str,
        profile: str,
        seed: int,
        record: Path | None = None,
        sync_group: tuple[str, int] | None = None,
    ) -> None:
        self.programme = Programme(self.media_us)
        self.broker = Broker(loop, self._on_message)
        self.health: dict[str, dict[str, Any]] = {}
        self.failures: list[BaseException] = []
        self.utc_off_ns = 0
        """By how much the host's UTC was stepped."""
        self._settings = EngineSettings(workers=1, record=record)
        self._loop = loop
        self._network = network
        self._zone = zone
        self._profile = PROFILES[profile]
        self._sync_group = sync_group
        self._keys = keys
        self._counters = dict.fromkeys(keys, 0)
        self._addresses: dict[str, list[Any]] = {}
        self._stream: dict[str, int] | None = None
        self._session: str | None = None
        self._pipe: tuple[int, int] | None = None
        self._pumped = 0
        self._channel: Channel | None = None
        self._task: asyncio.Task[None] | None = None
        self._anchor = Anchor(loop.now_ns // 1000, (_UTC0_NS + loop.now_ns) // 1000)
        self._ground = Ground(
            monotonic_ns=lambda: loop.now_ns,
            utc_ns=lambda: _UTC0_NS + loop.now_ns + self.utc_off_ns,
            alarm=lambda: Timer(loop),
            crew=Crew,
            coder=Coder,
            randbits=random.Random(seed).getrandbits,
        )
        # Short ones, so that a run of a few minutes sees one end and the next begin.
        self._chains = Chains(lambda: self.media_us(-1), random.Random(seed + 1).randbytes, CHAIN_LENGTH)
        network.media.on_sent = self.programme.on_sent
        self._renew()
        self.start_engine()
        self._tell_keys()
        if sync_group is not None:
            self._announce()

    def media_us(self, true_ns: int) -> int:
        """Return the media clock at `true_ns`; -1: now."""
        return self._anchor.media_at((self._loop.now_ns if true_ns < 0 else true_ns) // 1000)

    def start_engine(self) -> None:
        """Start an engine and tell it everything."""
        channel = Channel(self._on_event)
        self._channel = channel
        # The channel has what an engine asks of one, without the socket of controller.engine.control's.
        engine = Engine(self._settings, channel, self._network.media, self._ground)  # type: ignore[arg-type]
        self._task = self._loop.create_task(self._run(engine))
        channel.tell({"op": "clock", **asdict(self._anchor)})
        channel.tell({"op": "chains", **self._chains.message()})
        self._tell_plan(self._stream)
        self._hand_over_source()

    def kill_engine(self, back_ns: int = ENGINE_BACK_NS) -> None:
        """End the engine in the middle of whatever it does; it is back after `back_ns`."""
        if self._task is None:
            return
        if self._channel is not None:
            self._channel.close()
        self._channel = None
        self._task.cancel()
        self._task = None
        wait_ns = self._chains.wait_us(self._profile.name) * 1000
        for later_ns in range(WORD_NS, WORD_NS + wait_ns, HURRY_PERIOD_US * 1000):
            self._loop.at_ns(self._loop.now_ns + later_ns, self._tell_key)
        self._loop.at_ns(self._loop.now_ns + back_ns, self.start_engine)

    def kill_broker(self) -> None:
        """End the broker, which is back after BROKER_BACK_NS."""
        if self.broker.alive:
            self.broker.kill()
            self._loop.at_ns(self._loop.now_ns + BROKER_BACK_NS, self._revive_broker)

    def kill_controller(self) -> None:
        """End controller, engine and broker."""
        self.kill_engine(CONTROLLER_BACK_NS)
        if self.broker.alive:
            self.broker.kill()
            self._loop.at_ns(self._loop.now_ns + CONTROLLER_BACK_NS, self._revive_broker)

    def begin(self, session: str = "s-1") -> None:
        """Put the programme on air."""
        self._session = session
        reading, writing = os.pipe()
        fcntl.fcntl(writing, _F_SETPIPE_SZ, _PIPE_BYTES)
        os.set_blocking(writing, False)
        self._pipe = (reading, writing)
        self._pumped = 0
        self._pump()
        self._tell_plan(None)
        self._hand_over_source()

    def end(self) -> None:
        """Take it off the air."""
        self._session = None
        self.programme.stopped = True
        self._tell_plan(None)
        self.close_source()

    def close_source(self) -> None:
        """Close the pipe."""
        if self._pipe is not None:
            for fd in self._pipe:
                os.close(fd)
            self._pipe = None

    async def close(self) -> None:
        """End everything."""
        self.close_source()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self, engine: Engine) -> None:
        try:
            await engine.run()
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self.failures.append(error)

    def _pump(self) -> None:
        """Keep the pipe full: a file is read as fast as its reader takes it."""
        if self._pipe is None:
            return
        with contextlib.suppress(BlockingIOError):
            while True:
                written = os.write(self._pipe[1], programme(self._pumped, 4800))
                self._pumped += written // 4
                if written < 4 * 4800:
                    break
        self._loop.call_later(_PUMP_S, self._pump)

    def _hand_over_source(self) -> None:
        if self._pipe is not None and self._channel is not None and self._session is not None:
            source = {"op": "source", "session": self._session, "live": False}
            self._channel.tell(source, os.dup(self._pipe[0]))

    def _tell_plan(self, stream: dict[str, int] | None) -> None:
        if self._channel is None:
            return
        zone = {
            "id": self._zone,
            "profile": asdict(self._profile),
            "gain_db": 0.0,
            "multicast": None,
            "members": [
                {"tag": (tag := names.node_tag(node).hex()), "address": self._addresses.get(tag), "key": key.hex()}
                for node, key in self._keys.items()
            ],
            "stream": {name: stream[name] for name in _MAPPING} if stream and self._session else None,
        }
        session = {"id": self._session, "zones": [self._zone], "priority": announcement.PRIORITY_LIVE, "gain_db": 0.0}
        self._channel.tell({"op": "plan", "zones": [zone], "sessions": [session] if self._session else []})

    def _on_event(self, event: dict[str, Any]) -> None:
        match event["event"]:
            case "clock":
                self._anchor = Anchor(event["mono_us"], event["media_us"], event["slew_ppb"])
            case "member":
                self._addresses[event["tag"]] = event["address"]
            case "stream":
                self._stream = {name: int(event[name]) for name in _STREAM_FIELDS}
                self.programme.stream(*(self._stream[name] for name in _STREAM_FIELDS[:4]))
                self._loop.at_ns(self._loop.now_ns + WORD_NS, self._announce)
            case "stream_end":
                self.programme.stream_end(event["ssrc"])
                if self._stream is not None and self._stream["ssrc"] == event["ssrc"]:
                    self._stream = None
                    self._loop.at_ns(self._loop.now_ns + WORD_NS, self._announce)
            case "error":
                self.failures.append(RuntimeError(event["text"]))

    def _on_air(self) -> tuple[list[announcement.Stream], tuple[str, int] | None]:
        found = self._stream
        if found is None:
            return [], self._sync_group
        stream = announcement.Stream(
            found["ssrc"], found["frame_us"], found["media0_us"], found["lead_us"], found["priority"]
        )
        return [stream], self._sync_group

    def _announce(self) -> None:
        raw = self._chains.seal(self._profile.name, announcement.build(self._zone, *self._on_air()))
        self.broker.publish(names.zone_topic(self._zone, "session"), raw, retain=False)
        wait_ns = self._chains.wait_us(self._profile.name) * 1000
        self._loop.at_ns(self._loop.now_ns + wait_ns, self._tell_key)

    def _tell_key(self) -> None:
        name = self._profile.name
        self.broker.publish(names.chain_topic(name), self._chains.telling(name), retain=False)

    def _tell_keys(self) -> None:
        """Tell the newest key again and again, and make the next chain in time."""
        if self._renew() and self._channel is not None:
            self._channel.tell({"op": "chains", **self._chains.message()})
        self._tell_key()
        self._loop.call_later(TELL_PERIOD_US / 1e6, self._tell_keys)

    def _renew(self) -> bool:
        return self._chains.renew({self._profile.name})[0]

    def _wrapped(self, node: str) -> str:
        nonce = self._counters[node].to_bytes(16, "big")
        return (nonce + command.wrap(self._keys[node], nonce, b"L" * 32)).hex()

    def _greet(self, node: str) -> None:
        """Tell a node that came on line what it must know."""
        configure: dict[str, object] = {"zone": self._zone}
        air: dict[str, object] = {
            "terms": chain.terms_fields(self._profile.terms),
            "chains": [chain.anchor_fields(anchor) for anchor in self._chains.anchors(self._profile.name)],
            "session": announcement.fields(self._zone, *self._on_air()),
            "lan": None if self._sync_group is None else self._wrapped(node),
        }
        for operation, arguments in ((command.CONFIGURE, configure), (command.AIR, air)):
            self._counters[node] += 1
            key = Mac(derive(self._keys[node], "command"))
            expires_us = self.media_us(-1) + EXPIRES_US
            raw = command.build(node, self._counters[node], operation, arguments, expires_us, key)
            self.broker.publish(names.node_topic(node, "command"), raw, retain=False)

    def _revive_broker(self) -> None:
        self.broker.revive()
        self._announce()

    def _on_message(self, topic: str, payload: bytes) -> None:
        node, leaf = names.parse_node_topic(topic)
        if leaf == "health":
            counters, gauges, on_air, silent, states = report.parse_health(payload)
            self.health[node] = {
                "counters": counters,
                "gauges": gauges,
                "states": states,
                "on_air": on_air,
                "silent": silent,
            }
        elif leaf == "status" and report.parse_status(payload)["state"] == report.ONLINE:
            self._loop.at_ns(self._loop.now_ns + WORD_NS, self._greet, node)


_MAPPING = ("ssrc", "media0_us", "lead_us")
_STREAM_FIELDS = ("ssrc", "media0_us", "frame_us", "lead_us", "priority")
