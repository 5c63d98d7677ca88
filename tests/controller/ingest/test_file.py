"""Files of many formats, good and bad, through a real child."""

import struct
from pathlib import Path

import numpy as np
import pytest

from controller.ingest.events import Ended, Failed, Started
from controller.ingest.pool import IngestPool
from controller.ingest.request import FileSource
from tests.controller.ingest import media


@pytest.mark.parametrize(
    ("name", "codec", "rate_hz", "channels"),
    [
        ("a.wav", "pcm_s16le", 44100, 2),
        ("a.wav", "pcm_u8", 8000, 1),
        ("a.wav", "pcm_s24le", 96000, 6),
        ("a.wav", "pcm_f32le", 48000, 1),
        ("a.mp3", "libmp3lame", 44100, 2),
        ("a.ogg", "libopus", 48000, 2),
        ("a.m4a", "aac", 44100, 2),
        ("a.flac", "flac", 32000, 1),
    ],
)
async def test_formats(pool: IngestPool, tmp_path: Path, name: str, codec: str, rate_hz: int, channels: int) -> None:
    path = media.write(tmp_path / name, codec, media.sine(440, 1.5, rate_hz), rate_hz, channels)
    heard = await media.record(pool, FileSource(path=path))
    assert heard.final == Ended()
    assert Started() in heard.events
    assert heard.duration_s == pytest.approx(1.5, abs=0.08)
    middle = heard.samples[12000:60000]
    assert media.pitch_hz(middle) == pytest.approx(440, abs=2)
    assert media.rms(middle) == pytest.approx(0.25 / np.sqrt(2), rel=0.05)


async def test_video_gives_its_sound(pool: IngestPool, tmp_path: Path) -> None:
    path = media.write(tmp_path / "a.mp4", "aac", media.sine(440, 1.0), video=True)
    heard = await media.record(pool, FileSource(path=path))
    assert heard.final == Ended()
    assert media.pitch_hz(heard.samples[12000:36000]) == pytest.approx(440, abs=3)


async def test_gain(pool: IngestPool, tmp_path: Path) -> None:
    path = media.write(tmp_path / "a.wav", "pcm_f32le", media.sine(440, 1.0))
    heard = await media.record(pool, FileSource(path=path, gain_db=-20.0))
    assert media.rms(heard.samples) == pytest.approx(0.025 / np.sqrt(2), rel=0.01)


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.wav", "pcm_s16le"),
        ("a.mp3", "libmp3lame"),
        ("a.flac", "flac"),
        ("a.m4a", "aac"),
        ("a.ogg", "libopus"),
    ],
)
async def test_goes_on_in_the_middle(pool: IngestPool, tmp_path: Path, name: str, codec: str) -> None:
    sweep = np.sin(np.cumsum(2 * np.pi * np.linspace(200, 2000, 6 * 48000) / 48000)).astype(np.float32) * 0.25
    path = media.write(tmp_path / name, codec, sweep)
    whole = await media.record(pool, FileSource(path=path))
    part = await media.record(pool, FileSource(path=path, start_us=4_000_000))
    assert part.duration_s == pytest.approx(whole.duration_s - 4.0, abs=0.06)
    expected_hz = media.pitch_hz(whole.samples[5 * 48000 : 5 * 48000 + 4800])
    assert media.pitch_hz(part.samples[48000 : 48000 + 4800]) == pytest.approx(expected_hz, abs=21)
    assert abs(float(part.samples[0])) < 0.001  # faded in


async def test_behind_the_end_is_the_end(pool: IngestPool, tmp_path: Path) -> None:
    path = media.write(tmp_path / "a.wav", "pcm_s16le", media.sine(440, 1.0))
    heard = await media.record(pool, FileSource(path=path, start_us=60_000_000))
    assert (heard.final, len(heard.samples)) == (Ended(), 0)


async def test_truncated_files_play_what_they_hold(pool: IngestPool, tmp_path: Path) -> None:
    for name, codec in (
        ("a.mp3", "libmp3lame"),
        ("a.wav", "pcm_s16le"),
        ("a.ogg", "libopus"),
        ("a.flac", "flac"),
    ):
        path = media.write(tmp_path / name, codec, media.sine(440, 4.0))
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])
        heard = await media.record(pool, FileSource(path=path))
        assert heard.final == Ended(), name
        assert 1.0 < heard.duration_s < 3.5, name


def _bomb(rate_hz: int = 48000, channels: int = 1) -> bytes:
    """A WAV of four samples whose header claims 4 GiB."""
    block = 2 * channels
    fmt = struct.pack("<HHIIHH", 1, channels, rate_hz, rate_hz * block & 0xFFFFFFFF, block & 0xFFFF, 16)
    claimed = struct.pack("<I", 0xFFFFFF00)
    return b"RIFF" + claimed + b"WAVEfmt " + struct.pack("<I", 16) + fmt + b"data" + claimed + b"\1\0" * 4


PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("text.mp3", "Kính thưa bà con, đây không phải là âm thanh.\n".encode() * 500),
        ("empty.wav", b""),
        ("zeros.mp3", bytes(100_000)),
        ("noise.wav", np.random.default_rng(1).bytes(100_000)),
        ("cut.m4a", b"\0\0\0\x18ftypM4A \0\0\0\0M4A isom\0\0\0\0\xff\xff\xff\xffmoov"),
        ("rate.wav", _bomb(rate_hz=1)),
        ("list.m3u8", PLAYLIST.encode()),
        ("list.mp3", PLAYLIST.encode()),
        ("concat.txt", b"ffconcat version 1.0\nfile /etc/passwd\n"),
        ("describe.sdp", b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n"),
    ],
)
async def test_what_is_no_sound_says_so(pool: IngestPool, tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    heard = await media.record(pool, FileSource(path=path))
    assert isinstance(heard.final, Failed)
    assert heard.final.code == "no_sound"
    assert len(heard.samples) == 0


async def test_a_header_that_claims_gigabytes_plays_what_is_there(pool: IngestPool, tmp_path: Path) -> None:
    path = tmp_path / "bomb.wav"
    path.write_bytes(_bomb())
    heard = await media.record(pool, FileSource(path=path))
    assert (heard.final, len(heard.samples)) == (Ended(), 4)


async def test_a_picture_has_no_sound(pool: IngestPool, tmp_path: Path) -> None:
    path = tmp_path / "silent.mp4"
    with media.av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        frame = media.av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), "rgb24")
        container.mux(stream.encode(frame.reformat(format="yuv420p")))
        container.mux(stream.encode(None))
    heard = await media.record(pool, FileSource(path=path))
    assert isinstance(heard.final, Failed)
    assert heard.final.text.startswith("this file holds no sound that can be read: it has only video")


async def test_a_file_that_is_gone(pool: IngestPool, tmp_path: Path) -> None:
    heard = await media.record(pool, FileSource(path=tmp_path / "gone.wav"))
    assert heard.final == Failed("not_found", "the sound file gone.wav is gone; upload it again")


async def test_not_a_number_is_silence(pool: IngestPool, tmp_path: Path) -> None:
    samples = media.sine(440, 0.5)
    samples[1000:1010] = np.nan
    samples[2000:2010] = np.inf
    path = media.write(tmp_path / "a.wav", "pcm_f32le", samples)
    heard = await media.record(pool, FileSource(path=path))
    assert np.isfinite(heard.samples).all()
    assert float(np.abs(heard.samples).max()) <= 8.0
    assert not heard.samples[1000:1010].any()
