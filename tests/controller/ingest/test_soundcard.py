"""The local sound card, played by a PulseAudio of our own whose null sink is the microphone."""

import asyncio
import os
import subprocess
import time
from pathlib import Path

import pytest

from controller.ingest.events import Failed, Position
from controller.ingest.pool import IngestPool
from controller.ingest.request import SoundCardRequest
from controller.ingest.soundcard import forget_broken_jack
from tests.controller.ingest import media

pytestmark = pytest.mark.alone


async def test_what_is_played_is_recorded(sound_server: dict[str, str], tmp_path: Path) -> None:
    path = media.write(tmp_path / "a.wav", "pcm_s16le", media.sine(440, 8.0))
    async with IngestPool(warm=1) as pool:
        tapped = await media.tap(pool, SoundCardRequest())
        await tapped.ingest.wait_started()
        player = await asyncio.create_subprocess_exec("paplay", "--device=horn", str(path))
        try:
            await _sounding(tapped)
            before = len(tapped.samples())
            heard = (await tapped.until(before / 48000 + 3.0))[before:]
        finally:
            player.terminate()
            await player.wait()
        assert media.pitch_hz(heard) == pytest.approx(440, abs=2)
        assert media.rms(heard) == pytest.approx(0.25 / 2**0.5, rel=0.05)
        await tapped.ingest.stop()
        recording = await tapped.finish()
        assert any(isinstance(event, Position) for event in recording.events)


async def _sounding(tapped: media.Tap) -> None:
    """Return when the last tenth of a second of what came in is sound, not what was silent before."""
    async with asyncio.timeout(20):
        while not len(tail := tapped.samples()[-4800:]) or float(abs(tail[:480]).max()) < 0.1:
            await asyncio.sleep(0.02)


async def test_devices_are_listed_and_a_missing_one_is_told(sound_server: dict[str, str]) -> None:
    async with IngestPool(warm=1) as pool:
        devices = await pool.sound_cards()
        assert any(device["name"] == "default" for device in devices), devices
        assert sum(device["default"] for device in devices) == 1
        recording = await media.record(pool, SoundCardRequest(device="Micro phòng họp"))
    assert isinstance(recording.final, Failed)
    assert recording.final.code == "no_device"
    assert 'no sound input called "Micro phòng họp"; there are: ' in recording.final.text
    assert '"default"' in recording.final.text


async def test_a_card_that_goes_away_is_told(sound_server: dict[str, str]) -> None:
    async with IngestPool(warm=1) as pool:
        tapped = await media.tap(pool, SoundCardRequest())
        await tapped.until(0.5)
        subprocess.run(["pactl", "exit"], check=True)
        recording = await asyncio.wait_for(tapped.finish(), 20)
    assert isinstance(recording.final, Failed)
    assert recording.final.code in ("no_device", "crashed", "hung")


async def test_a_sound_library_that_gives_up_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = tmp_path / "asound.conf"
    empty.write_text("")
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(empty))
    async with IngestPool(warm=1) as pool:
        recording = await media.record(pool, SoundCardRequest())
    assert isinstance(recording.final, Failed)  # PortAudio 19.6 aborts the process without any configuration of ALSA
    assert recording.final.code in ("crashed", "no_device")


def test_what_a_killed_process_left_of_jack_is_removed(tmp_path: Path) -> None:
    database = tmp_path / "__db.001"
    forget_broken_jack(tmp_path)  # there is none
    database.write_bytes(b"")
    forget_broken_jack(tmp_path)
    assert database.exists()  # another process may be making it this very moment
    os.utime(database, (time.time() - 60, time.time() - 60))
    forget_broken_jack(tmp_path)
    assert not database.exists()
    database.write_bytes(b"a database")
    os.utime(database, (time.time() - 60, time.time() - 60))
    forget_broken_jack(tmp_path)
    assert database.exists()
