"""Voices: each turns a text into blocks of 48 kHz mono samples. A new kind: a class, a line in VOICES."""

import os
import select
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from .errors import IngestError
from .output import Samples
from .resample import FILE, Resampler
from .signals import gain

SILENT_FOR_S = 15.0
"""A voice that gives nothing for so long hangs."""
_READ_BYTES = 8192


class Voice(Protocol):
    """Speaks texts at a level near -16 LUFS."""

    def speak(self, text: str, speed: float) -> Iterator[Samples]:
        """Yield the speech block by block; `speed` 1.0 is the voice's own. Raises IngestError."""


class EspeakVoice:
    """espeak-ng in a process of its own, which inherits this one's limits."""

    _WORDS_PER_MINUTE = 175
    _GAIN_DB = 3.0
    """Brings espeak-ng's Vietnamese voices to -16 LUFS, within 1.5 LU; peaks of +3 dB are the limiter's."""
    _HEADER_BYTES = 44

    def __init__(self, language: str) -> None:
        self._language = language

    def speak(self, text: str, speed: float) -> Iterator[Samples]:
        """Yield the speech as espeak-ng makes it; the text is never an argument."""
        words_per_minute = str(round(self._WORDS_PER_MINUTE * speed))
        command = ["espeak-ng", "-v", self._language, "-s", words_per_minute, "--stdin", "--stdout"]
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                restore_signals=False,  # SIGXFSZ stays ignored: espeak-ng's PulseAudio client trips on it
            )
        except FileNotFoundError:
            raise IngestError(
                "voice_missing", "espeak-ng is not installed; run: sudo apt-get install espeak-ng"
            ) from None
        with process:
            try:
                yield from self._stream(process, text)
            finally:
                process.kill()

    def _stream(self, process: subprocess.Popen[bytes], text: str) -> Iterator[Samples]:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            process.stdin.write(text.encode())
            process.stdin.close()
        except BrokenPipeError:  # it died: what it says below is the reason
            pass
        pending = b""
        resampler: Resampler | None = None
        factor = gain(self._GAIN_DB)
        while chunk := _read(process.stdout.fileno()):
            pending += chunk
            if resampler is None:
                if len(pending) < self._HEADER_BYTES:
                    continue
                resampler = Resampler(int.from_bytes(pending[24:28], "little"), FILE)
                pending = pending[self._HEADER_BYTES :]
            whole = len(pending) & ~1
            speech = np.frombuffer(pending[:whole], "<i2").astype(np.float32) * np.float32(1 / 32768)
            pending = pending[whole:]
            yield resampler.process(speech) * factor
        if resampler is not None:
            yield resampler.process(np.zeros(0, np.float32), last=True) * factor
        complaint = _last_words(process.stderr.read(2000).decode(errors="replace"))
        if process.wait() != 0:
            raise IngestError(
                "voice_missing",
                f'the voice "{self._language}" does not speak ({complaint or process.returncode}); '
                "choose another, espeak-ng --voices lists them",
            )


class PiperVoice:
    """A neural voice from a local Piper file (<name>.onnx with <name>.onnx.json beside it)."""

    _GAIN_DB = 0.0

    def __init__(self, model: Path) -> None:
        self._model = model

    def speak(self, text: str, speed: float) -> Iterator[Samples]:
        """Yield the speech sentence by sentence."""
        try:
            from piper import PiperVoice as Model
            from piper import SynthesisConfig
        except ImportError:
            raise IngestError(
                "voice_missing",
                "Piper is not installed; run: pip install 'loaxa[piper]', or choose the voice vi",
            ) from None
        if not self._model.is_file():
            raise IngestError(
                "voice_missing",
                f"there is no voice file {self._model.name}; put it into the folder of voices",
            )
        model = self._load(Model.load)
        resampler: Resampler | None = None
        for chunk in model.synthesize(text, SynthesisConfig(length_scale=1.0 / speed)):
            if resampler is None:
                resampler = Resampler(chunk.sample_rate, FILE)
            yield resampler.process(chunk.audio_float_array.astype(np.float32)) * gain(self._GAIN_DB)
        if resampler is not None:
            yield resampler.process(np.zeros(0, np.float32), last=True) * gain(self._GAIN_DB)

    def _load(self, load: Callable[[Path], Any]) -> Any:
        try:
            return load(self._model)
        except MemoryError:
            raise
        except Exception as error:  # whatever its libraries find wrong with the two files
            name = self._model.name
            raise IngestError(
                "voice_failed",
                f"the voice file {name} cannot be read ({type(error).__name__}); "
                f"put {name} and {name}.json as Piper gives them into the folder of voices",
            ) from None


VOICES: dict[str, Callable[[str, Path | None], Voice]] = {
    "": lambda name, _folder: EspeakVoice(name),
    "piper": lambda name, folder: PiperVoice(_in_folder(folder, name)),
}
"""The part of a voice's name before the colon, and what makes the voice of the part behind it."""


def find_voice(name: str, folder: Path | None) -> Voice:
    """Return the voice called `name`; `folder` holds voice files. Raises IngestError("voice_missing")."""
    kind, _, own_name = name.rpartition(":")
    make = VOICES.get(kind)
    if make is None:
        raise IngestError("voice_missing", f'there is no kind of voice "{kind}"; choose vi')
    return make(own_name, folder)


def _in_folder(folder: Path | None, name: str) -> Path:
    if folder is None:
        raise IngestError("voice_missing", "no folder of voices is configured; choose the voice vi")
    return folder / f"{name}.onnx"


def _last_words(complaint: str) -> str:
    """Return the last line of what espeak-ng wrote, without what its PulseAudio client says of our limits."""
    lines = [line for line in complaint.splitlines() if line.strip() and not line.startswith("ftruncate()")]
    return lines[-1].removeprefix("Error: ").strip().rstrip(".") if lines else ""


def _read(fd: int) -> bytes:
    ready, _, _ = select.select([fd], [], [], SILENT_FOR_S)
    if not ready:
        raise IngestError("voice_failed", f"the voice said nothing for {SILENT_FOR_S:.0f} s; try a shorter text")
    return os.read(fd, _READ_BYTES)
