"""Zones and nodes: what the commune has, and the file that makes a board one of its nodes."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Table, bindparam, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from codec.wire.names import node_tag
from controller.errors import ConflictError, NotFoundError
from controller.storage.database import Database
from controller.storage.tables import Area, Enrolment, Node, Zone

Change = Callable[[], Awaitable[None]]
MAX_COUNTER_JUMP = 1 << 20
"""More commands than a database that is put back to an earlier day has forgotten. A stolen board that tells of more
must not use up the numbers of the one that takes its place."""


_AT_ONCE = 500
"""Nodes in one statement: databases bound the number of its parameters."""


@dataclass(frozen=True)
class Roster:
    """All zones by id, and the nodes of each; by_tag: all nodes by their tags. retired: nodes that are in neither."""

    zones: dict[str, Zone]
    members: dict[str, list[Node]]
    by_tag: dict[str, Node]
    retired: list[Node]


class Stations:
    """Zones and nodes in the database. After each change the functions in `changed` are awaited."""

    def __init__(self, database: Database) -> None:
        self.changed: list[Change] = []
        self._database = database
        self._roster: Roster | None = None
        self._generation = 0
        self._telling = asyncio.Lock()
        self._next_round: asyncio.Task[None] | None = None

    async def roster(self) -> Roster:
        """Return all zones and nodes; not to be changed by the caller."""
        while self._roster is None:
            generation = self._generation
            async with self._database.read() as session:
                zones = list(await session.scalars(select(Zone).order_by(Zone.id)))
                nodes = list(await session.scalars(select(Node).order_by(Node.id)))
            members: dict[str, list[Node]] = {zone.id: [] for zone in zones}
            serving = [node for node in nodes if node.retired_wall_us is None]
            for node in serving:
                members[node.zone].append(node)
            if generation == self._generation:  # else it changed while it was read
                self._roster = Roster(
                    {zone.id: zone for zone in zones},
                    members,
                    {tag(node.id): node for node in serving},
                    [node for node in nodes if node.retired_wall_us is not None],
                )
        return self._roster

    async def zones(self) -> list[Zone]:
        """Return all zones by id."""
        return list((await self.roster()).zones.values())

    async def zone(self, zone_id: str) -> Zone:
        """Return a zone; raises NotFoundError."""
        found = (await self.roster()).zones.get(zone_id)
        if found is None:
            raise _no_zone(zone_id)
        return found

    async def nodes(self) -> list[Node]:
        """Return all nodes by id, retired ones too."""
        roster = await self.roster()
        return sorted([*roster.by_tag.values(), *roster.retired], key=lambda node: node.id)

    async def node(self, node_id: str) -> Node:
        """Return a node as the database has it now; raises NotFoundError."""
        async with self._database.read() as session:
            found = await session.get(Node, node_id)
        if found is None:
            raise _no_node(node_id)
        return found

    async def titles(self) -> dict[str, str]:
        """Return what people call each node, by id."""
        return {node.id: node.title for node in await self.nodes()}

    async def known(self, node_id: str) -> Node:
        """Return a node as it was read last, without asking the database; raises NotFoundError."""
        found = (await self.roster()).by_tag.get(tag(node_id))
        if found is None:
            raise _no_node(node_id)
        return found

    async def add_zone(self, values: dict[str, Any]) -> Zone:
        """Store a new zone; raises ConflictError when its id is taken, or for groups of one port, NotFoundError for its
        area."""
        async with self._database.write() as session:
            if await session.get(Zone, values["id"]):
                raise ConflictError("exists", f"There is a zone {values['id']} already.", "Choose another id.")
            zone = Zone(**values)
            await _check_area(session, zone)
            _check_groups(zone)
            session.add(zone)
        await self.tell()
        return zone

    async def change_zone(self, zone_id: str, values: dict[str, Any]) -> Zone:
        """Change columns of a zone; raises NotFoundError, and ConflictError for groups of one port."""
        async with self._database.write() as session:
            zone = await session.get(Zone, zone_id)
            if zone is None:
                raise _no_zone(zone_id)
            for name, value in values.items():
                setattr(zone, name, value)
            await _check_area(session, zone)
            _check_groups(zone)
        await self.tell()
        return zone

    async def remove_zone(self, zone_id: str) -> None:
        """Remove a zone; raises NotFoundError, and ConflictError while it has nodes."""
        async with self._database.write() as session:
            zone = await session.get(Zone, zone_id)
            if zone is None:
                raise _no_zone(zone_id)
            count = await session.scalar(select(func.count()).select_from(Node).where(Node.zone == zone_id))
            if count:
                raise ConflictError(
                    "zone_has_nodes",
                    f"The zone {zone_id} has {count} nodes, retired ones included.",
                    "Move them to another zone or remove them first.",
                )
            await session.delete(zone)
        await self.tell()

    async def add_node(self, values: dict[str, Any]) -> Node:
        """Store a new node; raises ConflictError when its id is taken, NotFoundError when its zone is unknown."""
        async with self._database.write() as session:
            if await session.get(Node, values["id"]):
                raise ConflictError("exists", f"There is a node {values['id']} already.", "Choose another id.")
            if await session.get(Zone, values["zone"]) is None:
                raise _no_zone(values["zone"])
            node = Node(**values)
            session.add(node)
        await self.tell()
        return node

    async def change_node(self, node_id: str, values: dict[str, Any]) -> Node:
        """Change columns of a node; raises NotFoundError for it or for its new zone."""
        async with self._database.write() as session:
            node = await session.get(Node, node_id)
            if node is None:
                raise _no_node(node_id)
            if "zone" in values and await session.get(Zone, values["zone"]) is None:
                raise _no_zone(values["zone"])
            for name, value in values.items():
                setattr(node, name, value)
        await self.tell()
        return node

    async def change_nodes(self, changes: dict[str, dict[str, Any]]) -> list[Node]:
        """Change columns of several nodes, all or none; raises NotFoundError."""
        nodes = []
        async with self._database.write() as session:
            for node_id, values in changes.items():
                node = await session.get(Node, node_id)
                if node is None:
                    raise _no_node(node_id)
                for name, value in values.items():
                    setattr(node, name, value)
                nodes.append(node)
        await self.tell()
        return nodes

    async def remove_node(self, node_id: str) -> None:
        """Remove a node; raises NotFoundError."""
        async with self._database.write() as session:
            node = await session.get(Node, node_id)
            if node is None:
                raise _no_node(node_id)
            await session.execute(delete(Enrolment).where(Enrolment.node == node_id))
            await session.delete(node)
        await self.tell()

    async def raise_counter(self, node_id: str, last: int) -> bool:
        """Let the next command to a node have a number above `last`; False if it has anyway, or the node is gone."""
        async with self._database.write() as session:
            node = await session.get(Node, node_id)
            raised = node is not None and node.counter < last <= node.counter + MAX_COUNTER_JUMP
            if node is not None and raised:
                node.counter = last
        return raised

    async def next_counter(self, node_id: str) -> int:
        """Return the number of the next command to a node; it is on the disk, so it never comes twice."""
        async with self._database.write() as session:
            node = await session.get(Node, node_id)
            if node is None:
                raise _no_node(node_id)
            node.counter += 1
        return node.counter

    async def next_counters(self, node_ids: Sequence[str], values: dict[str, Any]) -> dict[str, int]:
        """Return the number of the next command to each node, and change columns of all, in one transaction.

        Nodes that are gone are left out.
        """
        counters: dict[str, int] = {}
        table = cast(Table, Node.__table__)
        async with self._database.write() as session:
            connection = await session.connection()
            for first in range(0, len(node_ids), _AT_ONCE):
                these = table.c.id.in_(node_ids[first : first + _AT_ONCE])
                await connection.execute(update(table).where(these).values(counter=table.c.counter + 1, **values))
                found = await connection.execute(select(table.c.id, table.c.counter).where(these))
                counters.update({row.id: row.counter for row in found})
        if values:
            await self.tell()
        return counters

    async def keep_address(self, tag_hex: str, address: list[Any]) -> None:
        """Store where the packets of the node with this tag come from; a tag that is no node's is left out."""
        node = (await self.roster()).by_tag.get(tag_hex)
        if node and node.address != address:
            await self.keep_reports({node.id: {"address": address}})

    async def keep_reports(self, reports: dict[str, dict[str, Any]]) -> None:
        """Store status, health, seen_wall_us, address of nodes in one transaction; nodes that are gone are left out."""
        batches: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for node_id, columns in reports.items():
            batches.setdefault(tuple(sorted(columns)), []).append({"_id": node_id, **columns})
        async with self._database.write() as session:
            connection = await session.connection()
            table = cast(Table, Node.__table__)
            for rows in batches.values():  # without objects: two thousand nodes report every ten seconds
                await connection.execute(update(table).where(Node.id == bindparam("_id")), rows)
        if self._roster is None:  # it may be being read, from before the commit
            self._forget_roster()
            return
        # One node's report must not cost reading all the others again.
        for node_id, columns in reports.items():
            known = self._roster.by_tag.get(tag(node_id))
            for name, value in columns.items() if known else ():
                setattr(known, name, value)

    def _forget_roster(self) -> None:
        self._roster = None
        self._generation += 1

    async def tell(self) -> None:
        """Have everybody learn what was changed in the database; returns when they have.

        Changes that come while others are being told share the next round: a thousand nodes are enrolled in a row.
        """
        self._forget_roster()
        if self._next_round is None:
            self._next_round = asyncio.create_task(self._round(), name="stations")
        await asyncio.shield(self._next_round)

    async def _round(self) -> None:
        async with self._telling:
            self._next_round = None  # who comes from here on may come too late for this one
            self._forget_roster()
            for change in self.changed:
                await change()


def tag(node_id: str) -> str:
    """Return the 16 hexadecimal digits that stand for a node between controller and engine."""
    return node_tag(node_id).hex()


async def _check_area(session: AsyncSession, zone: Zone) -> None:
    with session.no_autoflush:
        if zone.area is not None and await session.get(Area, zone.area) is None:
            raise NotFoundError("unknown_area", f"There is no area {zone.area}.", "GET /api/areas lists them.")


def _check_groups(zone: Zone) -> None:
    """Refuse one port for both groups: a node would hear each one's datagrams as the other's."""
    if zone.multicast and zone.sync_group and zone.multicast[1] == zone.sync_group[1]:
        raise ConflictError(
            "groups_collide",
            f"The multicast group and the sync group of the zone {zone.id} have the same port, {zone.multicast[1]}.",
            "Give the sync group a port of its own.",
        )


def _no_zone(zone_id: str) -> NotFoundError:
    return NotFoundError("unknown_zone", f"There is no zone {zone_id}.", "GET /api/zones lists them.")


def _no_node(node_id: str) -> NotFoundError:
    return NotFoundError("unknown_node", f"There is no node {node_id}.", "GET /api/nodes lists them.")
