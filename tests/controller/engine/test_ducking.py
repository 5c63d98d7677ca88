"""Who is turned down for whom."""

import numpy as np

from controller.engine.ducking import Ramps, duck, ramp_blocks

NAMED = np.array([[True, True, False], [True, False, True]])
DUCKED = np.array([0.1, 0.2, 0.3], np.float32)


def test_a_lower_priority_is_ducked_only_where_a_higher_one_sounds():
    factors = duck(NAMED, np.array([1, 3, 1], np.int32), DUCKED, np.array([True, True, True]))
    np.testing.assert_allclose(factors[0, :2], [0.1, 1.0])
    np.testing.assert_allclose(factors[1, [0, 2]], [1.0, 1.0])


def test_what_does_not_sound_ducks_nobody():
    factors = duck(NAMED, np.array([1, 3, 1], np.int32), DUCKED, np.array([True, False, True]))
    assert (factors == 1).all()


def test_an_emergency_silences_the_rest():
    factors = duck(NAMED, np.array([3, 4, 3], np.int32), DUCKED, np.array([True, True, True]))
    assert factors[0, 0] == 0
    assert factors[0, 1] == 1
    assert factors[1, 0] == 1


def test_ducking_is_quick_and_its_end_slow():
    before, after = np.array([[1, 0.1, 1]], np.float32), np.array([[0.1, 1, 1]], np.float32)
    assert ramp_blocks(before, after, Ramps(attack_ms=60, release_ms=500, fade_ms=40), 20).tolist() == [[3, 25, 2]]
