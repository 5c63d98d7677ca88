"""The verdict on made-up villages whose faults are known: every one is found, and only those."""

from dataclasses import replace

import numpy as np
import pytest

from codec.profile import PROFILES
from hil_sim.capture import Track
from hil_sim.dropouts import LOUD_RMS
from hil_sim.ear import Programme
from hil_sim.packets import Datagram
from hil_sim.scenario import Limits, Scenario
from hil_sim.signals import RATE, Floats, moving_rms
from hil_sim.stream import decode, read_frames
from hil_sim.verdict import Heard, judge_ears, make_verdict
from hil_sim.voice import speech
from tests.hil_sim.speech import LEAD_IN_S, ORIGIN_NS, axis, coded, emit, send

SECONDS = 5.5
DELAY_S = 0.15
MOBILE_DELAY_S = 0.8
"""Keys are told after 240 ms there."""
GIVEN_UP_S = 0.07
"""What 150 ms leave after 60 for the key and 5 for the way is enough for these nodes."""
LOUD_S = 2.1
"""An instant at which the bulletin is in the middle of a word."""


def delay_s(profile: str) -> float:
    return MOBILE_DELAY_S if profile == "mobile" else DELAY_S


def judge(ears: list[Track], datagrams: list[Datagram], limits: Limits | None = None, profile: str = "lan"):
    source = axis(SECONDS)
    frames, sent = decode(read_frames(datagrams, ORIGIN_NS, PROFILES[profile]), source)
    none_held = np.zeros(len(source), dtype=np.bool_)
    # It is stopped with the last of the speech; what only tells keys is not expected to be heard.
    stop_s = LEAD_IN_S + SECONDS + delay_s(profile) + 0.005
    programme = Programme(source, none_held, sent, frames, ORIGIN_NS, LEAD_IN_S - 0.1, stop_s, GIVEN_UP_S)
    heard = Heard(programme, ears, "micropython 1.25.0", {"malformed": 0}, [])
    reports = judge_ears(heard)
    return make_verdict(Scenario(name="made", nodes=len(ears), limits=limits or Limits()), heard, reports), reports


def clean(count: int = 2, profile: str = "lan") -> tuple[list[Track], list[Datagram]]:
    payloads, decoded = coded(SECONDS, profile)
    ears = [emit(decoded, delay_s(profile) + 0.0004 * number, ppm=30.0 * number) for number in range(count)]
    return ears, send(payloads, profile, count)


def changed(ear: Track, first_s: float, length_s: float, sound: Floats | float) -> Track:
    samples = ear.samples.copy()
    at = slice(round((LEAD_IN_S + DELAY_S + first_s) * RATE), round((LEAD_IN_S + DELAY_S + first_s + length_s) * RATE))
    samples[at] = sound
    return replace(ear, samples=samples)


@pytest.mark.parametrize("profile", ["lan", "low", "mobile"])
def test_a_clean_village_passes_everything(profile: str) -> None:
    ears, datagrams = clean(profile=profile)
    limits = Limits(skew_ms_p99=0.5, dropouts=0, played_ratio=1.0, concealed=0, late=0, stoi=0.95, foreign_ms=0)
    verdict, _ = judge(ears, datagrams, limits, profile)
    assert verdict["failures"] == []
    assert verdict["passed"] is True
    assert verdict["frames"]["expected"] == verdict["frames"]["played"] == 2 * len(coded(SECONDS, profile)[0])
    assert verdict["skew_ms"]["p50"] == pytest.approx(0.4, abs=0.001)
    onset_s = np.flatnonzero(moving_rms(axis(SECONDS), RATE // 500) > LOUD_RMS)[0] / RATE
    assert verdict["first_sound_ms"]["p50"] == pytest.approx(
        (onset_s - LEAD_IN_S + 0.1 + delay_s(profile)) * 1000, abs=10
    )
    assert verdict["pesq"] > 2.5
    assert verdict["rejected"] == {"forged": None, "replayed": None, "malformed": 0}


@pytest.mark.parametrize(("gap_ms", "found"), [(0.5, 0), (1.2, 1), (5.0, 1), (60.0, 1)])
def test_a_gap_is_a_dropout_from_a_millisecond_on(gap_ms: float, found: int) -> None:
    ears, datagrams = clean()
    ears[1] = changed(ears[1], LOUD_S, gap_ms / 1000, 0.0)
    verdict, reports = judge(ears, datagrams)
    assert verdict["dropouts"] == found
    if found:
        assert reports[1].gaps[0].length_ms == pytest.approx(gap_ms, abs=0.5)
        assert reports[1].gaps[0].first_s == pytest.approx(LEAD_IN_S + DELAY_S + LOUD_S, abs=0.001)


def test_an_underrun_is_a_dropout() -> None:
    ears, datagrams = clean()
    covered = ears[0].covered.copy()
    covered[round((LEAD_IN_S + DELAY_S + LOUD_S) * RATE) :][: RATE // 200] = False
    ears[0] = Track(np.where(covered, ears[0].samples, 0.0), covered)
    verdict, _ = judge(ears, datagrams, Limits(dropouts=0))
    assert verdict["dropouts"] == 1
    assert verdict["failures"] == ["dropouts 1 is above 0"]
    assert verdict["passed"] is False


def test_a_pause_of_the_programme_is_no_dropout() -> None:
    ears, datagrams = clean()
    for number, ear in enumerate(ears):  # what is nearly silent anyway may as well be silent
        ears[number] = replace(ear, samples=np.where(np.abs(ear.samples) < 3e-4, 0.0, ear.samples))
    assert judge(ears, datagrams)[0]["dropouts"] == 0


def test_a_silent_node_is_one_long_dropout_and_a_failure() -> None:
    ears, datagrams = clean()
    ears[1] = replace(ears[1], samples=np.zeros(len(ears[1].samples)))
    verdict, reports = judge(ears, datagrams, Limits(dropout_ms_max=1000))
    assert verdict["dropouts"] == 1
    assert reports[1].gaps[0].length_ms > (SECONDS - 1) * 1000
    assert "node 2: the programme was not heard" in verdict["failures"]
    assert any("dropout_ms_max" in failure for failure in verdict["failures"])
    assert verdict["stoi"] is None


def test_a_lost_packet_that_is_made_up_is_concealed_and_not_played() -> None:
    ears, datagrams = clean()
    index = round(LOUD_S / 0.02)
    datagrams[2 * index] = replace(datagrams[2 * index], left_ns=None)
    before = ears[0].samples[round((LEAD_IN_S + DELAY_S + LOUD_S - 0.033) * RATE) :][: round(0.02 * RATE)]
    ears[0] = changed(ears[0], LOUD_S, 0.02, before)
    frames = judge(ears, datagrams)[0]["frames"]
    assert frames["expected"] - frames["played"] in (1, 2)  # the wrong sound may reach into a neighbour
    assert frames["concealed"] == 1
    assert frames["late"] == 0


def test_a_packet_after_its_time_is_late() -> None:
    ears, datagrams = clean()
    for index in (50, 51, 52):
        late_ns = datagrams[2 * index].entered_ns + 160_000_000
        datagrams[2 * index] = replace(datagrams[2 * index], left_ns=late_ns)
    assert judge(ears, datagrams)[0]["frames"]["late"] == 3


def test_a_frame_that_came_but_was_not_played_is_not_played() -> None:
    """The node's packet was in time, the DAC emitted something else: only the capture knows."""
    ears, datagrams = clean()
    noise = np.random.default_rng(3).normal(0.0, 0.05, round(0.06 * RATE))
    ears[0] = changed(ears[0], LOUD_S, 0.06, noise)
    frames = judge(ears, datagrams)[0]["frames"]
    assert 2 <= frames["expected"] - frames["played"] <= 5


def test_foreign_sound_in_a_silence_is_found() -> None:
    ears, datagrams = clean()
    ears[0] = changed(ears[0], SECONDS + 0.3, 0.2, 0.1 * np.sin(np.arange(round(0.2 * RATE)) * 0.05))
    verdict, _ = judge(ears, datagrams, Limits(foreign_ms=0))
    assert verdict["foreign_ms"] == pytest.approx(200, abs=20)
    assert verdict["passed"] is False


def test_foreign_speech_in_place_of_the_programme_is_found() -> None:
    ears, datagrams = clean()
    other = speech(SECONDS, "en")[RATE : 3 * RATE]
    ears[1] = changed(ears[1], 2.0, 2.0, other)
    verdict, _ = judge(ears, datagrams)
    assert 1000 < verdict["foreign_ms"] <= 2100


def test_foreign_sound_of_a_node_that_never_played_is_found() -> None:
    ears, datagrams = clean()
    ears[1] = replace(ears[1], samples=np.zeros(len(ears[1].samples)))
    ears[1] = changed(ears[1], 2.0, 3.0, np.random.default_rng(4).normal(0.0, 0.1, 3 * RATE))
    assert judge(ears, datagrams)[0]["foreign_ms"] >= 2900


def test_a_muffled_horn_loses_its_marks() -> None:
    ears, datagrams = clean()
    noise = np.random.default_rng(5).normal(0.0, 0.05, len(ears[1].samples))
    ears[1] = replace(ears[1], samples=ears[1].samples + noise)
    verdict, _ = judge(ears, datagrams, Limits(stoi=0.95, pesq=3.0))
    assert [failure.split()[0] for failure in verdict["failures"]] == ["stoi", "pesq"]


def test_a_limit_on_what_is_not_known_fails() -> None:
    ears, _ = clean()
    verdict, _ = judge(ears, [], Limits(played_ratio=1.0))
    assert verdict["failures"] == ["played_ratio is not known, asked for was 1"]


def test_a_mishap_of_the_run_fails_it() -> None:
    ears, datagrams = clean()
    verdict, reports = judge(ears, datagrams)
    assert verdict["passed"] is True
    programme = Programme(axis(SECONDS), np.zeros(1, dtype=np.bool_), axis(SECONDS), [], ORIGIN_NS, 0.0, 9.0, 0.09)
    heard = Heard(programme, ears, "m", {}, ["node-01: its watchdog bit"])
    failed = make_verdict(Scenario(name="made", nodes=2), heard, reports)
    assert failed["passed"] is False
    assert failed["failures"] == ["node-01: its watchdog bit"]


def test_a_decoder_that_booms_after_a_loss_is_foreign_and_one_that_recovers_is_not() -> None:
    ears, datagrams = clean()
    index = round(LOUD_S / 0.02)
    for lost in (index, index + 1):
        datagrams[2 * lost] = replace(datagrams[2 * lost], left_ns=None)
    tone = np.sin(2 * np.pi * 150 * np.arange(round(0.08 * RATE)) / RATE)
    assert judge([changed(ears[0], LOUD_S, 0.08, 0.05 * tone), ears[1]], datagrams)[0]["foreign_ms"] == 0
    assert judge([changed(ears[0], LOUD_S, 0.08, 0.99 * tone), ears[1]], datagrams)[0]["foreign_ms"] >= 50


@pytest.mark.parametrize(("early_ms", "foreign"), [(44, False), (140, True)])
def test_a_frame_that_came_after_it_was_given_up_is_concealed(early_ms: int, foreign: bool) -> None:
    """A node gives a frame up some 50 ms before its instant; a packet that was early is no reason for other sound."""
    ears, datagrams = clean()
    index = round(LOUD_S / 0.02)
    for number in range(index, index + 5):
        sent = datagrams[2 * number]
        datagrams[2 * number] = replace(sent, left_ns=sent.entered_ns + round((DELAY_S - early_ms / 1000) * 1e9))
    hum = 0.05 * np.sin(2 * np.pi * 150 * np.arange(round(0.1 * RATE)) / RATE)
    verdict, _ = judge([changed(ears[0], LOUD_S, 0.1, hum), ears[1]], datagrams)
    assert (verdict["foreign_ms"] > 0) is foreign
    assert (verdict["frames"]["concealed"] > 0) is not foreign
    assert verdict["frames"]["late"] == 0


def test_a_decoder_that_begins_anew_after_silence_is_not_foreign() -> None:
    ears, datagrams = clean()
    muddled = changed(ears[0], LOUD_S - 0.2, 0.2, 0.0)
    hum = 0.05 * np.sin(2 * np.pi * 150 * np.arange(round(0.06 * RATE)) / RATE)
    assert judge([changed(muddled, LOUD_S, 0.06, hum), ears[1]], datagrams)[0]["foreign_ms"] == 0
    assert (
        judge([changed(muddled, LOUD_S, 0.4, np.resize(hum, round(0.4 * RATE))), ears[1]], datagrams)[0]["foreign_ms"]
        >= 150
    )
