"""What nodes say: kept, shown, answered with their settings; and commands to them."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from codec.wire import command
from codec.wire.mac import Mac, derive
from codec.wire.report import ONLINE
from controller.clock import mono_us, wall_us
from controller.errors import ConflictError, ControllerError
from controller.greetings import Greetings
from controller.leads import Arrival
from controller.link import presence
from controller.link.nodes import Link
from controller.link.presence import OFFLINE, Presence
from controller.stations import Roster, Stations
from controller.storage.tables import Node

log = logging.getLogger(__name__)

MAX_UNKNOWN = 200
"""How many strangers are listed: anyone who reaches the broker could invent names."""
FLUSH_S = 10.0
EXPIRES_US = 30_000_000
"""A command that is longer on its way, as somebody may hold it back, is not done."""
WATCH_S = 1.0
_AT_ONCE = 10
"""Commands on their way to the broker."""


@dataclass(frozen=True)
class Answer:
    """What came of a command. error: the node's words. acknowledged: False when it did not answer in time."""

    counter: int
    acknowledged: bool
    error: str | None


class Reports:
    """Listens to the nodes (controller.link.nodes.Listener) and speaks to them.

    told: called with the id of each node of ours that said something, or fell silent.
    air: what a node is told of what is on air. muted: whether a node is told to be silent;
    what it is set to, where nobody borrows its silence.
    """

    def __init__(self, stations: Stations, now_us: Callable[[], int]) -> None:
        """now_us: the media clock, by which commands expire."""
        self.link: Link | None = None
        self.air: Callable[[Roster, Node], dict[str, object]] | None = None
        self._now_us = now_us
        self.presence = Presence()
        self.unknown: dict[str, int] = {}
        self.told: list[Callable[[str], None]] = []
        self.muted: Callable[[Node], bool] = lambda node: node.muted
        self._stations = stations
        self._latest: dict[str, dict[str, Any]] = {}
        self._unsaved: set[str] = set()
        self._waiting: dict[tuple[str, int], asyncio.Future[tuple[str | None, bool]]] = {}
        self._known: set[str] = set()
        self._greetings = Greetings(self._greet)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Read who is known and begin to watch who falls silent."""
        for node in await self._stations.nodes():
            if node.seen_wall_us is not None and node.retired_wall_us is None:
                self.presence.remember(node.id, node.seen_wall_us - wall_us() + mono_us())
        await self._learn()
        self._stations.changed.append(self._learn)
        self._task = asyncio.create_task(self._watch(), name="reports")

    async def stop(self) -> None:
        """Store what was heard last."""
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._greetings.stop()
        await self._flush()

    def view(self, node: Node) -> dict[str, Any]:
        """Return a node's last reports: state, status, health, seen_wall_us."""
        kept = {"status": node.status, "health": node.health, "seen_wall_us": node.seen_wall_us}
        return {"state": self.presence.state(node.id, mono_us()), **kept, **self._latest.get(node.id, {})}

    def heard(self) -> dict[str, tuple[str, dict[str, Any] | None]]:
        """Return each node's state, and its last health since the controller began; a new report is a new object."""
        now_us = mono_us()
        return {
            node_id: (self.presence.state(node_id, now_us), self._latest.get(node_id, {}).get("health"))
            for node_id in self._known
        }

    def arrivals(self) -> dict[str, Arrival]:
        """Return how frames arrive at each node that is there and plays."""
        found = {}
        for node_id, latest in self._latest.items():
            gauges = latest.get("health", {}).get("gauges", {})
            tail_us = gauges.get("tail_us")
            if tail_us is not None and self.presence.state(node_id, mono_us()) == presence.ONLINE:
                found[node_id] = Arrival(tail_us, gauges.get("round_trip_us") or 0)
        return found

    async def configure(self, node: Node) -> None:
        """Send a node its settings if it is there; it asks for them by coming on line otherwise."""
        reached = node.rtp_address is None and node.retired_wall_us is None
        if reached and self.presence.state(node.id, mono_us()) != OFFLINE:
            settings = {
                "zone": node.zone,
                "gain_db": node.gain_db,
                "delay_us": node.delay_us,
                "muted": self.muted(node),
            }
            try:
                await self._send(node, command.CONFIGURE, settings)
            except ControllerError as error:
                log.warning("node %s not configured: %s", node.id, error)

    async def tell_air(self, node: Node) -> None:
        """Tell a node, if it is there, what is on air and the keys to know it by."""
        await self.tell_air_all([node])

    async def tell_air_all(self, nodes: Sequence[Node]) -> None:
        """Tell those of these nodes that are there, all at once: a commit for each would keep a province waiting."""
        now_us = mono_us()
        there = [node for node in nodes if node.rtp_address is None and self.presence.state(node.id, now_us) != OFFLINE]
        if self.air is None or not there:
            return
        air, roster = self.air, await self._stations.roster()
        counters = await self._stations.next_counters([node.id for node in there], {})
        turns = asyncio.Semaphore(_AT_ONCE)

        async def tell(node: Node) -> None:
            try:
                async with turns:
                    await self._publish(node, counters[node.id], command.AIR, air(roster, node))
            except ControllerError as error:
                log.warning("node %s not told what is on air: %s", node.id, error)

        await asyncio.gather(*(tell(node) for node in there if node.id in counters))

    async def command_all(
        self,
        nodes: Sequence[Node],
        operation: str,
        arguments: dict[str, object],
        values: dict[str, Any],
        wait_s: float,
    ) -> dict[str, Answer]:
        """Send a command to many nodes, none of them retired or a plain receiver; wait up to `wait_s` for all answers.

        values: columns of the nodes that are changed with it. Returns each node's answer by its id; where the broker
        did not take the command, or the node is gone by now, the answer's error is a code of ControllerError.
        """
        counters = await self._stations.next_counters([node.id for node in nodes], values)
        turns = asyncio.Semaphore(_AT_ONCE)

        async def ask(node: Node) -> Answer:
            if node.id not in counters:
                return Answer(0, False, "unknown_node")
            try:
                answer, again = await self._ask(node, operation, arguments, wait_s, counters[node.id], turns)
                if again:
                    answer, _ = await self._ask(node, operation, arguments, wait_s, turns=turns)
            except ControllerError as error:
                return Answer(counters[node.id], False, error.code)
            return answer

        answers = await asyncio.gather(*(ask(node) for node in nodes))
        return {node.id: answer for node, answer in zip(nodes, answers, strict=True)}

    async def command(self, node: Node, operation: str, arguments: dict[str, object], wait_s: float) -> Answer:
        """Send a command and wait up to `wait_s` for the node's answer.

        Raises ConflictError for a plain RTP receiver or a retired node, UnavailableError while the broker is away.
        """
        if node.retired_wall_us is not None:
            raise ConflictError("retired", f"{node.id} is retired.", f"Bring it back: loaxa node enrol {node.id}.")
        if node.rtp_address is not None:
            raise ConflictError(
                "plain_receiver", f"{node.id} is a plain RTP receiver and takes no commands.", "Operate it by hand."
            )
        answer, again = await self._ask(node, operation, arguments, wait_s)
        if again:
            answer, _ = await self._ask(node, operation, arguments, wait_s)
        return answer

    async def _ask(
        self,
        node: Node,
        operation: str,
        arguments: dict[str, object],
        wait_s: float,
        counter: int | None = None,
        turns: asyncio.Semaphore | None = None,
    ) -> tuple[Answer, bool]:
        """Return also whether it was the number that the node refused. turns: bounds how many are sent at once."""
        if counter is None:
            counter = await self._stations.next_counter(node.id)
        answer: asyncio.Future[tuple[str | None, bool]] = asyncio.get_running_loop().create_future()
        self._waiting[node.id, counter] = answer
        try:
            async with turns or contextlib.nullcontext():
                await self._publish(node, counter, operation, arguments)
            async with asyncio.timeout(wait_s):
                error, again = await answer
                return Answer(counter, True, error), again
        except TimeoutError:
            return Answer(counter, False, None), False
        finally:
            del self._waiting[node.id, counter]

    async def on_status(self, node_id: str, status: dict[str, str]) -> None:
        """Keep it; a node that came on line gets its settings."""
        if self._is_stranger(node_id):
            return
        online = status["state"] == ONLINE
        self.presence.status(node_id, online, mono_us())
        self._keep(node_id, status=status)
        if online:
            self._greetings.want(node_id)

    async def on_health(
        self,
        node_id: str,
        counters: dict[str, int],
        gauges: dict[str, int | None],
        on_air: int | None,
        silent: str | None,
        states: dict[str, str | None],
    ) -> None:
        """Keep it; a node that was not known to be there gets its settings."""
        if self._is_stranger(node_id):
            return
        arrived = self.presence.health(node_id, mono_us())
        health = {"counters": counters, "gauges": gauges, "states": states, "on_air": on_air, "silent": silent}
        self._keep(node_id, health=health)
        if arrived:
            self._greetings.want(node_id)

    async def on_ack(self, node_id: str, raw: bytes) -> None:
        """Hand the answer to whom it was for; raises WireError for one that the node did not make.

        A node that has had commands of higher numbers, of which a database from a backup knows nothing, is told again.
        """
        if self._is_stranger(node_id):
            return
        node = await self._stations.known(node_id)
        counter, error, last = command.parse_ack(raw, Mac(derive(node.key, "ack")))
        raised = last is not None and await self._stations.raise_counter(node_id, last)
        waiting = self._waiting.get((node_id, counter))
        if waiting and not waiting.done():
            waiting.set_result((error, last is not None))
        if raised:
            log.warning("node %s has had commands up to %d: the database is an older one", node_id, last)
            await self._greet(node_id)

    async def _greet(self, node_id: str) -> None:
        node = await self._stations.node(node_id)
        await self.configure(node)
        await self.tell_air(node)

    async def _send(self, node: Node, operation: str, arguments: dict[str, object]) -> None:
        await self._publish(node, await self._stations.next_counter(node.id), operation, arguments)

    async def _publish(self, node: Node, counter: int, operation: str, arguments: dict[str, object]) -> None:
        if self.link is not None:
            key = Mac(derive(node.key, "command"))
            expires_us = self._now_us() + EXPIRES_US
            await self.link.send(node.id, command.build(node.id, counter, operation, arguments, expires_us, key))

    def _is_stranger(self, node_id: str) -> bool:
        if node_id in self._known:
            return False
        if node_id in self.unknown or len(self.unknown) < MAX_UNKNOWN:
            self.unknown[node_id] = wall_us()
        return True

    def _keep(self, node_id: str, **report: Any) -> None:
        latest = self._latest.setdefault(node_id, {})
        latest.update(report, seen_wall_us=wall_us())
        self._unsaved.add(node_id)
        self._show(node_id)

    def _show(self, node_id: str) -> None:
        for tell in self.told:
            tell(node_id)

    async def _learn(self) -> None:
        self._known = {node.id for node in (await self._stations.roster()).by_tag.values()}
        for node_id in self._known & set(self.unknown):
            del self.unknown[node_id]
        for node_id in set(self._latest) - self._known:
            del self._latest[node_id]
            self.presence.forget(node_id)

    async def _watch(self) -> None:
        flushed_us = mono_us()
        while True:
            await asyncio.sleep(WATCH_S)
            for node_id in self.presence.changed(mono_us()):
                self._show(node_id)
            if mono_us() - flushed_us >= FLUSH_S * 1e6:
                flushed_us = mono_us()
                await self._flush()

    async def _flush(self) -> None:
        unsaved, self._unsaved = self._unsaved, set()
        if unsaved:
            await self._stations.keep_reports(
                {node_id: dict(self._latest[node_id]) for node_id in unsaved if node_id in self._latest}
            )
