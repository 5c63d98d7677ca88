"""Plays a scenario: a controller, a network and nodes, all real but the hardware, and what happens to them."""

import random
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

from codec.profile import PROFILES
from hil_sim import flash
from hil_sim.attacks import AT_THE_BROKER, FOREIGN_COUNTER
from hil_sim.attacks.atbroker import Loot, LyingBroker, RogueClient
from hil_sim.attacks.malformed import attack_malformed
from hil_sim.chirps import chirp_programme
from hil_sim.live_air import Air
from hil_sim.network import Network
from hil_sim.nodes import Node, NodeSetup
from hil_sim.office import Office, OfficeError
from hil_sim.packets import Datagram
from hil_sim.ports import free_tcp_port, free_udp_port
from hil_sim.scenario import Event, Scenario
from hil_sim.signals import write_wav

ZONE = "thon-1"
SYNC_GROUP = "239.77.1.1"
SETTLE_S = 4.0
"""After the last node is on line: its clock has had a few exchanges, as that of any node on a pole has."""
ONLINE_S = 60.0
TAIL_S = 1.5
"""After the stop: more than any profile's lead, so that what was sent has been played."""
YESTERDAY_S = 5.0
EXPIRY_S = 31.0
"""A command that is older is not to be done."""
REJECTED = ("forged", "replayed", "malformed")
_TICK_S = 0.02
_NS = 1_000_000_000


@dataclass
class Recording:
    """What a run left. All instants are CLOCK_MONOTONIC nanoseconds; captures are files of :mod:`hil_sim.capture`."""

    source: Path
    captures: list[Path]
    listen_ns: int
    command_ns: int
    stop_ns: int
    end_ns: int
    datagrams: list[Datagram] = field(default_factory=list)
    rejected: dict[str, int | None] = field(default_factory=dict)
    mishaps: list[str] = field(default_factory=list)
    controller_cores: float | None = None
    """Mean processor cores that the controller and its children used while on air; None when one was killed."""


class Village:
    """A controller and a village of nodes in `folder`; a context manager that leaves no process behind."""

    def __init__(
        self, scenario: Scenario, folder: Path, http_port: int = 0, record: bool = True, with_air: bool = False
    ) -> None:
        """record: keep what is mixed, sent and emitted; a village to try things in would fill the disk.

        with_air: it can be listened to as it lives, in place of that (:mod:`hil_sim.live_air`).
        """
        self.scenario = scenario
        self.folder = folder
        self.nodes: list[Node] = []
        self.mishaps: list[str] = []
        air_port = free_tcp_port() if with_air else 0
        self.office = Office(
            folder / "office", http_port, record, air_url=f"ws://127.0.0.1:{air_port}/air" if with_air else ""
        )
        self.air = Air(air_port, scenario.positions, self.office.url) if with_air else None
        self._record = record
        self.network: Network | None = None
        self._node_due: dict[int, float] = {}
        self._loot = Loot(ZONE, PROFILES[scenario.profile])
        self._liar: LyingBroker | None = None
        self._rogue: RogueClient | None = None

    def __enter__(self) -> "Village":
        try:
            self._build()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every process; can be called twice."""
        for node in self.nodes:
            node.power_off()
        if self.air is not None:
            self.air.close()
        if self.network is not None:
            self.network.close()
        if self._rogue is not None:
            self._rogue.close()
        if self._liar is not None:
            self._liar.close()
        self.office.close()

    def tend(self) -> None:
        """Bring back nodes whose time has come, and note what ended by itself."""
        now_s = time.monotonic()
        for node in self.nodes:
            if self._node_due.get(node.setup.number, float("inf")) <= now_s:
                del self._node_due[node.setup.number]
                node.power_on()
            mishap = node.tend()
            if mishap:
                self.mishaps.append(mishap)

    def reboot(self, number: int, off_s: float = 1.0) -> None:
        """Take a node's power away for `off_s`; :meth:`tend` gives it back."""
        self.nodes[number - 1].power_off()
        self._node_due[number] = time.monotonic() + off_s

    def fail(self, number: int, **faults: Any) -> None:
        """Let a node's board have faults (hil_sim.condition), beside those it has; raises ValueError."""
        self.nodes[number - 1].faults.set(**faults)

    def repair(self, number: int) -> None:
        """Take all faults away from a node's board."""
        self.nodes[number - 1].faults.clear()

    def happen(self, event: Event) -> None:
        """Make one event of the scenario happen."""
        assert self.network is not None
        numbers = [event.node] if event.node else [node.setup.number for node in self.nodes]
        match event.do:
            case "reboot":
                for number in numbers:
                    self.reboot(number, event.off_s)
            case "cut_network":
                for number in numbers:
                    self.network.cut(number)
            case "restore_network":
                for number in numbers:
                    self.network.restore(number)
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
                self.office.start_again()
            case "attack" if event.kind == "malformed":
                controller = ("127.0.0.1", self.office.media_port)
                attack_malformed(self.network, numbers, controller, self.scenario.seed)
            case "attack":
                self._attack(event, numbers)

    def _attack(self, event: Event, numbers: list[int]) -> None:
        assert self.network is not None
        assert event.kind is not None
        profile = PROFILES[self.scenario.profile]
        loot = self._loot
        loot.salt = self.office.chain_salt(profile.name)
        loot.media0_us = self.office.media0_us(ZONE)
        loot.first = profile.terms.interval(time.time_ns() // 1000)  # media time follows UTC
        if event.kind == "rogue_client":
            assert self._rogue is not None
            self._rogue.attack(event.lasts_s)
        elif event.kind in AT_THE_BROKER:
            assert self._liar is not None
            self._liar.attack(event.kind, event.lasts_s)
        if event.kind == "command_replay":
            return
        for number in numbers:
            # Every other node was stolen; this one is not.
            stolen = {name: key for name, key in loot.keys.items() if name != self.nodes[number - 1].setup.name}
            plunder: dict[str, object] = {
                "profile": profile.name,
                "seed": self.scenario.seed * 1000 + number,
                "keys": {name: key.hex() for name, key in stolen.items()},
                "salt": loot.salt.hex(),
                "media0_us": loot.media0_us,
                "first": loot.first,
            }
            self.network.attack(number, event.kind, event.lasts_s, plunder)

    def wait_online(self) -> None:
        """Wait until the controller sees every node on line; raises OfficeError naming those that are not."""
        deadline = time.monotonic() + ONLINE_S
        missing = [node.setup.name for node in self.nodes]
        while missing:
            if time.monotonic() > deadline:
                last = self.nodes[int(missing[0].rpartition("-")[2]) - 1]
                log = last.log.read_text(errors="replace")[-800:] if last.log.exists() else ""
                raise OfficeError(f"not on line after {ONLINE_S:g} s: {', '.join(missing)}; {missing[0]}:\n{log}")
            self.tend()
            time.sleep(0.2)
            found = {node["id"]: node["state"] for node in self.office.get("/api/nodes")["nodes"]}
            missing = [name for name in (n.setup.name for n in self.nodes) if found.get(name) != "online"]

    def rejected(self) -> dict[str, int | None]:
        """Return how much the nodes say they refused, by why; None when one of them does not say."""
        counts: dict[str, list[int]] = {name: [] for name in REJECTED}
        ours = {node.setup.name for node in self.nodes}
        nodes = [node for node in self.office.get("/api/nodes")["nodes"] if node["id"] in ours]
        for node in nodes:
            counters = (node.get("health") or {}).get("counters") or {}
            for name in REJECTED:
                if name in counters:
                    counts[name].append(counters[name])
        return {name: sum(found) if len(found) == len(nodes) else None for name, found in counts.items()}

    def _build(self) -> None:
        scenario = self.scenario
        self.office.wait_ready()
        broker = ("127.0.0.1", self.office.broker_port)
        kinds = {event.kind for event in scenario.events}
        loot = self._loot
        if kinds & {"lying_broker", "command_replay"}:
            self._liar = LyingBroker(*self.office.broker_papers, broker, loot)
            broker = ("127.0.0.1", self._liar.port)
        self.network = Network(
            self.folder,
            scenario.nodes,
            scenario.network,
            ("127.0.0.1", self.office.media_port),
            broker,
            scenario.seed,
            self._record,
        )
        zone: dict[str, object] = {"id": ZONE, "title": "Thôn Một", "profile": scenario.profile}
        if scenario.sync_group:
            zone["sync_group"] = {"host": SYNC_GROUP, "port": free_udp_port()}
        self.office.post("/api/zones", zone)
        if self.air is not None:
            self.air.start()
        chance = random.Random(scenario.seed)
        for number in range(1, scenario.nodes + 1):
            setup = NodeSetup(
                number=number,
                media_port=self.network.media_ports[number - 1],
                broker_port=self.network.broker_ports[number - 1],
                drift_ppm=chance.uniform(*scenario.clock.drift_ppm),
                seed=scenario.seed * 1000 + number,
                record=self._record,
                pipe=partial(self.air.pipe, number - 1) if self.air else None,
            )
            place = scenario.positions[number - 1]
            body = {"id": setup.name, "zone": ZONE, "x_m": place.x_m, "y_m": place.y_m}
            line = self.office.post("/api/nodes", body)["enrolment"]["line"]
            self.nodes.append(Node(setup, line, self.folder / "nodes"))
        for node in self.nodes:
            node.enrolled()
        loot.keys = {node.setup.name: node.key() for node in self.nodes}
        if "rogue_client" in kinds:
            self._rogue = self._enrol_rogue(loot)
        for node in self.nodes:
            node.power_on()

    def _enrol_rogue(self, loot: Loot) -> RogueClient:
        """Enrol a node that is in wrong hands."""
        number = len(self.nodes) + 1
        setup = NodeSetup(number, self.office.media_port, self.office.broker_port, 0.0, number, record=False)
        line = self.office.post("/api/nodes", {"id": setup.name, "zone": ZONE})["enrolment"]["line"]
        node = Node(setup, line, self.folder / "nodes")
        node.enrolled()
        identity = flash.identity(node.folder)
        assert identity is not None
        return RogueClient(identity, [node.setup.name for node in self.nodes], loot)

    def order_silence(self) -> None:
        """Have what a repeated or late command would be heard by: every node was told to be silent.

        The first one by a command that does not reach it, and is too old when it does; the others by one that the next
        took back.
        """
        assert self._liar is not None
        first, *others = [node.setup.name for node in self.nodes]
        self._liar.withhold()
        self._order(first, True)
        _run_until(self, time.monotonic() + EXPIRY_S)
        self._liar.withhold(False)
        for name in others:
            if not all(self._order(name, muted) for muted in (True, False)):
                self.mishaps.append(f"{name} did not answer: there was nothing to repeat")

    def _order(self, name: str, muted: bool) -> bool:
        """Return whether the node has done it."""
        answer = self.office.post(f"/api/nodes/{name}/command", {"op": "mute", "muted": muted})
        return bool(answer["acknowledged"]) and answer["error"] is None

    def note_obedience(self) -> None:
        """Note what of the attackers' doings came true; the nodes are off."""
        for node in self.nodes:
            if flash.last_command(node.folder) >= FOREIGN_COUNTER:
                self.mishaps.append(f"{node.setup.name} obeyed a command that was not the controller's")
        if self._rogue is not None:
            if not self._rogue.let_in:
                self.mishaps.append("the rogue client was not let in: nothing was tried")
            strange = set(self._rogue.heard) - self._rogue.own_topics()
            if strange:
                self.mishaps.append(f"the rogue client heard {', '.join(sorted(strange)[:3])}")


def play(scenario: Scenario, folder: Path) -> Recording:
    """Play `scenario` in real time; return what was recorded. Raises OfficeError, NetworkError if it cannot start."""
    with Village(scenario, folder) as village:
        village.wait_online()
        source = _source_request(village)
        _run_until(village, time.monotonic() + SETTLE_S)
        if any(event.kind in ("replay", "lying_broker") for event in scenario.events):
            _broadcast_yesterday(village)
        if any(event.kind == "command_replay" for event in scenario.events):
            village.order_silence()
        listen_ns = time.monotonic_ns() - _NS // 2
        pids = set(village.office.pids)
        cpu_s = village.office.cpu_seconds()
        command_ns = time.monotonic_ns()
        session = village.office.post("/api/sessions", {"source": source, "zones": [ZONE], "priority": "live"})
        began_s = command_ns / _NS
        for event in sorted(scenario.events, key=lambda event: event.at_s):
            _run_until(village, began_s + event.at_s)
            village.happen(event)
        _run_until(village, began_s + scenario.duration_s)
        stop_ns = time.monotonic_ns()
        cores = (village.office.cpu_seconds() - cpu_s) / ((stop_ns - command_ns) / _NS)
        same_processes = pids <= set(village.office.pids)
        _stop(village, str(session["id"]))
        _run_until(village, time.monotonic() + TAIL_S)
        end_ns = time.monotonic_ns()
        recording = Recording(
            source=village.office.record,
            captures=[node.capture for node in village.nodes],
            listen_ns=listen_ns,
            command_ns=command_ns,
            stop_ns=stop_ns,
            end_ns=end_ns,
            rejected=_rejected(village),
            controller_cores=cores if same_processes else None,
        )
        _note_deaths(village)
        for node in village.nodes:
            node.power_off()
        village.note_obedience()
        recording.mishaps = village.mishaps
    assert village.network is not None
    recording.datagrams = village.network.datagrams()
    return recording


def _broadcast_yesterday(village: Village) -> None:
    """Have a broadcast before the one that is judged, for somebody to keep and play again."""
    source = {"kind": "tone", "frequency_hz": 600.0, "duration_ms": 4000}
    session = village.office.post("/api/sessions", {"source": source, "zones": [ZONE], "priority": "live"})
    _run_until(village, time.monotonic() + YESTERDAY_S)
    _stop(village, str(session["id"]))
    _run_until(village, time.monotonic() + TAIL_S)


def _run_until(village: Village, until_s: float) -> None:
    while True:
        village.tend()
        left_s = until_s - time.monotonic()
        if left_s <= 0:
            return
        time.sleep(min(left_s, _TICK_S))


def _source_request(village: Village) -> dict[str, object]:
    """Return the source as the controller takes it; sound files are uploaded."""
    source = village.scenario.source
    if source.kind == "speech":
        return {"kind": "text", "text": source.text}
    path = source.path
    if path is None:
        path = village.folder / "chirps.wav"
        write_wav(path, chirp_programme(village.scenario.duration_s))
    return {"kind": "sound", "sound": village.office.upload(path)}


def _stop(village: Village, session: str) -> None:
    try:
        village.office.delete(f"/api/sessions/{session}")
    except (OfficeError, OSError) as error:
        village.mishaps.append(f"the session could not be stopped: {error}")


def _rejected(village: Village) -> dict[str, int | None]:
    try:
        return village.rejected()
    except (OfficeError, OSError):
        return {}


def _note_deaths(village: Village) -> None:
    if not village.office.alive:
        village.mishaps.append("the controller's process ended by itself")
    if village.network is not None and not village.network.alive:
        village.mishaps.append("the network's process ended by itself")
