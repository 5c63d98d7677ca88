"""Sources: nothing is lost of a file, nothing clicks, and a live voice stays close."""

import fcntl
import os

import numpy as np
import pytest

from controller.engine.source import ENDED, FADE_SAMPLES, PLAYING, STALLED, WAITING, Source, SourceSettings

BLOCK = 960
RATE = 48_000


class Rig:
    """A source whose pipe the test writes and whose blocks it reads."""

    def __init__(self, live, settings=None):
        reading, self.writing = os.pipe()
        fcntl.fcntl(self.writing, fcntl.F_SETPIPE_SZ, 1 << 20)
        os.set_blocking(self.writing, False)
        self.source = Source("s-1", reading, live, settings)
        self.tap = self.source.tap()

    def write(self, samples):
        data = np.asarray(samples, np.float32).tobytes()
        assert os.write(self.writing, data) == len(data)

    def read(self, tap=None, block=BLOCK):
        out = np.full(block, 99, np.float32)
        self.source.fill()
        sounding = (tap or self.tap).read(out)
        assert np.abs(out).max() < 99
        return out, sounding

    def end(self):
        os.close(self.writing)
        self.writing = -1

    def close(self):
        self.source.close()
        if self.writing >= 0:
            self.end()


@pytest.fixture
def rigs():
    made = []

    def make(live=False, settings=None):
        made.append(Rig(live, settings))
        return made[-1]

    yield make
    for rig in made:
        rig.close()


def tone(count, hertz=200.0, start=0, amplitude=0.5):
    return (amplitude * np.sin(2 * np.pi * hertz * (start + np.arange(count)) / RATE)).astype(np.float32)


def bend(sound):
    return np.abs(np.diff(sound, 2)).max()


SMOOTH = 1.5 * 0.5 * (2 * np.pi * 200 / RATE) ** 2 + 0.5 * 4 * (np.pi / 2 / FADE_SAMPLES) ** 2
"""What a tone with a fade on it bends at most; a click bends some 0.1."""


def test_a_file_begins_when_40_ms_are_there_and_comes_out_whole(rigs):
    rig = rigs()
    sound = tone(RATE)
    rig.write(sound[:1919])
    assert rig.read() == (pytest.approx(np.zeros(BLOCK)), False)
    assert rig.source.state == WAITING
    rig.write(sound[1919:])
    rig.end()
    blocks = []
    while rig.source.state != ENDED:
        blocks.append(rig.read()[0])
    heard = np.concatenate(blocks)
    np.testing.assert_array_equal(heard[FADE_SAMPLES : RATE - FADE_SAMPLES], sound[FADE_SAMPLES:-FADE_SAMPLES])
    assert len(heard) == RATE
    assert rig.source.ended_at == BLOCK


def test_the_end_of_a_file_is_told_to_the_sample(rigs):
    rig = rigs()
    rig.write(tone(2000))
    rig.end()
    for _ in range(3):
        rig.read()
    assert rig.source.state == ENDED
    assert rig.source.ended_at == 80
    assert not rig.read()[0].any()


def test_an_empty_pipe_ends_at_once(rigs):
    rig = rigs()
    rig.end()
    rig.read()
    assert rig.source.state == ENDED


@pytest.mark.parametrize("rest", [0, 1, 100, 239, 240, 500, 959])
def test_a_stall_and_its_end_do_not_click(rigs, rest):
    rig = rigs()
    rig.write(tone(10 * BLOCK + FADE_SAMPLES + rest, hertz=200))
    heard = [rig.read()[0] for _ in range(12)]
    assert rig.source.state == STALLED
    rig.write(tone(5 * BLOCK, start=10 * BLOCK + FADE_SAMPLES + rest))
    heard += [rig.read()[0] for _ in range(4)]
    assert rig.source.state == PLAYING
    assert bend(np.concatenate(heard)) < SMOOTH


def test_back_pressure_reaches_the_writer(rigs):
    rig = rigs()
    sound = tone(200_000, hertz=1)
    data = memoryview(sound.tobytes())
    heard = []
    for _ in range(205):
        try:
            while data:
                data = data[os.write(rig.writing, data[:65536]) :]
        except BlockingIOError:
            pass
        heard.append(rig.read()[0])
        assert rig.source.buffer.end - rig.tap.position <= 200 * 48
    np.testing.assert_array_equal(np.concatenate(heard)[240:190_000], sound[240:190_000])


def test_samples_cut_in_the_middle_stay_whole(rigs):
    rig = rigs()
    sound = tone(4 * BLOCK)
    data = sound.tobytes()
    for start in range(0, len(data), 1001):
        os.write(rig.writing, data[start : start + 1001])
        rig.source.fill()
    np.testing.assert_array_equal(rig.source.buffer.stretch(0, 4 * BLOCK), sound)


def test_what_is_no_number_becomes_silence_and_what_is_huge_is_cut(rigs):
    rig = rigs()
    sound = tone(4 * BLOCK)
    sound[1000:1003] = [np.nan, np.inf, 1e30]
    rig.write(sound)
    heard = np.concatenate([rig.read()[0] for _ in range(2)])
    assert np.isfinite(heard).all()
    assert heard[1000] == 0
    assert heard[1002] == 16


def test_two_taps_read_the_same_in_their_own_blocks(rigs):
    rig = rigs()
    other = rig.source.tap()
    rig.write(tone(10 * BLOCK))
    whole = np.concatenate([rig.read()[0] for _ in range(5)])
    halves = np.concatenate([rig.read(other, 480)[0] for _ in range(10)])
    np.testing.assert_array_equal(whole, halves)
    rig.source.release(other)
    assert rig.source.is_tapped


def run_live(rig, seconds, ppm, chunk=BLOCK, jitter=0.0):
    """Let a writer whose clock is off by `ppm` write chunks while blocks are read; return sound and delays."""
    written, heard, delays = 0, [], []
    random = np.random.default_rng(1)
    for number in range(int(seconds * 50)):
        now = (number + 1) * BLOCK * (1 + ppm / 1e6) - jitter * random.random() * RATE
        while written + chunk <= now:
            rig.write(tone(chunk, start=written))
            written += chunk
        heard.append(rig.read()[0])
        delays.append((rig.source.buffer.end - rig.tap.position) / 48)
    return np.concatenate(heard), np.array(delays)


@pytest.mark.parametrize("ppm", [-2000, 0, 2000])
def test_a_live_source_with_another_clock_is_followed_without_clicks(rigs, ppm):
    heard, delays = run_live(rigs(live=True), 30, ppm)
    assert bend(heard) < 2 * SMOOTH
    assert 10 <= np.median(delays[500:]) <= 70
    assert delays[500:].max() <= 90
    assert np.abs(heard[RATE:]).reshape(-1, BLOCK).max(axis=1).min() > 0.3, "no gap"


def test_a_live_source_that_was_held_up_catches_up(rigs):
    rig = rigs(live=True)
    run_live(rig, 2, 0)
    rig.write(tone(RATE // 2))
    _, delays = run_live(rig, 2, 0)
    assert delays[25:].max() < 120


def test_a_live_source_begins_with_its_newest_sound(rigs):
    rig = rigs(live=True)
    rig.write(tone(RATE // 2))
    rig.read()
    assert (RATE // 2 - rig.tap.position) / 48 <= SourceSettings().live_target_ms


def test_a_live_source_that_was_jittery_and_is_calm_comes_close_again(rigs):
    rig = rigs(live=True)
    run_live(rig, 1, 0)
    for _ in range(4):  # it runs dry, and is heard again
        for _ in range(20):
            rig.read()
        assert rig.source.state == STALLED
        run_live(rig, 1, 0)
    _, delays = run_live(rig, 5, 0)
    assert np.median(delays) > 100, "held back, so that it does not run dry again"
    heard, delays = run_live(rig, 110, 0)
    assert np.median(delays[-500:]) < 70
    assert np.abs(heard[RATE:]).reshape(-1, BLOCK).max(axis=1).min() > 0.3, "no gap for it"


def test_a_live_source_that_stays_jittery_is_held_back_as_long(rigs):
    rig = rigs(live=True)
    run_live(rig, 20, 0, jitter=0.08)
    heard, delays = run_live(rig, 60, 0, jitter=0.08)
    assert np.median(delays) > 60
    quiet = np.abs(heard).reshape(-1, BLOCK).max(axis=1) < 0.1
    assert quiet.sum() < 10, "it does not come down where it would run dry again"
