"""Bodies about areas."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from controller.bodies import Body
from controller.web.models.fields import Name, Title, no_null

MAX_POINTS = 2000
"""Enough for a commune's border at some ten metres; what is drawn must fit into a telephone."""
Kind = Literal["province", "commune", "village"]
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
Outline = Annotated[
    list[tuple[Latitude, Longitude]],
    Field(max_length=MAX_POINTS + 1, description="its border, [latitude, longitude] in degrees, not closed"),
]


class Polygon(BaseModel):
    """A polygon of GeoJSON (RFC 7946); its holes, and heights of its points, are left out."""

    model_config = ConfigDict(extra="ignore")  # section 6.1: foreign members

    type: Literal["Polygon"]
    coordinates: list[list[Annotated[list[float], Field(min_length=2, max_length=4)]]] = Field(
        min_length=1, max_length=1000
    )

    @field_validator("coordinates")
    @classmethod
    def _not_too_long(cls, rings: list[list[list[float]]]) -> list[list[list[float]]]:
        if len(rings[0]) > MAX_POINTS + 1:
            raise ValueError(f"the border has {len(rings[0])} points; at most {MAX_POINTS}, so simplify it first")
        return rings

    def outline(self) -> list[tuple[float, float]]:
        """Return the outer ring, latitudes first: in GeoJSON the longitude is."""
        return [(point[1], point[0]) for point in self.coordinates[0]]


class AreaPatch(Body):
    """What of an area may be changed."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"title": "Xã Tân Hòa", "outline": [[21.0, 105.8], [21.0, 105.9], [21.1, 105.9]]}]
        },
    )

    title: Title = ""
    kind: Kind = "village"
    parent: Name | None = Field(
        None, description="the area that it lies in: of a village a commune, of that a province"
    )
    outline: Outline | None = None
    outline_geojson: Polygon | None = Field(None, description="in place of outline: a GeoJSON Polygon")

    _checked = model_validator(mode="before")(no_null)

    @field_validator("outline")
    @classmethod
    def _ring(cls, outline: list[tuple[float, float]] | None) -> list[tuple[float, float]] | None:
        return None if outline is None else ring(outline)

    @model_validator(mode="after")
    def _one_outline(self) -> "AreaPatch":
        if self.outline_geojson is not None:
            if self.outline is not None:
                raise ValueError("give outline or outline_geojson, not both")
            for lat, lon in self.outline_geojson.outline():
                if not (-90 <= lat <= 90 and -180 <= lon <= 180):
                    raise ValueError(f"outline_geojson: {lon:g}, {lat:g} is no place; GeoJSON has the longitude first")
            ring(self.outline_geojson.outline())
        return self

    def columns(self) -> dict[str, Any]:
        """Return what was given, as columns."""
        values = self.model_dump(exclude_unset=True, exclude={"outline_geojson"})
        if self.outline_geojson is not None:
            values["outline"] = ring(self.outline_geojson.outline())
        if values.get("outline") is not None:
            values["outline"] = [list(point) for point in values["outline"]]
        return values


class AreaNew(AreaPatch):
    """A new area."""

    id: Name
    kind: Kind


class AreaOut(BaseModel):
    """An area. outline: its border, not closed, or null where nobody has drawn it."""

    id: str
    title: str
    kind: Kind
    parent: str | None
    outline: list[tuple[float, float]] | None


class AreaList(BaseModel):
    """All areas."""

    areas: list[AreaOut]


def ring(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return a border without its end where that is its beginning; raises ValueError where it surrounds nothing."""
    if len(points) > 1 and points[0] == points[-1]:
        points = points[:-1]
    if len(points) > MAX_POINTS:
        raise ValueError(f"a border has at most {MAX_POINTS} points; simplify it first")
    if len(set(points)) < 3:
        raise ValueError("a border has three different points at the least")
    # The shoelace formula, about the first point: so far from 0, 0 a small village would drown in rounding.
    lat0, lon0 = points[0]
    shifted = [(lat - lat0, lon - lon0) for lat, lon in points]
    doubled = sum(a[1] * b[0] - b[1] * a[0] for a, b in zip(shifted, [*shifted[1:], shifted[0]], strict=True))
    if abs(doubled) < 1e-12:  # a hundredth of a square metre
        raise ValueError("this border surrounds nothing: its points lie on one line")
    return points
