"""Zones: groups of nodes that play the same."""

from fastapi import APIRouter

from controller.acoustics import placement
from controller.errors import ConflictError, NotFoundError
from controller.people.permissions import needs
from controller.storage.tables import Node
from controller.web.errors import errors
from controller.web.models.fields import Name
from controller.web.models.zones import (
    Aligned,
    PlanPoint,
    ZoneAlign,
    ZoneAligned,
    ZoneList,
    ZoneNew,
    ZoneOut,
    ZonePatch,
)
from controller.web.parts import TheOffice
from controller.web.views import zone_out

router = APIRouter(prefix="/api/zones", tags=["zones"])


@router.get("", summary="List zones", openapi_extra=needs("read"))
async def list_zones(office: TheOffice) -> ZoneList:
    """All zones with the ids of their nodes and what is on air in them."""
    roster = await office.stations.roster()
    return ZoneList(zones=[zone_out(office, zone, roster.members[zone.id]) for zone in roster.zones.values()])


@router.post(
    "",
    status_code=201,
    summary="Add a zone",
    responses=errors(400, 404, 409, 422),
    openapi_extra=needs("zones.write", "zone.add"),
)
async def add_zone(office: TheOffice, body: ZoneNew) -> ZoneOut:
    """A zone has no nodes at first."""
    defaults = {"title": "", "profile": "lan", "gain_db": 0.0, "multicast": None, "sync_group": None, "area": None}
    return zone_out(office, await office.stations.add_zone({**defaults, **body.columns()}), [])


@router.get("/{zone_id}", summary="Read a zone", responses=errors(404), openapi_extra=needs("read"))
async def read_zone(office: TheOffice, zone_id: str) -> ZoneOut:
    """One zone."""
    zone = await office.stations.zone(zone_id)
    return zone_out(office, zone, (await office.stations.roster()).members[zone.id])


@router.patch(
    "/{zone_id}",
    summary="Change a zone",
    responses=errors(400, 404, 409, 422),
    openapi_extra=needs("zones.write", "zone.change"),
)
async def change_zone(office: TheOffice, zone_id: Name, body: ZonePatch) -> ZoneOut:
    """Fields that are left out stay as they are. What is on air goes on with the new settings."""
    zone = await office.stations.change_zone(zone_id, body.columns())
    return zone_out(office, zone, (await office.stations.roster()).members[zone.id])


@router.delete(
    "/{zone_id}",
    status_code=204,
    summary="Remove a zone",
    responses=errors(404, 409),
    openapi_extra=needs("zones.write", "zone.remove"),
)
async def remove_zone(office: TheOffice, zone_id: str) -> None:
    """Only a zone without nodes, in which nothing is on air, can be removed."""
    for session in office.broadcasts.active:
        if zone_id in session.zones:
            raise ConflictError("zone_on_air", f"The session {session.id} plays in {zone_id}.", "Stop it first.")
    await office.stations.remove_zone(zone_id)


@router.post(
    "/{zone_id}/align",
    summary="Align the horns by position",
    responses=errors(400, 404, 409, 422),
    openapi_extra=needs("zones.write", "zone.align"),
)
async def align(office: TheOffice, zone_id: Name, body: ZoneAlign) -> ZoneAligned:
    """Computes each node's acoustic delay (`delay_us`), and its gain where asked for, from `x_m` and `y_m`; sets them.

    For one place where two horns or more are heard: sound needs 3 ms a metre, and what comes more than 50 ms after
    the first is an echo. It is exact at that one place; 17 m from it two horns may be 50 ms apart again.
    """
    zone = await office.stations.zone(zone_id)
    members = (await office.stations.roster()).members[zone.id]
    horns = [node for node in members if node.rtp_address is None]
    if not horns:
        raise ConflictError("nothing_to_align", f"The zone {zone_id} has no node that could be delayed.", "Add one.")
    placed = {node.id: (_place(node), node.gain_db) for node in horns}
    point = None
    if body.reference is not None:
        if body.reference not in placed:
            raise NotFoundError(
                "unknown_reference",
                f"There is no node {body.reference} in the zone {zone_id} that could be the reference.",
                f"There are: {', '.join(placed)}.",
            )
        settings = placement.after(body.reference, placed, body.temperature_c)
    else:
        point = body.listening_point or _middle(placed)
        limit_db = body.level_limit_db if body.level else None
        settings = placement.towards(placement.Place(point.x_m, point.y_m), placed, body.temperature_c, limit_db)
    if not body.dry_run:
        changes = {name: {"delay_us": each.delay_us, "gain_db": each.gain_db} for name, each in settings.items()}
        for node in await office.stations.change_nodes(changes):
            await office.reports.configure(node)
    return ZoneAligned(
        zone=zone.id,
        listening_point=point,
        reference=body.reference,
        speed_of_sound_m_s=round(placement.speed_of_sound_m_s(body.temperature_c), 2),
        applied=not body.dry_run,
        nodes=[
            Aligned(
                id=name,
                distance_m=round(each.distance_m, 2),
                delay_us=each.delay_us,
                gain_db=each.gain_db,
                limited=each.limited,
            )
            for name, each in settings.items()
        ],
        skipped=[node.id for node in members if node.rtp_address is not None],
    )


def _place(node: Node) -> placement.Place:
    """Return where a node stands; raises ConflictError when nobody has said."""
    if node.x_m is None or node.y_m is None:
        raise ConflictError(
            "no_position",
            f"It is not known where {node.id} stands.",
            f"Say it first, in metres: loaxa node set {node.id} --x-m X --y-m Y",
        )
    return placement.Place(node.x_m, node.y_m)


def _middle(placed: dict[str, tuple[placement.Place, float]]) -> PlanPoint:
    places = [place for place, _ in placed.values()]
    return PlanPoint(
        x_m=sum(place.x_m for place in places) / len(places), y_m=sum(place.y_m for place in places) / len(places)
    )
