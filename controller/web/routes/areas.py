"""Areas: provinces, communes and villages, and their borders."""

from fastapi import APIRouter

from controller.people.permissions import needs
from controller.storage.tables import Area
from controller.web.errors import errors
from controller.web.models.areas import AreaList, AreaNew, AreaOut, AreaPatch
from controller.web.models.fields import Name
from controller.web.parts import TheOffice

router = APIRouter(prefix="/api/areas", tags=["areas"])


@router.get("", summary="List areas", openapi_extra=needs("read"))
async def list_areas(office: TheOffice) -> AreaList:
    """All areas by id, with their borders."""
    return AreaList(areas=[area_out(area) for area in await office.areas.all()])


@router.post(
    "",
    status_code=201,
    summary="Add an area",
    responses=errors(400, 404, 409, 422),
    openapi_extra=needs("zones.write", "area.add"),
)
async def add_area(office: TheOffice, body: AreaNew) -> AreaOut:
    """A village lies in a commune, a commune in a province, or each in nothing. Zones are put into it by their own
    field `area`."""
    defaults = {"title": "", "parent": None, "outline": None}
    return area_out(await office.areas.add({**defaults, **body.columns()}))


@router.patch(
    "/{area_id}",
    summary="Change an area",
    responses=errors(400, 404, 409, 422),
    openapi_extra=needs("zones.write", "area.change"),
)
async def change_area(office: TheOffice, area_id: Name, body: AreaPatch) -> AreaOut:
    """Fields that are left out stay as they are."""
    return area_out(await office.areas.change(area_id, body.columns()))


@router.delete(
    "/{area_id}",
    status_code=204,
    summary="Remove an area",
    responses=errors(404, 409),
    openapi_extra=needs("zones.write", "area.remove"),
)
async def remove_area(office: TheOffice, area_id: str) -> None:
    """Only one that no area and no zone is in."""
    await office.areas.remove(area_id)


def area_out(area: Area) -> AreaOut:
    """Return an area as clients see it."""
    return AreaOut.model_validate({name: getattr(area, name) for name in ("id", "title", "kind", "parent", "outline")})
