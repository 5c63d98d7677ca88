"""Plays a scenario in virtual time: the real engine, the real firmware, and everything between them simulated."""

import asyncio
import gc
import hashlib
import platform
import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codec.profile import PROFILES
from codec.wire.mac import derive
from hil_sim import condition
from hil_sim.attacks.malformed import ROUNDS, malformed_datagrams
from hil_sim.capture import Run, read_runs
from hil_sim.packets import Datagram
from hil_sim.patience import doubt_us, given_up_us
from hil_sim.scenario import SPEAKER_ACTIONS, Event, Scenario
from hil_sim.virtual import loops
from hil_sim.virtual.board import TICKS_PERIOD, Crystal, Hal, Udp
from hil_sim.virtual.ear import Ear
from hil_sim.virtual.horns import Horns
from hil_sim.virtual.lan import Lan
from hil_sim.virtual.loop import VirtualLoop
from hil_sim.virtual.network import Network, later
from hil_sim.virtual.office import Office

loops.install()  # before the firmware is imported

from firmware.node import sensors  # noqa: E402 - see above
from firmware.node.agent import Agent  # noqa: E402 - see above
from firmware.node.config import Config  # noqa: E402

ZONE = "thon-1"
SYNC_GROUP = ("239.77.1.1", 5006)
SETTLE_S = 4.0
BOOT_S = 1.0
"""The nodes boot within this, each at its own time."""
TAIL_S = 1.5
WATCH_S = 0.1
_NS = 1_000_000_000
_MOST_CRASHES = 20
_TURNS_TO_END = 10
"""Of the loop, until tasks that tasks have started have ended too."""
_BEGIN_NS = 3_600 * _NS


def node_key(seed: int, name: str) -> bytes:
    """Return the key of a node, the same for the same seed; no draw is made for it."""
    return derive(hashlib.sha256(b"%d" % seed).digest(), name)


@dataclass
class Outcome:
    """What a run left."""

    ears: list[Ear]
    office: Office
    command_ns: int
    stop_ns: int
    datagrams: list[Datagram]
    crashes: list[str]
    malformed: int
    nodes: list["Node"]
    sounds: list[list[tuple[int, bytes]]]
    """By node: when each block began to leave its DAC, true time, and its samples; empty where not asked for."""
    mix: list[Run]
    """What left the mixer, where sounds were asked for."""
    lead_us: int
    """Of the last stream."""
    sent: int
    """Frames until the stop."""
    beacons: list[tuple[int, int]]
    """Who led: when each beacon was sent, true time, and by which node."""


class Node:
    """A node that can lose its power; `agent` is its firmware while it has any."""

    def __init__(self, village: "Village", number: int, ppb: int, chance: random.Random) -> None:
        self.name = f"node-{number:02d}"
        self.number = number
        self.agent: Any = None
        self.counters: dict[str, int] = {}
        self.log: list[str] = []
        self.rate_hz = 48_000.0 * (1.0 + ppb * 1e-9)
        self._village = village
        self._crystal = Crystal(ppb, chance.randrange(TICKS_PERIOD))
        self._chance = chance
        self._uptime_us = int(village.scenario.clock.uptime_days * 86_400e6)
        self._flash: dict[str, bytes] = {}
        self._task: asyncio.Task[None] | None = None
        self._hal: Hal | None = None
        self.faults: dict[str, Any] = {}
        self._measures = any(event.do in SPEAKER_ACTIONS for event in village.scenario.events)
        self.key = node_key(village.scenario.seed, self.name)

    def power_on(self, cause: str = "power") -> None:
        """Start the firmware."""
        village = self._village
        if self._task is not None:
            return
        hal = Hal(
            village.loop, village, self.number, self._crystal, self._chance, village.listeners[self.number - 1],
            self._flash, cause, self.log, self.faults, Horns() if self._measures else None,
        )  # fmt: skip
        config = Config(
            self.name, self.key, None, ("broker", 8883), ("media", 5004), ZONE,
            sensors=sensors.parse({"speaker": condition.SENSORS["speaker"]}) if self._measures else None,
        )  # fmt: skip
        self._hal = hal
        self.agent = Agent(hal, config)
        self.agent._ticks._local_us += (
            self._uptime_us
        )  # as after so long: the counter's turns are in the tests of ticks
        self._uptime_us = 0
        self._task = village.loop.create_task(self.agent.run())
        self._task.add_done_callback(self._ended)

    def power_off(self) -> None:
        """End it in the middle of whatever it does."""
        if self._task is None:
            return
        self.counters = self.total()
        assert self._hal is not None
        self._hal.power_off()
        task, self._task = self._task, None
        task.cancel()
        link = self._village.network.links[self.number - 1]
        link.udp = None
        self._village.lan.power_off(self.number)

    def total(self) -> dict[str, int]:
        """Return its counters since the run began."""
        now = self.agent.counters if self._task is not None else {}
        return {name: self.counters.get(name, 0) + now.get(name, 0) for name in {**self.counters, **now}}

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self._village.crashed(self.number, "agent", task.exception())


class _Tape:
    """Keeps what an ear hears."""

    def __init__(self, ear: Ear, tape: list[tuple[int, bytes]]) -> None:
        self._ear = ear
        self._tape = tape

    def hear(self, first_ns: int, block: Any) -> None:
        """As the ear."""
        self._tape.append((first_ns, bytes(block)))
        self._ear.hear(first_ns, block)


class Village:
    """A scenario in the making."""

    def __init__(self, scenario: Scenario, loop: VirtualLoop, keep: bool, record: Path | None) -> None:
        self.scenario = scenario
        self.loop = loop
        self.crashes: list[str] = []
        chance = random.Random(scenario.seed)
        numbers = range(1, scenario.nodes + 1)
        self.network = Network(loop, scenario.nodes, scenario.network, scenario.seed, keep)
        self.lan = Lan(loop, scenario.lan, scenario.seed)
        self.office = Office(
            loop,
            self.network,
            {name: node_key(scenario.seed, name) for name in (f"node-{number:02d}" for number in numbers)},
            ZONE,
            scenario.profile,
            scenario.seed,
            record,
            SYNC_GROUP if scenario.sync_group else None,
        )
        profile = PROFILES[scenario.profile]
        self.ears = [
            Ear(
                self.office.programme,
                given_up_us(profile),
                lag_us=profile.lag_us,
                doubt_us=doubt_us(scenario.network.of_node(number, scenario.nodes)),
            )
            for number in numbers
        ]
        self.sounds: list[list[tuple[int, bytes]]] = [[] for _ in numbers] if record else []
        self.listeners = [_Tape(*pair) for pair in zip(self.ears, self.sounds, strict=True)] if record else self.ears
        self.network.on_arrival = lambda node, data: self.ears[node - 1].arrive(data)
        self.nodes = [
            Node(
                self,
                number,
                round(chance.uniform(*scenario.clock.drift_ppm) * 1000),
                random.Random(scenario.seed * 1000 + number),
            )
            for number in numbers
        ]
        for node in self.nodes:
            loop.at_ns(loop.now_ns + int(chance.random() * BOOT_S * _NS), node.power_on)

    # ---- what boards hang on ----

    def open_udp(self, number: int) -> Udp:
        """Return a node's socket to the controller."""
        link = self.network.links[number - 1]
        link.udp = Udp(link.from_node)
        return link.udp

    def open_group(self, number: int, group: tuple[str, int]) -> Udp:
        """Return a node's socket that hears a group."""
        return self.lan.open_group(number, group)

    def open_lan(self, number: int, group: tuple[str, int]) -> Udp:
        """Return a node's socket that sends to a group."""
        return self.lan.open_lan(number, group)

    async def open_stream(self, number: int) -> tuple[Any, Any]:
        """Return a node's streams to the broker; raises OSError."""
        return await self.office.broker.connect(self.network.links[number - 1])

    def reset(self, number: int, cause: str) -> None:
        """A board wants to start again."""
        if cause == "watchdog":
            self.crashes.append(f"node-{number:02d}: its watchdog bit")
        self.reboot(number, cause)

    def crashed(self, number: int, task: str, error: BaseException | None) -> None:
        """A task of the firmware failed."""
        if len(self.crashes) >= _MOST_CRASHES:
            return
        self.crashes.append(f"node-{number:02d}: {task}: {error!r}")

    # ---- what happens ----

    def reboot(self, number: int, cause: str = "power", off_s: float = 1.0) -> None:
        """Take a node's power away for `off_s`."""
        node = self.nodes[number - 1]
        node.power_off()
        self.loop.at_ns(self.loop.now_ns + int(off_s * _NS), node.power_on, cause)

    def fail(self, number: int, **faults: Any) -> None:
        """Let a node's board have faults (hil_sim.condition), beside those it has; raises ValueError."""
        self.nodes[number - 1].faults.update(condition.check(faults))

    def repair(self, number: int) -> None:
        """Take all faults away from a node's board."""
        self.nodes[number - 1].faults.clear()

    def happen(self, event: Event) -> None:
        """Make one event of the scenario happen."""
        numbers = [event.node] if event.node else [node.number for node in self.nodes]
        links = [self.network.links[number - 1] for number in numbers]
        match event.do:
            case "reboot":
                for number in numbers:
                    self.reboot(number, off_s=event.off_s)
            case "cut_network":
                for link in links:
                    link.cut = True
            case "restore_network":
                for link in links:
                    link.restore()
            case "speaker_open" | "speaker_short":
                for number in numbers:
                    self.fail(number, speaker=event.do.removeprefix("speaker_"))
            case "repair":
                for number in numbers:
                    self.repair(number)
            case "kill_engine":
                self.office.kill_engine()
            case "kill_broker":
                self.office.kill_broker()
            case "kill_controller":
                self.office.kill_controller()
            case "delay_step":
                for link in links:
                    line = self.scenario.network.of_node(link.node, self.scenario.nodes)
                    link.set_link(later(line, event.delay_ms))
                    self.ears[link.node - 1].doubt(doubt_us(later(line, event.delay_ms)))
            case "cut_lan":
                self.lan.cut.update(numbers)
            case "restore_lan":
                self.lan.cut.difference_update(numbers)
            case "wall_step":
                self.office.utc_off_ns += int(event.step_ms * 1e6)
            case "attack":
                for turn in range(ROUNDS):
                    for data in malformed_datagrams(self.scenario.seed + turn):
                        for number in numbers:
                            self.network.inject(number, data)

    async def play(self) -> tuple[int, int]:
        """Play it; return the true times of the command and of the stop."""
        await asyncio.sleep(BOOT_S + SETTLE_S)
        command_ns = self.loop.now_ns
        self.office.begin()
        for event in sorted(self.scenario.events, key=lambda event: event.at_s):
            self.loop.at_ns(command_ns + int(event.at_s * _NS), self.happen, event)
        await self.loop.sleep_until_ns(command_ns + int(self.scenario.duration_s * _NS))
        stop_ns = self.loop.now_ns
        self.office.end()
        await asyncio.sleep(TAIL_S + PROFILES[self.scenario.profile].lead_us / 1e6)
        return command_ns, stop_ns

    async def close(self) -> None:
        """End everything; the nodes' counters stay as they are."""
        for node in self.nodes:
            counters = node.counters
            node.power_off()
            node.counters = counters
        await self.office.close()
        for _ in range(_TURNS_TO_END):
            await asyncio.sleep(0)


def play(
    scenario: Scenario, keep: bool = False, sounds: bool = False, watch: "Callable[[Village], None] | None" = None
) -> Outcome:
    """Play `scenario`; the same scenario always ends the same.

    keep: remember every datagram. sounds: keep what every DAC emitted, and the mix. watch: called every WATCH_S.
    """
    loop = VirtualLoop(_BEGIN_NS)
    collecting = gc.isenabled()
    gc.disable()  # what a run makes is freed by counting; cycles wait for its end
    asyncio.set_event_loop(loop)
    try:
        with tempfile.TemporaryDirectory(prefix="loaxa-virtual-") as folder:
            record = Path(folder) / "mix.capture" if sounds else None
            outcome: Outcome = loop.run_until_complete(_play(scenario, loop, keep, record, watch))
            if record is not None:
                outcome.mix = read_runs(record)
            return outcome
    finally:
        asyncio.set_event_loop(None)
        loop.close()
        if collecting:
            gc.enable()
            gc.collect()


async def _play(
    scenario: Scenario, loop: VirtualLoop, keep: bool, record: Path | None, watch: Callable[[Village], None] | None
) -> Outcome:
    village = Village(scenario, loop, keep, record)

    def look() -> None:
        if watch is not None:
            watch(village)
            loop.at_ns(loop.now_ns + int(WATCH_S * _NS), look)

    look()
    command_ns, stop_ns = await village.play()
    for node in village.nodes:
        node.counters = node.total()
    await village.close()
    programme = village.office.programme
    return Outcome(
        ears=village.ears,
        office=village.office,
        command_ns=command_ns,
        stop_ns=stop_ns,
        datagrams=village.network.datagrams,
        crashes=village.crashes + [f"engine: {failure!r}" for failure in village.office.failures],
        malformed=sum(node.counters.get("malformed", 0) for node in village.nodes),
        nodes=village.nodes,
        sounds=village.sounds,
        mix=[],
        lead_us=max((stream.lead_us for stream in programme.streams.values()), default=0),
        sent=programme.sent,
        beacons=village.lan.beacons,
    )


def runtime() -> str:
    """Return what the nodes run on."""
    return f"cpython {platform.python_version()}, virtual time"
