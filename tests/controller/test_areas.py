"""The tree of areas: what lies in what, what may be removed, and which zones an area means."""

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from controller.areas import KINDS, Areas
from controller.errors import ConflictError, NotFoundError
from controller.events import Bus
from controller.stations import Stations
from controller.storage.database import Database
from controller.web.models.areas import MAX_POINTS, AreaPatch, ring

SQUARE = [[21.0, 105.8], [21.0, 105.9], [21.1, 105.9], [21.1, 105.8]]


@pytest.fixture
async def stations(database: Database) -> Stations:
    return Stations(database)


@pytest.fixture
async def areas(database: Database, stations: Stations) -> Areas:
    found = Areas(database, stations, Bus())
    await found.add({"id": "tinh", "kind": "province"})
    await found.add({"id": "xa", "kind": "commune", "parent": "tinh"})
    await found.add({"id": "thon", "kind": "village", "parent": "xa"})
    return found


async def test_what_lies_in_what(areas: Areas) -> None:
    places = {"province": "tinh", "commune": "xa", "village": "thon"}
    for kind, parent_kind in itertools.product(KINDS, KINDS):
        made = areas.add({"id": f"{kind}-moi", "kind": kind, "parent": places[parent_kind]})
        if (parent_kind, kind) in (("province", "commune"), ("commune", "village")):
            assert (await made).parent == places[parent_kind]
            await areas.remove(f"{kind}-moi")
        else:
            with pytest.raises(ConflictError, match=r"lies in"):
                await made
            assert {area.id for area in await areas.all()} == set(places.values())


async def test_no_cycle_and_no_level_between(areas: Areas) -> None:
    for area_id, values in (
        ("tinh", {"parent": "tinh"}),
        ("tinh", {"parent": "thon"}),
        ("xa", {"parent": "thon"}),
        ("xa", {"kind": "province", "parent": None}),
        ("xa", {"kind": "village", "parent": None}),
    ):
        with pytest.raises(ConflictError) as refused:
            await areas.change(area_id, values)
        assert refused.value.code == "area_level"
    with pytest.raises(NotFoundError):
        await areas.change("xa", {"parent": "nowhere"})
    assert [(area.id, area.kind, area.parent) for area in await areas.all()] == [
        ("thon", "village", "xa"),
        ("tinh", "province", None),
        ("xa", "commune", "tinh"),
    ], "what was refused changed nothing"


async def test_not_removed_while_something_is_in_it(areas: Areas, stations: Stations) -> None:
    with pytest.raises(ConflictError, match="1 areas and 0 zones"):
        await areas.remove("xa")
    await stations.add_zone({"id": "z-1", "area": "thon"})
    with pytest.raises(ConflictError, match="0 areas and 1 zones"):
        await areas.remove("thon")
    with pytest.raises(NotFoundError, match="no area nowhere"):
        await stations.change_zone("z-1", {"area": "nowhere"})
    await stations.change_zone("z-1", {"area": None})
    for area_id in ("thon", "xa", "tinh"):
        await areas.remove(area_id)
    assert await areas.all() == []


async def test_the_zones_of_an_area_are_those_below_it(areas: Areas, stations: Stations) -> None:
    await areas.add({"id": "thon-2", "kind": "village", "parent": "xa"})
    for zone, area in (("z-1", "thon"), ("z-2", "thon-2"), ("z-3", "xa"), ("z-4", None), ("z-5", "thon")):
        await stations.add_zone({"id": zone, "area": area})
    for zone in ("z-1", "z-2", "z-3", "z-4"):
        await stations.add_node({"id": f"cum-{zone}", "zone": zone})
    assert await areas.zones_in(["thon"], False) == ["z-1"], "nobody would hear z-5"
    assert await areas.zones_in(["thon"], True) == ["z-1", "z-5"]
    assert await areas.zones_in(["thon", "tinh", "xa"], False) == ["z-1", "z-2", "z-3"]
    await areas.add({"id": "thon-3", "kind": "village", "parent": "xa"})
    with pytest.raises(ConflictError, match="thon-3"):
        await areas.zones_in(["tinh", "thon-3"], False)
    with pytest.raises(NotFoundError):
        await areas.zones_in(["nowhere"], False)
    await areas.change("thon-2", {"parent": None})
    assert await areas.zones_in(["xa"], False) == ["z-1", "z-3"]


def test_a_border_by_geojson_is_the_one_by_points() -> None:
    ring_out = [[lon, lat, 7.0] for lat, lon in [*SQUARE, SQUARE[0]]]
    hole = [[105.84, 21.04], [105.86, 21.04], [105.86, 21.06], [105.84, 21.04]]
    polygon = {"type": "Polygon", "coordinates": [ring_out, hole], "bbox": [0, 0, 1, 1]}
    assert AreaPatch.model_validate({"outline_geojson": polygon}).columns() == {"outline": SQUARE}
    assert AreaPatch.model_validate({"outline": SQUARE}).columns() == {"outline": SQUARE}
    assert AreaPatch.model_validate({"outline": None}).columns() == {"outline": None}


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"outline": SQUARE[:2]}, "three different points"),
        ({"outline": [SQUARE[0], SQUARE[1], SQUARE[0], SQUARE[1]]}, "three different points"),
        ({"outline": [[21, 105], [21.1, 105.1], [21.2, 105.2]]}, "surrounds nothing"),
        ({"outline": [[91, 105], [21, 105], [21, 106]]}, "less than or equal to 90"),
        ({"outline": [[21.0, 105.0 + n / 10_000] for n in range(MAX_POINTS)] + SQUARE}, "at most"),
        ({"outline": "M 0 0 L 1 1"}, "list"),
        ({"outline": [[21, 105, 3], [21, 106, 3], [22, 106, 3]]}, "at most 2"),
        (
            {"outline_geojson": {"type": "Polygon", "coordinates": [[[21, 105.8], [21, 105.9], [22, 105.9]]]}},
            "longitude",
        ),
        ({"outline_geojson": {"type": "Point", "coordinates": [105.8, 21]}}, "Polygon"),
        ({"outline_geojson": {"type": "Polygon", "coordinates": []}}, "at least 1"),
        ({"outline": SQUARE, "outline_geojson": {"type": "Polygon", "coordinates": [SQUARE]}}, "not both"),
        ({"kind": "district"}, "kind"),
        ({"title": None}, "must not be null"),
    ],
)
def test_what_is_no_border(values: dict[str, object], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        AreaPatch.model_validate(values)


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), lambda each: st.lists(each, max_size=5)))
def test_made_up_borders_are_refused_or_kept(made: object) -> None:
    for values in ({"outline": made}, {"outline_geojson": {"type": "Polygon", "coordinates": made}}):
        try:
            columns = AreaPatch.model_validate(values).columns()
        except ValidationError:
            continue
        json.dumps(columns, allow_nan=False)


@given(st.lists(st.tuples(st.floats(-90, 90), st.floats(-180, 180)), min_size=3, max_size=20))
def test_a_ring_does_not_end_where_it_begins(points: list[tuple[float, float]]) -> None:
    try:
        found = ring(points)
    except ValueError:
        return
    assert found == (points[:-1] if points[0] == points[-1] else points)
