"""Delays and gains from places."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec.wire.command import MAX_DELAY_US
from controller.acoustics import placement
from controller.acoustics.placement import Place

metres = st.floats(-300, 300)
places = st.builds(Place, metres, metres)
villages = st.dictionaries(st.sampled_from("abcdef"), st.tuples(places, st.floats(-20, 6)), min_size=1)


def test_the_speed_of_sound() -> None:
    assert placement.speed_of_sound_m_s(0) == pytest.approx(331.3)
    assert placement.speed_of_sound_m_s(20) == pytest.approx(343.2, abs=0.1)


@given(places, villages, st.floats(-20, 60))
def test_all_sound_arrives_at_the_point_at_one_instant(
    point: Place, horns: dict[str, tuple[Place, float]], temperature_c: float
) -> None:
    found = placement.towards(point, horns, temperature_c)
    speed = placement.speed_of_sound_m_s(temperature_c)
    arrivals = [found[name].delay_us / 1e6 + point.distance_m(place) / speed for name, (place, _) in horns.items()]
    if not any(each.limited for each in found.values()):
        assert max(arrivals) - min(arrivals) < 2e-6
    assert min(each.delay_us for each in found.values()) == 0
    assert {name: each.gain_db for name, each in found.items()} == {name: gain for name, (_, gain) in horns.items()}


@given(places, villages, st.floats(0, 24))
def test_levels_at_the_point_are_equal_within_the_limit(
    point: Place, horns: dict[str, tuple[Place, float]], limit_db: float
) -> None:
    found = placement.towards(point, horns, level_limit_db=limit_db)
    far_m = max(each.distance_m for each in found.values())
    top_db = max(gain for _, gain in horns.values())
    for each in found.values():
        law_db = 20 * math.log10(max(far_m, 1) / max(each.distance_m, 1))
        assert each.gain_db == pytest.approx(top_db - min(law_db, limit_db), abs=0.051)


@given(villages)
def test_nobody_hears_the_reference_after_the_horn_beside_them(horns: dict[str, tuple[Place, float]]) -> None:
    reference = min(horns)
    found = placement.after(reference, horns)
    assert found[reference].delay_us == 0
    for name, (place, _) in horns.items():
        if not found[name].limited:
            passes_us = place.distance_m(horns[reference][0]) / placement.speed_of_sound_m_s() * 1e6
            assert found[name].delay_us == pytest.approx(passes_us, abs=1)


def test_no_delay_is_greater_than_a_node_takes() -> None:
    found = placement.towards(Place(0, 0), {"near": (Place(1, 0), 0.0), "far": (Place(1000, 0), 0.0)})
    assert (found["near"].delay_us, found["near"].limited) == (MAX_DELAY_US, True)
    assert (found["far"].delay_us, found["far"].limited) == (0, False)
