"""Loudness against the standard's own signals and pyloudnorm's whole-file measurement."""

from pathlib import Path

import numpy as np
import pyloudnorm
import pytest

from controller.engine.limiter import CEILING, Limiter
from controller.ingest import loudness
from controller.ingest.errors import IngestError
from controller.ingest.loudness import Measured, measure_blocks
from controller.ingest.pool import IngestPool
from controller.ingest.request import FileSource
from tests.controller.ingest import media


def _pieces(samples: media.Samples, size: int = 1777) -> list[media.Samples]:
    return [samples[start : start + size] for start in range(0, len(samples), size)]


def test_a_tone_of_the_standard() -> None:
    # EBU Tech 3341 case 1: 1 kHz at -23 dBFS in both channels is -23 LUFS; one channel of it is 3 dB less.
    samples = media.sine(1000, 20.0, peak=10 ** (-23 / 20))
    assert measure_blocks(_pieces(samples)).loudness_lufs == pytest.approx(-26.0, abs=0.1)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_block_by_block_equals_the_whole(seed: int) -> None:
    random = np.random.default_rng(seed)
    steps = np.repeat(random.choice([0.0, 0.002, 0.02, 0.2], 60), 24000)
    samples = (random.standard_normal(len(steps)) * steps).astype(np.float32)
    expected = pyloudnorm.Meter(48000).integrated_loudness(samples.astype(np.float64))
    assert measure_blocks(_pieces(samples)).loudness_lufs == pytest.approx(expected, abs=0.05)


def test_true_peak_is_between_the_samples() -> None:
    # EBU Tech 3341 case 16: a quarter of the rate at 45 degrees; the samples themselves stay 3 dB below.
    samples = (0.5 * np.sin(np.pi / 2 * np.arange(96000) + np.pi / 4)).astype(np.float32)
    assert measure_blocks(_pieces(samples)).true_peak_db == pytest.approx(-6.0, abs=0.4)


def test_gain_is_towards_the_target_and_capped() -> None:
    assert Measured(1.0, -20.0, -10.0).gain_db() == pytest.approx(4.0)
    assert Measured(1.0, -20.0, -10.0).gain_db(target_lufs=-23.0) == pytest.approx(-3.0)
    assert Measured(1.0, -30.0, -3.0).gain_db() == pytest.approx(9.0)
    assert Measured(1.0, -60.0, -50.0).gain_db() == loudness.MAX_GAIN_DB
    assert Measured(1.0, -5.0, 3.0).gain_db() == pytest.approx(-11.0)


async def test_one_clap_does_not_make_speech_quiet(pool: IngestPool, tmp_path: Path) -> None:
    speech = media.sine(1000, 5.0, peak=10 ** (-25 / 20))
    speech[48_000:48_048] = 0.9
    path = media.write(tmp_path / "a.wav", "pcm_s16le", speech, 48000, 1)
    measured = await pool.measure(path)
    assert measured.loudness_lufs == pytest.approx(-28.0, abs=1.0)
    gain_db = measured.gain_db()
    assert gain_db == pytest.approx(6.0, abs=1.5), "not the -1 dB that would leave it 13 dB too quiet"
    played = (await media.record(pool, FileSource(path=path, gain_db=gain_db))).samples
    assert float(np.abs(played).max()) > 1.4, "nothing is clipped on the way to the limiter"
    limiter = Limiter(960, 1)
    blocks = []
    for start in range(0, len(played) // 960 * 960, 960):
        limiter.incoming[0] = played[start : start + 960] * 32767
        blocks.append(limiter.limit()[0].copy())
    assert float(np.abs(np.concatenate(blocks)).max()) <= CEILING * 1.0001


def test_a_sound_shorter_than_a_block() -> None:
    assert -30 < measure_blocks([media.sine(1000, 0.1)]).loudness_lufs < -10


def test_silence_is_told() -> None:
    with pytest.raises(IngestError, match="only silence"):
        measure_blocks([np.zeros(96000, np.float32)])


def test_too_long_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loudness, "MAX_HOURS", 0)
    with pytest.raises(IngestError, match="cut it into parts"):
        measure_blocks([media.sine(1000, 1.0)])


async def test_files_through_the_pool(pool: IngestPool, tmp_path: Path) -> None:
    path = media.write(tmp_path / "a.m4a", "aac", media.sine(1000, 5.0, 44100), 44100, 2)
    measured = await pool.measure(path)
    assert measured.duration_s == pytest.approx(5.0, abs=0.1)
    assert measured.loudness_lufs == pytest.approx(-15.05, abs=0.3)
    assert measured.true_peak_db == pytest.approx(-12.0, abs=0.7)
    text = tmp_path / "text.mp3"
    text.write_text("không phải âm thanh\n" * 1000)
    with pytest.raises(IngestError, match="this file holds no sound that can be read") as caught:
        await pool.measure(text)
    assert caught.value.code == "no_sound"
    with pytest.raises(IngestError, match="upload it again"):
        await pool.measure(tmp_path / "gone")
