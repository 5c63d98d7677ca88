"""Areas: provinces, their communes, and the villages of those; and which zones lie in one."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from controller.errors import ConflictError, NotFoundError
from controller.events import Bus
from controller.stations import Roster, Stations
from controller.storage.database import Database
from controller.storage.tables import Area, Zone

KINDS = ("province", "commune", "village")
"""From the outermost inwards; each lies in one of the kind before it, or in none."""
MAX_AREAS = 10_000


class Areas:
    """The tree of areas in the database. It has no cycles, since an area's kind says on which level it is.

    generation: another one after each change.
    """

    def __init__(self, database: Database, stations: Stations, bus: Bus) -> None:
        self._database = database
        self._stations = stations
        self._bus = bus
        self._kept: dict[str, Area] | None = None
        self.generation = 0

    async def all(self) -> list[Area]:
        """Return all areas by id; not to be changed by the caller."""
        return list((await self._known()).values())

    async def area(self, area_id: str) -> Area:
        """Return an area; raises NotFoundError."""
        found = (await self._known()).get(area_id)
        if found is None:
            raise no_area(area_id)
        return found

    async def add(self, values: dict[str, Any]) -> Area:
        """Store a new area; raises ConflictError and NotFoundError where it does not fit into the tree."""
        async with self._database.write() as session:
            if await session.get(Area, values["id"]):
                raise ConflictError("exists", f"There is an area {values['id']} already.", "Choose another id.")
            if (await session.scalar(select(func.count()).select_from(Area)) or 0) >= MAX_AREAS:
                raise ConflictError("too_many_areas", f"There are {MAX_AREAS} areas already.", "Remove some of them.")
            area = Area(**values)
            await _check(session, area)
            session.add(area)
        self._tell(area.id)
        return area

    async def change(self, area_id: str, values: dict[str, Any]) -> Area:
        """Change columns of an area; raises NotFoundError, and ConflictError where it does not fit into the tree."""
        async with self._database.write() as session:
            area = await session.get(Area, area_id)
            if area is None:
                raise no_area(area_id)
            for name, value in values.items():
                setattr(area, name, value)
            with session.no_autoflush:
                await _check(session, area)
        self._tell(area_id)
        return area

    async def remove(self, area_id: str) -> None:
        """Remove an area; raises NotFoundError, and ConflictError while an area or a zone is in it."""
        async with self._database.write() as session:
            area = await session.get(Area, area_id)
            if area is None:
                raise no_area(area_id)
            areas = await session.scalar(select(func.count()).select_from(Area).where(Area.parent == area_id))
            zones = await session.scalar(select(func.count()).select_from(Zone).where(Zone.area == area_id))
            if areas or zones:
                raise ConflictError(
                    "area_not_empty",
                    f"There are {areas} areas and {zones} zones in {area_id}.",
                    "Move them to another area or remove them first.",
                )
            await session.delete(area)
        self._tell(area_id)

    async def zones_in(self, area_ids: Iterable[str], allow_empty: bool) -> list[str]:
        """Return the ids of the zones in areas, and in those below them, as they are now.

        allow_empty: also those that nobody would hear. Raises NotFoundError for an area that does not exist,
        ConflictError for one without such zones.
        """
        areas = await self._known()
        roster = await self._stations.roster()
        found: dict[str, None] = {}
        for area_id in area_ids:
            if area_id not in areas:
                raise no_area(area_id)
            inside = _below(areas, area_id)
            zones = [zone.id for zone in roster.zones.values() if zone.area in inside and _heard(roster, zone)]
            if allow_empty:
                zones = [zone.id for zone in roster.zones.values() if zone.area in inside]
            if not zones:
                raise ConflictError(
                    "area_without_zones",
                    f"In the area {area_id} is no zone that anybody would hear.",
                    f"Put a zone with nodes into it: loaxa zone set ZONE --area {area_id}",
                )
            found.update(dict.fromkeys(zones))
        return list(found)

    async def _known(self) -> dict[str, Area]:
        while self._kept is None:
            generation = self.generation
            async with self._database.read() as session:
                found = {area.id: area for area in await session.scalars(select(Area).order_by(Area.id))}
            if generation == self.generation:  # else it changed while it was read
                self._kept = found
        return self._kept

    def _tell(self, area_id: str) -> None:
        self._kept = None
        self.generation += 1
        self._bus.publish("area", {"id": area_id})


def no_area(area_id: str) -> NotFoundError:
    """Return the error that an area does not exist."""
    return NotFoundError("unknown_area", f"There is no area {area_id}.", "GET /api/areas lists them.")


def _below(areas: dict[str, Area], area_id: str) -> set[str]:
    """Return an area and all below it: there are no more levels than kinds."""
    found = {area_id}
    for _ in KINDS[1:]:
        found |= {area.id for area in areas.values() if area.parent in found}
    return found


def _heard(roster: Roster, zone: Zone) -> bool:
    return bool(roster.members[zone.id]) or zone.multicast is not None


async def _check(session: AsyncSession, area: Area) -> None:
    """Refuse an area that is not one level below its parent, or one level above those in it."""
    level = KINDS.index(area.kind)
    if area.parent is not None:
        parent = await session.get(Area, area.parent)
        if parent is None:
            raise no_area(area.parent)
        if KINDS.index(parent.kind) != level - 1:
            above = f"in a {KINDS[level - 1]}" if level else "in no other area"
            raise ConflictError(
                "area_level",
                f"{area.id} is a {area.kind} and {parent.id} a {parent.kind}: a {area.kind} lies {above}.",
                "Choose another parent or another kind.",
            )
    within = list(await session.scalars(select(Area).where(Area.parent == area.id)))
    if any(KINDS.index(each.kind) != level + 1 for each in within):
        raise ConflictError(
            "area_level",
            f"{area.id} has areas in it that do not lie in a {area.kind}: {within[0].id} is a {within[0].kind}.",
            "Move them to another area first.",
        )
