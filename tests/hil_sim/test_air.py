"""What a microphone hears of several horns."""

import numpy as np
import pytest

from hil_sim.air import REFERENCE_M, SPEED_OF_SOUND_M_S, hear
from hil_sim.chirps import chirp_programme
from hil_sim.scenario import Position
from hil_sim.signals import RATE


def test_each_horn_is_later_and_quieter_with_its_distance() -> None:
    click = np.zeros(RATE)
    click[1000] = 1.0
    horns = [Position(0.0, 0.0), Position(3 * SPEED_OF_SOUND_M_S * 0.1, 0.0)]
    heard = hear([click, click], horns, Position(SPEED_OF_SOUND_M_S * 0.1, 0.0))
    assert heard[1000 + 4800] == pytest.approx(REFERENCE_M / (SPEED_OF_SOUND_M_S * 0.1), rel=1e-3)
    assert heard[1000 + 9600] == pytest.approx(heard[1000 + 4800] / 2, rel=1e-3)
    heard[[5800, 10600]] = 0.0
    assert np.max(np.abs(heard)) < 1e-3


def test_a_horn_on_the_microphone_is_not_infinitely_loud() -> None:
    heard = hear([np.ones(RATE)], [Position(5, 5)], Position(5, 5))
    assert heard[RATE // 2] == pytest.approx(REFERENCE_M, rel=1e-3)


def test_the_chirp_programme_is_long_enough_and_has_no_clicks() -> None:
    sound = chirp_programme(3.5)
    assert len(sound) >= 3.5 * RATE
    assert np.max(np.abs(np.diff(sound))) < 0.3 * 2 * np.pi * 5000 / RATE * 1.01
