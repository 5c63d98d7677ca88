"""A text as a source."""

import unicodedata
from pathlib import Path

import numpy as np

from .errors import IngestError
from .output import Output
from .request import TextRequest
from .voices import find_voice

_AUDIBLE = 0.003
"""-50 dB of full scale: speech is far above it, the noise of silence below."""
_BEFORE_SAMPLES = 480
"""10 ms: what of the silence in front is kept. Voices begin with much more, and a warning must not wait for it."""


def play(request: TextRequest, output: Output, voices_folder: Path | None) -> None:
    """Speak the text; raises IngestError when there is no such voice or it makes no sound of this text."""
    text = clean(request.text)
    heard = False
    held = []
    for block in find_voice(request.voice, voices_folder).speak(text, request.speed):
        if heard:
            output.write(block)
            continue
        held.append(block)
        heard = bool(len(block)) and float(np.abs(block).max()) > _AUDIBLE
        if heard:
            begin = np.concatenate(held)
            output.write(begin[max(0, int(np.argmax(np.abs(begin) > _AUDIBLE)) - _BEFORE_SAMPLES) :])
            held.clear()
    if not heard:
        raise IngestError(
            "unspeakable",
            f'the voice "{request.voice}" makes no sound of this text; write words of its language',
        )


def clean(text: str) -> str:
    """Return the text without what a voice takes for commands: control characters and phoneme brackets."""
    lines = unicodedata.normalize("NFC", text).replace("[[", "[ [").replace("]]", "] ]")
    return "".join(
        character if unicodedata.category(character)[0] != "C" or character == "\n" else " " for character in lines
    ).strip()
