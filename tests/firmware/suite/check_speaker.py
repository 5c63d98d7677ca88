"""Horns: what the current says of them while something is played, by the samples that were played."""

import math
from array import array

from chance import Chance

from firmware.node.player import _TONE
from firmware.node.speaker import OK, OPEN, SHORT, Speaker

TONE_MA = 900.0
SHORT_MA = 6000.0
AHEAD = 5760
"""The DAC is 120 ms ahead: what is measured now was written then."""
SENSOR_MS = 60.0
"""A rectifier and its capacitor."""


class Pole:
    """Samples into a DAC, through horns, into a sensor. factor: 1.0 for good horns."""

    def __init__(self, block=960):
        self.speaker = Speaker(TONE_MA, SHORT_MA, 0.3)
        self.factor = 1.0
        self.noise_ma = 0.0
        self.said = []
        self._chance = Chance(7)
        self._block = block
        self._blocks = {}
        self._waiting = []
        self._written = 0
        self._out = 0
        self._current_ma = 0.0

    def play(self, seconds, level):
        """Play for so long; ``level(t)``: how loud it is at t seconds, 1.0 for the test tone."""
        speaker = self.speaker
        block = self._block
        for number in range(int(seconds * 48000 // block)):
            loud = round(level(number * block / 48000), 2)
            if loud not in self._blocks:  # whole periods: each begins as the one before
                self._blocks[loud] = array("h", [round(_TONE[i % 48] * loud) for i in range(block)])
            speaker.drive(self._blocks[loud], block)
            self._waiting.append(loud)
            self._written += block
            if self._written - self._out <= AHEAD:
                continue
            self._out += block
            target_ma = self._waiting.pop(0) * TONE_MA * self.factor
            self._current_ma += (target_ma - self._current_ma) * (1 - math.exp(-block / 48 / SENSOR_MS))
            if speaker.due(self._out):
                noise_ma = self.noise_ma * (self._chance.next(2001) - 1000) / 1000
                speaker.measure(self._out, max(self._current_ma + noise_ma, 0.0))
            if not self.said or self.said[-1] != speaker.state:
                self.said.append(speaker.state)


def _tone(_):
    return 1.0


def _night(_):
    return 0.0


def _speech(t):
    """Syllables, words, and a breath now and then."""
    if t % 3.0 > 2.2:
        return 0.0
    return 0.7 * abs(math.sin(2 * math.pi * 4 * t)) * (1.0 if t % 0.7 < 0.5 else 0.15)


def check_nothing_is_said_before_anything_was_played():
    pole = Pole()
    pole.factor = 0.0
    pole.play(5, _night)
    assert pole.speaker.state is None and pole.speaker.current_ma is None


def check_good_horns_are_good_at_every_level_that_can_be_judged():
    for loud in (0.2, 1.0, 3.9):
        pole = Pole()
        pole.noise_ma = 20.0
        pole.play(3, lambda _, loud=loud: loud)
        assert pole.said == [None, OK], (loud, pole.said)
        assert abs(pole.speaker.current_ma - loud * TONE_MA) < 0.05 * loud * TONE_MA + 20


def check_what_is_too_quiet_says_nothing():
    pole = Pole()
    pole.factor = 0.0
    pole.play(5, lambda _: 0.1)
    assert pole.said == [None]
    assert pole.speaker.current_ma == 0


def check_speech_never_flaps():
    for block in (240, 480, 960):
        for factor, word in ((1.0, OK), (0.75, OK), (1.4, OK), (0.02, OPEN), (12.0, SHORT)):
            pole = Pole(block)
            pole.factor = factor
            pole.noise_ma = 25.0
            pole.play(20, _speech)
            assert pole.said == [None, word], (block, factor, pole.said)


def check_a_fault_is_seen_within_seconds_and_so_is_its_end():
    for factor, word in ((0.0, OPEN), (15.0, SHORT)):
        pole = Pole()
        pole.play(4, _speech)
        assert pole.said == [None, OK]
        pole.factor = factor
        pole.play(5, _speech)
        assert pole.said == [None, OK, word], pole.said
        pole.factor = 1.0
        pole.play(5, _speech)
        assert pole.said == [None, OK, word, OK], pole.said


def check_a_fault_stays_through_the_night():
    pole = Pole()
    pole.factor = 0.0
    pole.play(4, _tone)
    pole.factor = 1.0
    pole.play(20, _night)
    assert pole.said == [None, OPEN]
    pole.play(3, _tone)
    assert pole.said == [None, OPEN, OK]


def check_a_current_at_the_limit_does_not_flap():
    pole = Pole()
    for step in range(30):  # up and down around the share that is open, and around the limit
        pole.factor = 0.28 if step % 2 else 0.33
        pole.play(2, _tone)
    assert pole.said == [None, OK, OPEN], pole.said
    pole = Pole()
    for step in range(30):  # three times what is called for
        pole.factor = 3.2 if step % 2 else 2.8
        pole.play(2, _tone)
    assert pole.said == [None, OK, SHORT], pole.said
    pole = Pole()
    for step in range(30):  # 6000 mA
        pole.factor = 1.8 if step % 2 else 1.65
        pole.play(2, lambda _: 3.9)
    assert pole.said == [None, OK, SHORT], pole.said


def check_a_sensor_that_fails_says_nothing():
    pole = Pole()
    pole.play(3, _tone)
    speaker = pole.speaker
    for turn in range(200):
        speaker.drive(array("h", [8000] * 960), 960)
        speaker.measure(pole._out + (turn + 1) * 960, None)
    assert speaker.state == OK


def check_a_dac_that_ran_dry_is_no_open_circuit():
    pole = Pole()
    pole.play(3, _tone)
    for _ in range(500):
        pole.speaker.measure(pole._out, 0.0)
    pole.play(3, _tone)
    assert pole.said == [None, OK]


def check_a_block_that_nobody_measures_is_forgotten():
    speaker = Speaker(TONE_MA, SHORT_MA, 0.3)
    samples = array("h", [8000] * 240)
    for _ in range(1000):
        speaker.drive(samples, 240)
    assert len(speaker._ends) == len(speaker._levels) == 64
    for turn in range(20):
        speaker.measure(240 * (936 + turn * 3), TONE_MA)
    assert not [end for end in speaker._ends if end <= 240 * 993]
