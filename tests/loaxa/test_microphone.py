"""What is recorded is whole, or it is said what to do."""

import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from controller.acoustics import arrival
from controller.acoustics.calibration import MOST_MINUTES
from controller.acoustics.probe import RATE_HZ, sweep
from controller.ingest import soundcard
from controller.ingest.errors import IngestError
from hil_sim.signals import write_wav
from loaxa.errors import CommandError
from loaxa.microphone import Microphone, read


class Stream:
    """A sound card that the test feeds; it begins with 10 ms of silence, or is dead."""

    dead = False

    def __init__(self, **settings: Any) -> None:
        if settings["device"] == "none":
            raise ValueError("No input device matching 'none'")
        self.take = settings["callback"]

    def start(self) -> None:
        if not self.dead:
            self.take(np.zeros((480, 1), dtype=np.float32), 480, None, Status(False))

    def close(self) -> None:
        pass


class Status:
    def __init__(self, input_overflow: bool) -> None:
        self.input_overflow = input_overflow


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soundcard, "devices", lambda: [{"name": "USB Audio"}])
    monkeypatch.setattr("sounddevice.InputStream", Stream)


@pytest.mark.usefixtures("card")
def test_everything_is_kept() -> None:
    with Microphone(None) as microphone:
        for level in (0.1, 0.2):
            microphone._take(np.full((480, 1), level, dtype=np.float32), 480, None, Status(False))
    assert microphone.recording() == pytest.approx(np.repeat([0.0, 0.1, 0.2], 480))


@pytest.mark.usefixtures("card")
def test_a_gap_is_told() -> None:
    with Microphone(None) as microphone:
        microphone._take(np.zeros((480, 1), dtype=np.float32), 480, None, Status(True))
    with pytest.raises(CommandError, match="lost 1 pieces of the recording"):
        microphone.recording()


@pytest.mark.usefixtures("card")
def test_a_card_that_was_pulled_out_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with Microphone(None) as microphone:
        now_s = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: now_s + 5.0)
    with pytest.raises(CommandError, match="is it plugged in"):
        microphone.recording()


@pytest.mark.usefixtures("card")
def test_a_card_that_gives_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stream, "dead", True)
    monkeypatch.setattr("loaxa.microphone._FIRST_WITHIN_S", 0.1)
    with pytest.raises(CommandError, match="is it plugged in"), Microphone(None):
        pass


@pytest.mark.usefixtures("card")
def test_no_card(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match=r'There are: "USB Audio"\. Choose one with --device'):
        Microphone("none")

    def missing() -> None:
        raise IngestError("no_device", "the sound library is missing; run: sudo apt-get install libportaudio2")

    monkeypatch.setattr(soundcard, "devices", missing)
    with pytest.raises(CommandError, match=r"sound library is missing.*--play-only"):
        Microphone(None)


def test_a_recording_that_cannot_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match="is no file"):
        read(tmp_path / "none.wav")
    (tmp_path / "text.wav").write_text("no sound")
    with pytest.raises(CommandError, match=r"cannot be used.*WAV"):
        read(tmp_path / "text.wav")
    write_wav(tmp_path / "long.wav", np.zeros(2 * RATE_HZ))
    assert len(read(tmp_path / "long.wav")) == 2 * RATE_HZ
    monkeypatch.setattr("loaxa.microphone.MOST_SAMPLES", RATE_HZ)
    with pytest.raises(CommandError, match=f"longer than {MOST_MINUTES} minutes"):
        read(tmp_path / "long.wav")


@pytest.mark.usefixtures("sound_server")
def test_what_sounds_is_recorded(tmp_path: Path) -> None:
    import sounddevice

    sounddevice._terminate()  # it saw which cards there are when it was imported
    sounddevice._initialize()
    write_wav(tmp_path / "sweep.wav", sweep())
    with Microphone(None) as microphone:
        subprocess.run(["paplay", "--device=horn", str(tmp_path / "sweep.wav")], check=True)
        time.sleep(0.5)
    recording = microphone.recording()
    found = arrival.find(recording, sweep(), 0.0, len(recording) / RATE_HZ)
    assert found.problem == ""
    assert found.level_db == pytest.approx(0.0, abs=1.0)
