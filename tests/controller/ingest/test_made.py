"""Sources that are made here: speech, chime, tone."""

import json
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from controller.ingest import speech, voices
from controller.ingest.errors import IngestError
from controller.ingest.events import Ended, Failed
from controller.ingest.loudness import measure_blocks
from controller.ingest.pool import IngestPool
from controller.ingest.request import ChimeRequest, TextRequest, ToneRequest
from controller.ingest.speech import clean
from tests.controller.ingest import media

BULLETIN = (
    "Kính thưa bà con! Đây là đài truyền thanh xã. Theo dự báo, chiều nay có mưa to và gió mạnh; "
    "bà con nên đưa gia súc vào chuồng và không ra đồng. Xin cảm ơn."
)


async def test_tone_begins_and_ends_without_a_click(pool: IngestPool) -> None:
    heard = await media.record(pool, ToneRequest(frequency_hz=997.0, duration_ms=500, level_db=-6.0))
    assert heard.final == Ended()
    assert heard.duration_s == pytest.approx(0.5)
    assert media.pitch_hz(heard.samples) == pytest.approx(997, abs=2)
    assert float(np.abs(heard.samples).max()) == pytest.approx(10 ** (-6 / 20), rel=0.01)
    assert abs(float(heard.samples[0])) < 1e-6
    assert abs(float(heard.samples[-1])) < 1e-6
    assert float(np.abs(np.diff(heard.samples)).max()) < 0.5 * 2 * np.pi * 997 / 48000 * 1.05


@pytest.mark.parametrize("name", ["open", "close", "alert"])
async def test_chime(pool: IngestPool, name: str) -> None:
    heard = await media.record(pool, ChimeRequest.model_validate({"name": name}))
    assert heard.final == Ended()
    assert 2.0 < heard.duration_s < 5.0
    assert 0.3 < float(np.abs(heard.samples).max()) < 0.8
    assert abs(float(heard.samples[0])) < 1e-4
    assert abs(float(heard.samples[-1])) < 1e-4
    assert -22 < measure_blocks([heard.samples]).loudness_lufs < -12


@pytest.mark.parametrize("voice", ["vi", "vi-vn-x-central", "vi-vn-x-south"])
async def test_speech_is_near_the_target(pool: IngestPool, voice: str) -> None:
    heard = await media.record(pool, TextRequest(text=BULLETIN, voice=voice))
    assert heard.final == Ended()
    assert 8 < heard.duration_s < 30
    measured = measure_blocks([heard.samples])
    print(f"{voice}: {measured}")
    assert measured.loudness_lufs == pytest.approx(-16.0, abs=1.5)
    assert np.argmax(np.abs(heard.samples) > 0.003) <= 480, "a warning must not wait for a voice's silence"


async def test_speed_and_start(pool: IngestPool) -> None:
    whole = await media.record(pool, TextRequest(text=BULLETIN))
    fast = await media.record(pool, TextRequest(text=BULLETIN, speed=1.5))
    assert fast.duration_s < whole.duration_s * 0.8
    rest = await media.record(pool, TextRequest(text=BULLETIN, start_us=5_000_000))
    assert rest.duration_s == pytest.approx(whole.duration_s - 5.0, abs=0.01)


async def test_the_longest_text_begins_to_sound_at_once(pool: IngestPool) -> None:
    text = (BULLETIN + "\n") * 200
    tapped = await media.tap(pool, TextRequest(text=text[:20000]))
    await tapped.until(60.0)
    await tapped.ingest.stop()
    await tapped.finish()


async def test_a_voice_that_is_missing(pool: IngestPool) -> None:
    heard = await media.record(pool, TextRequest(text="Xin chào", voice="xx-none"))
    assert isinstance(heard.final, Failed)
    assert heard.final.code == "voice_missing"
    assert re.fullmatch(
        r'the voice "xx-none" does not speak \([^\n]*voice[^\n]*\); choose another, espeak-ng --voices lists them',
        heard.final.text,
    )
    assert "ftruncate" not in heard.final.text, "what its sound library says of our limits is no one's concern"


async def test_piper_without_its_package_or_file(pool: IngestPool) -> None:
    heard = await media.record(pool, TextRequest(text="Xin chào", voice="piper:vi-nu"))
    assert isinstance(heard.final, Failed)
    assert heard.final.code == "voice_missing"
    assert "choose the voice vi" in heard.final.text


class _Mute:
    def speak(self, text: str, speed: float) -> Iterator[media.Samples]:
        yield np.full(4800, 0.001, np.float32)


def test_a_voice_of_another_kind_that_makes_no_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(voices.VOICES, "mute", lambda _name, _folder: _Mute())
    request = TextRequest.model_construct(text="Xin chào", voice="mute:a", speed=1.0, start_us=0)
    with pytest.raises(IngestError, match="makes no sound of this text; write words") as caught:
        speech.play(request, None, None)
    assert caught.value.code == "unspeakable"


def test_piper_speaks_from_its_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With piper's own interface (1.3 and 1.4); a voice of it is too large for a test."""
    asked = []

    class Model:
        @staticmethod
        def load(path: Path) -> "Model":
            assert path == tmp_path / "vi.onnx"
            return Model()

        def synthesize(self, text: str, config: SimpleNamespace) -> Iterator[SimpleNamespace]:
            asked.append((text, config.length_scale))
            yield SimpleNamespace(sample_rate=22050, audio_float_array=media.sine(440, 1.0, 22050))

    module = SimpleNamespace(PiperVoice=Model, SynthesisConfig=SimpleNamespace)
    monkeypatch.setitem(sys.modules, "piper", module)
    (tmp_path / "vi.onnx").touch()
    spoken = np.concatenate(list(voices.find_voice("piper:vi", tmp_path).speak("Xin chào", 2.0)))
    assert asked == [("Xin chào", 0.5)]
    assert media.pitch_hz(spoken) == pytest.approx(440, abs=2)
    with pytest.raises(IngestError, match="there is no voice file other"):
        list(voices.find_voice("piper:other", tmp_path).speak("Xin chào", 1.0))


def test_a_voice_file_that_is_no_voice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Model:
        @staticmethod
        def load(path: Path) -> None:
            json.loads(path.read_text())

    monkeypatch.setitem(sys.modules, "piper", SimpleNamespace(PiperVoice=Model, SynthesisConfig=SimpleNamespace))
    (tmp_path / "bad.onnx").write_text("no voice")
    with pytest.raises(IngestError) as caught:
        list(voices.find_voice("piper:bad", tmp_path).speak("Xin chào", 1.0))
    assert caught.value.code == "voice_failed"
    assert caught.value.message == "The voice file bad.onnx cannot be read (JSONDecodeError)."
    assert caught.value.hint == "Put bad.onnx and bad.onnx.json as Piper gives them into the folder of voices."


def test_commands_of_the_voice_are_taken_out() -> None:
    assert clean("a\x01 [[b]] \x00<tag>\nc\t") == "a  [ [b] ]  <tag>\nc"


@pytest.fixture(autouse=True)
def _espeak() -> None:
    assert shutil.which("espeak-ng"), "run: sudo apt-get install espeak-ng"
