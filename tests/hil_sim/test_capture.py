"""Captures on the true-time axis: exact in time to less than a microsecond, whatever the crystal."""

import struct
from pathlib import Path

import numpy as np
import pytest

from hil_sim.capture import CaptureError, Run, lay, read_runs, write_runs
from hil_sim.resampling import interpolate
from hil_sim.signals import RATE, moving_rms, read_wav, spans, write_wav

ORIGIN_NS = 5_000_000_000_000


@pytest.mark.parametrize("frequency_hz", [100, 1000, 8000, 16000, 20000])
def test_interpolation_is_true_between_samples(frequency_hz: int) -> None:
    tone = np.sin(2 * np.pi * frequency_hz * np.arange(RATE) / RATE)
    positions = np.arange(200, RATE - 300, dtype=np.float64) * 1.00005 + 0.37
    ideal = np.sin(2 * np.pi * frequency_hz * positions / RATE)
    assert np.sqrt(np.mean((interpolate(tone, positions) - ideal) ** 2)) < 10 ** (-85 / 20)


def test_interpolation_outside_is_silence() -> None:
    assert np.all(interpolate(np.ones(100), np.array([-1e9, -60.0, 160.0, 1e9])) == 0.0)


@pytest.mark.parametrize("ppm", [-200.0, -50.0, 0.0, 50.0])
def test_samples_lie_where_the_crystal_put_them(tmp_path: Path, ppm: float) -> None:
    rate_hz, frequency_hz, delay_s = RATE * (1 + ppm * 1e-6), 997.0, 0.0123456
    emitted = 0.5 * np.sin(2 * np.pi * frequency_hz * np.arange(5 * RATE) / rate_hz)
    path = tmp_path / "node.capture"
    write_runs(path, [Run(ORIGIN_NS + round(delay_s * 1e9), rate_hz, emitted)])
    track = lay(read_runs(path), ORIGIN_NS, 6 * RATE)
    true_s = np.arange(6 * RATE) / RATE - delay_s
    inside = slice(RATE, 4 * RATE)
    ideal = 0.5 * np.sin(2 * np.pi * frequency_hz * true_s[inside])
    error = track.samples[inside] - ideal
    worst_s = np.max(np.abs(error)) / (0.5 * 2 * np.pi * frequency_hz)
    assert worst_s < 1e-6 + 2 / 32768 / (0.5 * 2 * np.pi * frequency_hz)
    assert spans(track.covered) == [(round(np.ceil(delay_s * RATE)), pytest.approx(5 * RATE + 593, abs=60))]


def test_records_that_meet_are_one_run_and_a_pause_divides(tmp_path: Path) -> None:
    path = tmp_path / "c"
    block = np.full(480, 0.25)
    stamps = [0, 10_000_000, 20_000_900, 40_000_000]
    write_runs(path, [Run(ORIGIN_NS + stamp, RATE, block) for stamp in stamps])
    runs = read_runs(path)
    assert [len(run.samples) for run in runs] == [1440, 480]
    track = lay(runs, ORIGIN_NS, 4800)
    assert spans(~track.covered) == [(1441, 1920), (2400, 4800)]  # 900 ns late is past the sample's instant


def test_a_clock_that_is_slewed_makes_no_clicks(tmp_path: Path) -> None:
    """The media clock may run 200 ppm fast: blocks of 20 ms then stand 4 us further apart each."""
    path = tmp_path / "c"
    tone = 0.5 * np.sin(2 * np.pi * 500 * np.arange(RATE * 2) / RATE)
    runs = [Run(ORIGIN_NS + round(k * 20_000_000 * 1.0002), RATE, tone[k * 960 : (k + 1) * 960]) for k in range(100)]
    write_runs(path, runs)
    assert len(read_runs(path)) == 1
    samples = lay(read_runs(path), ORIGIN_NS, 2 * RATE).samples
    true = 0.5 * np.sin(2 * np.pi * 500 * np.arange(2 * RATE) / RATE / 1.0002)
    assert np.max(np.abs(samples - true)[100:-1100]) < 3e-4


def test_true_instants_that_jitter_move_a_run_but_never_bend_it(tmp_path: Path) -> None:
    """What the engine writes: blocks evenly stamped, each after an empty record of when it was really begun."""
    path = tmp_path / "c"
    tone = 0.5 * np.sin(2 * np.pi * 500 * np.arange(RATE) / RATE)
    random = np.random.default_rng(1)
    early_ns = np.round(3_000_000 + random.normal(0, 300_000, 100)).astype(int)
    early_ns[10:14] = -40_000_000  # the machine was busy
    early_ns[40:42] = 9_000_000
    with path.open("wb") as file:
        for k in range(100):
            stamp_ns = ORIGIN_NS + 20_000_000 + k * 10_000_000
            file.write(struct.pack("<qII", stamp_ns - early_ns[k], 0, RATE * 1000))
            file.write(struct.pack("<qII", stamp_ns, 480, RATE * 1000))
            file.write(np.round(tone[k * 480 : (k + 1) * 480] * 32768).astype("<i2").tobytes())
    (run,) = read_runs(path)
    assert run.first_ns == ORIGIN_NS + 20_000_000 - round(np.median(early_ns))
    assert len(run.samples) == RATE
    samples = lay([run], ORIGIN_NS, 2 * RATE).samples
    true_s = np.arange(2 * RATE) / RATE - (run.first_ns - ORIGIN_NS) / 1e9
    true = 0.5 * np.sin(2 * np.pi * 500 * true_s)
    inside = slice(2000, RATE)
    assert np.max(np.abs(samples - true)[inside]) < 3e-4


def test_a_torn_end_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "c"
    write_runs(path, [Run(ORIGIN_NS, RATE, np.full(480, 0.5))])
    whole = path.read_bytes()
    for size in (0, 5, 15, 16, 17, 116, len(whole) - 1):
        path.write_bytes(whole[:size])
        assert sum(len(run.samples) for run in read_runs(path)) == max(size - 16, 0) // 2


def test_what_is_no_capture_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c"
    path.write_bytes(b"RIFF" * 20)
    with pytest.raises(CaptureError, match=r"byte 0 is no record's header"):
        read_runs(path)
    assert read_runs(tmp_path / "absent") == []


def test_wav_goes_round(tmp_path: Path) -> None:
    samples = np.array([0.0, 0.5, -1.0, 32767 / 32768, 2.0])
    write_wav(tmp_path / "a.wav", samples)
    assert read_wav(tmp_path / "a.wav") == pytest.approx([0.0, 0.5, -1.0, 32767 / 32768, 32767 / 32768])


def test_spans_and_levels() -> None:
    assert spans(np.array([True, False, True, True])) == [(0, 1), (2, 4)]
    assert spans(np.zeros(3, dtype=np.bool_)) == []
    assert moving_rms(np.full(100, 0.5), 10)[50] == pytest.approx(0.5)
