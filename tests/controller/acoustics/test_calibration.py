"""A recording of sweeps tells when and how loud each horn was heard; one that cannot tell is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.wire.command import MAX_DELAY_US
from controller.acoustics import arrival
from controller.acoustics.calibration import CalibrationError, Measurement, measure, propose
from controller.acoustics.probe import RATE_HZ, SWEEP_S, Floats, Programme, sweep

LEVEL_NOISE = 0.01


def later(samples: Floats, delay_s: float, length: int) -> Floats:
    """Return `samples` a fraction of samples later, by turning its spectrum."""
    size = 1 << int(length + len(samples)).bit_length()
    spectrum = np.fft.rfft(samples, size) * np.exp(-2j * np.pi * np.fft.rfftfreq(size, 1 / RATE_HZ) * delay_s)
    return np.fft.irfft(spectrum, size)[:length]


def heard_alone(delay_s: float, gain: float, echo_s: float, echo: float, noise: float, seed: int) -> Floats:
    length = 3 * RATE_HZ
    direct = later(sweep(), delay_s, length)
    reflected = later(sweep(), delay_s + echo_s, length)
    return gain * (direct + echo * reflected) + noise * np.random.default_rng(seed).standard_normal(length)


@settings(max_examples=40, deadline=None)
@given(
    delay_s=st.floats(0.1, 1.5),
    gain_db=st.floats(-40, 0),
    echo_s=st.floats(0.001, 0.3),
    echo=st.floats(-0.6, 0.6),
    seed=st.integers(0, 1000),
)
def test_found_in_noise_with_an_echo(delay_s: float, gain_db: float, echo_s: float, echo: float, seed: int) -> None:
    gain = 10 ** (gain_db / 20)
    # As loud as the sweep itself, which is 0.2 RMS.
    recording = heard_alone(delay_s, gain, echo_s, echo, 0.2 * gain, seed)
    found = arrival.find(recording, sweep(), 0.0, 1.8)
    assert found.problem == ""
    assert found.at_s == pytest.approx(delay_s, abs=1e-4)
    assert found.level_db == pytest.approx(gain_db, abs=5)


@settings(max_examples=20, deadline=None)
@given(delay_s=st.floats(0.1, 1.5), echo_s=st.floats(0.002, 0.05), seed=st.integers(0, 1000))
def test_a_stronger_reflection_is_not_taken_for_the_horn(delay_s: float, echo_s: float, seed: int) -> None:
    found = arrival.find(heard_alone(delay_s, 0.1, echo_s, 1.5, 0.005, seed), sweep(), 0.0, 1.8)
    assert found.at_s == pytest.approx(delay_s, abs=1e-4)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), kind=st.sampled_from(["noise", "hum", "silence", "clicks", "down", "empty"]))
def test_garbage_is_refused(seed: int, kind: str) -> None:
    chance = np.random.default_rng(seed)
    length = 3 * RATE_HZ
    garbage = {
        "noise": 0.3 * chance.standard_normal(length),
        "hum": 0.3 * np.sin(2 * np.pi * chance.uniform(50, 4000) * np.arange(length) / RATE_HZ),
        "silence": np.zeros(length),
        "clicks": np.where(chance.random(length) < 1e-4, 1.0, 0.0),
        "down": later(sweep(rising=False), 0.5, length) + 1e-4 * chance.standard_normal(length),
        "empty": np.zeros(0),
    }[kind]
    assert arrival.find(garbage, sweep(), 0.0, 1.8).problem


def test_two_horns_at_once_are_refused() -> None:
    both = heard_alone(0.5, 0.1, 0.4, 0.9, 0.001, 1)
    assert "two horns" in arrival.find(both, sweep(), 0.0, 1.8).problem


def test_an_overloaded_microphone_is_refused() -> None:
    assert "too loud" in arrival.find(np.clip(heard_alone(0.5, 10, 0.01, 0, 0.01, 1), -1, 1), sweep(), 0.0, 1.8).problem


def record(
    programme: Programme,
    ways: dict[str, tuple[float, float]],
    ppm: float = 0.0,
    before_s: float = 1.7,
    wander_s: float = 0.0,
    noise: float = LEVEL_NOISE,
    seed: int = 1,
) -> Floats:
    """Return what a recorder hears whose crystal is `ppm` fast; ways: each node's ``(delay_s, gain)`` through air."""
    pace = 1 + ppm * 1e-6
    length = round((before_s + programme.duration_s + 4) * RATE_HZ)
    chance = np.random.default_rng(seed)
    total = noise * chance.standard_normal(length)
    for slot, node in enumerate(programme.slots):
        sound = sweep(rising=0 < slot < len(programme.slots) - 1)
        delay_s, gain = ways[node]
        at_s = (before_s + programme.start_s(slot) + programme.delays_us[node] / 1e6 + delay_s) * pace
        at_s += chance.uniform(-wander_s, wander_s)
        first = int(at_s * RATE_HZ)
        piece = gain * later(sound, at_s - first / RATE_HZ, len(sound) + RATE_HZ // 10)[: length - first]
        total[first : first + len(piece)] += piece
    return total


def differences(measurement: Measurement) -> dict[str, float]:
    least = min(each.late_s for each in measurement.nodes)
    return {each.node: each.late_s - least for each in measurement.nodes}


@settings(max_examples=12, deadline=None)
@given(
    ways=st.lists(st.tuples(st.floats(0.01, 0.5), st.floats(0.05, 0.3)), min_size=1, max_size=3),
    delays_us=st.lists(st.integers(0, 1_500_000), min_size=3, max_size=3),
    ppm=st.floats(-200, 200),
    before_s=st.floats(0, 5),
    rounds=st.integers(1, 2),
)
def test_the_distances_are_found(
    ways: list[tuple[float, float]], delays_us: list[int], ppm: float, before_s: float, rounds: int
) -> None:
    names = [f"cum-{number}" for number in range(len(ways))]
    programme = Programme(dict(zip(names, delays_us, strict=False)), rounds)
    by_name = dict(zip(names, ways, strict=True))
    measurement = measure(record(programme, by_name, ppm, before_s), programme)
    assert [each.problem for each in measurement.nodes] == [""] * len(ways)
    assert measurement.recorder_ppm == pytest.approx(ppm, abs=3)
    least_s = min(delay_s for delay_s, _ in ways)
    for name, found_s in differences(measurement).items():
        assert found_s == pytest.approx(by_name[name][0] - least_s, abs=1e-4)
    proposals = propose(measurement, dict.fromkeys(names, 0.0), 20.0)
    arrivals = [by_name[name][0] + each.delay_us / 1e6 for name, each in proposals.items()]
    assert max(arrivals) - min(arrivals) < 2e-4
    assert min(each.delay_us for each in proposals.values()) == 0
    quietest = min(gain for _, gain in ways)
    for name, each in proposals.items():
        assert by_name[name][1] * 10 ** (each.gain_db / 20) == pytest.approx(quietest, rel=0.05)


def test_the_programme_says_what_it_is() -> None:
    programme = Programme({"a": 0, "b": 1_200_000}, rounds=2)
    assert programme.slots == ["a", "a", "b", "a", "b", "a"]
    assert programme.slot_s == pytest.approx(4.2)
    sound = programme.samples()
    assert len(sound) == round(programme.duration_s * RATE_HZ)
    assert not np.any(sound[: round(programme.start_s(0) * RATE_HZ)])
    assert np.max(np.abs(sound)) <= 0.3
    assert programme.duration_s - programme.start_s(5) > SWEEP_S


def test_what_one_node_spoils_is_told_of_that_node() -> None:
    programme = Programme({"a": 0, "b": 0, "c": 0}, rounds=1)
    ways = {"a": (0.1, 0.2), "b": (0.2, 0.0), "c": (0.3, 0.2)}
    found = measure(record(programme, ways), programme)
    assert [bool(each.problem) for each in found.nodes] == [False, True, False]
    assert "not heard" in found.nodes[1].problem and "go nearer" in found.nodes[1].problem
    assert set(propose(found, {"a": 0.0, "b": 0.0, "c": 0.0})) == {"a", "c"}
    silent = measure(record(programme, {**ways, "b": (0.2, 0.2)}), programme, lost=frozenset({2}))
    assert "did not answer" in silent.nodes[1].problem


def test_a_node_that_is_not_in_time_is_refused() -> None:
    programme = Programme({"a": 0, "b": 0}, rounds=2)
    found = measure(record(programme, {"a": (0.1, 0.2), "b": (0.1, 0.2)}, wander_s=0.01), programme)
    assert any("round to round" in each.problem for each in found.nodes)


def test_a_recording_without_the_programme_is_refused() -> None:
    programme = Programme({"a": 0, "b": 0}, rounds=1)
    ways = {"a": (0.1, 0.2), "b": (0.2, 0.2), "c": (0.1, 0.2)}
    good = record(programme, ways)
    with pytest.raises(CalibrationError, match="begin it before the first sweep"):
        measure(good[: 8 * RATE_HZ], programme)
    noise = np.random.default_rng(1).standard_normal(len(good))
    for recording in (noise, np.zeros(len(good)), good[: 12 * RATE_HZ]):
        with pytest.raises(CalibrationError, match="not found in the recording"):
            measure(recording, programme)
    with pytest.raises(CalibrationError, match="not found in the recording"):
        measure(record(Programme({"a": 0, "b": 0, "c": 0}, rounds=1), ways), programme)
    with pytest.raises(CalibrationError, match="longer than"):
        measure(np.zeros(601 * RATE_HZ), programme)


def test_a_delay_is_not_greater_than_a_node_takes() -> None:
    programme = Programme({"a": MAX_DELAY_US, "b": 0}, rounds=1)
    assert programme.slot_s == 5.0
    found = measure(record(programme, {"a": (0.1, 0.2), "b": (0.5, 0.2)}), programme)
    assert propose(found, {"a": 0.0, "b": 0.0})["a"].delay_us == pytest.approx(400_000, abs=100)
