"""While a session is on air, one node of its zones alone sounds: to hear, and measure, horn by horn.

The silence of the others is lent, not set: the database keeps what each node is set to, and every node gets that back
when the session ends for whatever reason, when another session begins in the zone (an emergency above all), and when
the controller stops. A node that comes on line, or is changed, meanwhile is as silent as the session wants it.
"""

import asyncio
import contextlib
import logging
from dataclasses import dataclass, field

from codec.wire import command
from controller.broadcasts import Broadcasts
from controller.clock import mono_us
from controller.errors import ConflictError, ControllerError, NotFoundError
from controller.link.presence import NEW, OFFLINE
from controller.reports import Reports
from controller.stations import Stations
from controller.storage.tables import Node

log = logging.getLogger(__name__)

WATCH_S = 0.1
GIVE_BACK_TRIES = 3
GIVE_BACK_WAIT_S = 2.0


@dataclass(frozen=True)
class Silenced:
    """Which node sounds; which are silent; which of those that are there did not answer, and may be either."""

    node: str | None
    silent: list[str]
    unanswered: list[str]


@dataclass
class _Loan:
    """What one session was lent. told: what each node acknowledged last, True is silence. over: it is given back."""

    zones: set[str]
    node: str | None = None
    told: dict[str, bool] = field(default_factory=dict)
    over: bool = False
    telling: asyncio.Task[None] | None = None
    watch: asyncio.Task[None] | None = None


class Solo:
    """Silences all nodes of a session's zones but one, for as long as the session lasts."""

    def __init__(self, stations: Stations, reports: Reports, broadcasts: Broadcasts) -> None:
        self._stations = stations
        self._reports = reports
        self._broadcasts = broadcasts
        self._loans: dict[str, _Loan] = {}
        self._turn = asyncio.Lock()
        reports.muted = self.muted

    def muted(self, node: Node) -> bool:
        """Return whether `node` should be silent now: as a session wants it, or as it is set."""
        for loan in self._loans.values():
            if node.zone in loan.zones and not loan.over:
                return node.id != loan.node
        return node.muted

    async def choose(self, session_id: str, node_id: str | None, wait_s: float) -> Silenced:
        """Have `node_id` alone sound, or nobody for None; waits up to `wait_s` for the nodes' answers.

        Raises NotFoundError for a session or a node that is not there; ConflictError when the session is over, or
        another one is on air in its zones; UnavailableError while the broker is away.
        """
        broadcast = await self._broadcasts.get(session_id)
        zones = set(broadcast.zones)
        async with self._turn:
            self._check(session_id, zones)
            nodes = await self._nodes(zones)
            if node_id is not None and node_id not in nodes:
                raise NotFoundError(
                    "unknown_node",
                    f"There is no node {node_id} of ours in the zones of {session_id}.",
                    f"There are: {', '.join(nodes) or 'none'}.",
                )
            loan = self._loans.get(session_id)
            if loan is None:
                loan = self._loans[session_id] = _Loan(zones)
                loan.watch = asyncio.create_task(self._watch(session_id), name=f"solo {session_id}")
            loan.node = node_id
            loan.telling = asyncio.create_task(self._tell_all(loan, nodes, wait_s))
            try:
                await loan.telling
            except asyncio.CancelledError:
                if not loan.over:
                    raise
            if loan.over:
                self._check(session_id, zones)
                raise ConflictError("given_back", "Something else was on air meanwhile.", "Start another session.")
        wanted = {name: name != node_id for name in nodes}
        there = [name for name in nodes if self._is_there(name)]
        return Silenced(
            node=node_id,
            silent=[name for name in nodes if loan.told.get(name) is True],
            unanswered=[name for name in there if loan.told.get(name) is not wanted[name]],
        )

    async def stop(self) -> None:
        """Wait, a little, until every node has its own settings back; all sessions are over by now."""
        watches = [loan.watch for loan in self._loans.values() if loan.watch]
        if watches:
            _, late = await asyncio.wait(watches, timeout=GIVE_BACK_WAIT_S)
            for watch in late:
                watch.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _check(self, session_id: str, zones: set[str]) -> None:
        active = self._broadcasts.active
        if session_id not in {session.id for session in active}:
            raise ConflictError("over", f"The session {session_id} is over.", "Start another one.")
        for session in active:
            if session.id != session_id and zones & set(session.zones):
                raise ConflictError(
                    "zone_on_air",
                    f"The session {session.id} plays in the same zone.",
                    "Nobody is silenced while something else is on air; wait for its end or stop it.",
                )

    async def _nodes(self, zones: set[str]) -> dict[str, Node]:
        roster = await self._stations.roster()
        return {
            node.id: node for zone in sorted(zones) for node in roster.members.get(zone, ()) if node.rtp_address is None
        }

    async def _tell_all(self, loan: _Loan, nodes: dict[str, Node], wait_s: float) -> None:
        # Silence first: two horns at once would spoil the measurement, none at all only delays it.
        await self._tell(loan, [nodes[name] for name in nodes if name != loan.node], True, wait_s)
        await self._tell(loan, [nodes[name] for name in nodes if name == loan.node], False, wait_s)

    async def _tell(self, loan: _Loan, nodes: list[Node], muted: bool, wait_s: float) -> None:
        async def tell(node: Node) -> None:
            # Whatever becomes of the command, what the node is now is known only when it answers.
            loan.told.pop(node.id, None)
            answer = await self._reports.command(node, command.MUTE, {"muted": muted}, wait_s)
            if answer.acknowledged and answer.error is None:
                loan.told[node.id] = muted

        # Who is not there would be waited for in vain, and is told when it comes on line.
        untold = [node for node in nodes if loan.told.get(node.id) is not muted and self._is_there(node.id)]
        # All end before the first error is raised: none may be told after its silence was given back.
        for result in await asyncio.gather(*(tell(node) for node in untold), return_exceptions=True):
            if isinstance(result, BaseException):
                raise result

    async def _watch(self, session_id: str) -> None:
        loan = self._loans[session_id]
        try:
            with contextlib.suppress(ConflictError):
                while True:
                    self._check(session_id, loan.zones)
                    await asyncio.sleep(WATCH_S)
            loan.over = True
            if loan.telling:  # an emergency does not wait for the answer of a node that is deaf
                loan.telling.cancel()
            async with self._turn:
                await self._give_back(loan)
        finally:
            del self._loans[session_id]

    async def _give_back(self, loan: _Loan) -> None:
        left = set(await self._nodes(loan.zones))
        for _ in range(GIVE_BACK_TRIES):
            nodes = await self._nodes(loan.zones)
            left &= set(nodes)  # one that was removed, or moved to another zone, was told so
            left -= set(await asyncio.gather(*(self._restore(nodes[name]) for name in left)))
            if not left:
                return
        log.warning("not heard to have their sound back, they get it when they come on line: %s", sorted(left))

    async def _restore(self, node: Node) -> str:
        """Return the node's id when it has its own setting back, or is not there to be told; else empty."""
        if not self._is_there(node.id):
            return node.id
        try:
            answer = await self._reports.command(node, command.MUTE, {"muted": node.muted}, GIVE_BACK_WAIT_S)
        except ControllerError as error:
            log.warning("node %s does not have its sound back yet: %s", node.id, error)
            await asyncio.sleep(GIVE_BACK_WAIT_S)
            return ""
        return node.id if answer.acknowledged else ""

    def _is_there(self, node_id: str) -> bool:
        return self._reports.presence.state(node_id, mono_us()) not in (NEW, OFFLINE)
