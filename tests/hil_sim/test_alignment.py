"""The judge of time: known delays are found exactly, through any of our codecs, and nothing is found in the wrong."""

import numpy as np
import pytest

from hil_sim.alignment import WINDOW_S, align
from hil_sim.capture import Run, lay
from hil_sim.resampling import interpolate
from hil_sim.signals import RATE
from hil_sim.skew import latencies_ms, percentiles, skews_ms
from hil_sim.voice import speech
from tests.hil_sim.speech import LEAD_IN_S, ORIGIN_NS, axis, coded, emit

SECONDS = 10.0


@pytest.mark.parametrize(("delay_s", "ppm"), [(0.0, 0.0), (0.0501, 50.0), (0.1500003, -50.0), (1.234567, 20.0)])
def test_a_pure_delay_is_found_below_a_microsecond(delay_s: float, ppm: float) -> None:
    found = align(axis(SECONDS), emit(speech(SECONDS), delay_s, ppm, length=round(14 * RATE)).samples)
    assert np.count_nonzero(found.measured) == np.count_nonzero(found.sounding) > 70
    assert np.nanmax(np.abs(found.delay_s - delay_s)) < 1e-6


@pytest.mark.parametrize("profile", ["lan", "low", "mobile"])
def test_skew_is_found_through_the_codec(profile: str) -> None:
    _, decoded = coded(SECONDS, profile)
    ears = [align(axis(SECONDS), emit(decoded, delay_s, ppm).samples) for delay_s, ppm in ((0.15, 40), (0.1516, -40))]
    skews = skews_ms(ears)
    assert len(skews) > 60
    assert np.percentile(skews, [0, 50, 99, 100]) == pytest.approx([1.6] * 4, abs=0.03)
    assert np.median(skews) == pytest.approx(1.6, abs=0.001)
    assert np.median(latencies_ms(ears)) == pytest.approx(150.8 + 4.5, abs=3.0)  # the codec's look-ahead is on top


def test_a_crystal_that_nobody_corrects_is_seen_to_drift() -> None:
    rate_hz = RATE * (1 + 100e-6)
    run = Run(ORIGIN_NS + round(LEAD_IN_S * 1e9), rate_hz, speech(SECONDS))
    found = align(axis(SECONDS), lay([run], ORIGIN_NS, 12 * RATE).samples)
    middle_s = found.start_s - LEAD_IN_S + WINDOW_S / 2
    assert np.nanmax(np.abs(found.delay_s + 100e-6 * middle_s)) < 5e-6


@pytest.mark.parametrize("jump_s", [0.003, 0.02, 0.08, -0.04, 0.7])
def test_a_jump_in_the_middle_is_followed(jump_s: float) -> None:
    """A node that falls behind must be seen to, not left out of the count."""
    half = round(SECONDS / 2 * RATE)
    sound = speech(SECONDS)
    first = emit(sound[:half], 0.15, length=14 * RATE).samples
    second = emit(np.concatenate((np.zeros(half), sound[half:])), 0.15 + jump_s, length=14 * RATE).samples
    found = align(axis(SECONDS), first + second)
    late = found.start_s > LEAD_IN_S + SECONDS / 2 + 0.5
    early = found.start_s < LEAD_IN_S + SECONDS / 2 - 0.5
    assert np.nanmedian(found.delay_s[early]) == pytest.approx(0.15, abs=1e-5)
    assert np.nanmedian(found.delay_s[late]) == pytest.approx(0.15 + jump_s, abs=1e-5)
    assert np.count_nonzero(found.measured[late]) > 0.9 * np.count_nonzero(found.sounding[late])


def test_noise_and_another_voice_are_not_measured() -> None:
    noise = np.random.default_rng(1).normal(0.0, 0.1, 13 * RATE)
    other = emit(speech(SECONDS, "en")[::-1].copy(), 0.15).samples
    for wrong in (noise, other, np.zeros(13 * RATE)):
        found = align(axis(SECONDS), wrong)
        assert np.count_nonzero(found.measured) <= 0.05 * np.count_nonzero(found.sounding)


def test_noise_below_the_voice_does_not_move_it() -> None:
    heard = emit(speech(SECONDS), 0.15).samples
    noise = np.random.default_rng(2).normal(0.0, np.std(heard) * 0.1, len(heard))
    found = align(axis(SECONDS), heard + noise)
    assert np.nanmedian(found.delay_s) == pytest.approx(0.15, abs=2e-6)
    assert np.nanpercentile(np.abs(found.delay_s - 0.15), 90) < 5e-5


def test_silence_has_nothing_to_measure() -> None:
    found = align(np.zeros(3 * RATE), np.zeros(3 * RATE))
    assert not found.measured.any()
    assert not found.sounding.any()
    assert np.isnan(found.rough_s)


def test_delay_between_windows() -> None:
    found = align(axis(SECONDS), interpolate(axis(SECONDS), np.arange(13 * RATE) - 0.1 * RATE))
    assert found.delay_at(np.array([0.0, 5.0, 99.0])) == pytest.approx([0.1] * 3, abs=1e-6)


def test_percentiles_of_nothing_are_null() -> None:
    assert percentiles(np.empty(0), ("p50", "max")) == {"p50": None, "max": None}
    assert percentiles(np.array([1.0, 2.0, 9.0]), ("p50", "max")) == {"p50": 2.0, "max": 9.0}
