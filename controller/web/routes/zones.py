"""Zones: groups of nodes that play the same."""

from fastapi import APIRouter

from controller.errors import ConflictError
from controller.web.errors import errors
from controller.web.models import Name, ZoneList, ZoneNew, ZoneOut, ZonePatch
from controller.web.parts import TheOffice
from controller.web.views import zone_out

router = APIRouter(prefix="/api/zones", tags=["zones"])


@router.get("", summary="List zones")
async def list_zones(office: TheOffice) -> ZoneList:
    """All zones with the ids of their nodes and what is on air in them."""
    roster = await office.stations.roster()
    return ZoneList(zones=[zone_out(office, zone, roster.members[zone.id]) for zone in roster.zones.values()])


@router.post("", status_code=201, summary="Add a zone", responses=errors(400, 409, 422))
async def add_zone(office: TheOffice, body: ZoneNew) -> ZoneOut:
    """A zone has no nodes at first."""
    defaults = {"title": "", "profile": "lan", "gain_db": 0.0, "multicast": None}
    return zone_out(office, await office.stations.add_zone({**defaults, **body.columns()}), [])


@router.get("/{zone_id}", summary="Read a zone", responses=errors(404))
async def read_zone(office: TheOffice, zone_id: str) -> ZoneOut:
    """One zone."""
    zone = await office.stations.zone(zone_id)
    return zone_out(office, zone, (await office.stations.roster()).members[zone.id])


@router.patch("/{zone_id}", summary="Change a zone", responses=errors(400, 404, 422))
async def change_zone(office: TheOffice, zone_id: Name, body: ZonePatch) -> ZoneOut:
    """Fields that are left out stay as they are. What is on air goes on with the new settings."""
    zone = await office.stations.change_zone(zone_id, body.columns())
    return zone_out(office, zone, (await office.stations.roster()).members[zone.id])


@router.delete("/{zone_id}", status_code=204, summary="Remove a zone", responses=errors(404, 409))
async def remove_zone(office: TheOffice, zone_id: str) -> None:
    """Only a zone without nodes, in which nothing is on air, can be removed."""
    for session in office.broadcasts.active:
        if zone_id in session.zones:
            raise ConflictError("zone_on_air", f"The session {session.id} plays in {zone_id}.", "Stop it first.")
    await office.stations.remove_zone(zone_id)
