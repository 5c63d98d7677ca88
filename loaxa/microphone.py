"""The microphone of this computer, and recordings that another one made, as 48 kHz mono samples."""

import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from controller.acoustics.calibration import MOST_MINUTES
from controller.acoustics.probe import RATE_HZ, Floats
from controller.ingest import soundcard
from controller.ingest.decode import file_samples
from controller.ingest.errors import IngestError
from loaxa.errors import CommandError

USE_RECORDER = "Or record with another device, such as a phone: --play-only, and then --recording FILE."
MOST_SAMPLES = MOST_MINUTES * 60 * RATE_HZ
_FIRST_WITHIN_S = 5.0
"""A sound server that slept takes two."""
_MISSING_S = 1.0
_SILENT = f"The sound input gives nothing; is it plugged in? {USE_RECORDER}"


class Microphone:
    """Records from the beginning of a with block to its end. device: number, name or part of it, None for the default.

    Raises CommandError where there is none, or nothing comes from it.
    """

    def __init__(self, device: str | None) -> None:
        try:
            inputs = soundcard.devices()  # says what to do where the sound library is missing
        except IngestError as error:
            raise CommandError(f"{error.message} {USE_RECORDER}") from None
        import sounddevice

        self._blocks: list[Floats] = []
        self._samples = 0
        self._gaps = 0
        self._lock = threading.Lock()
        self._first = threading.Event()
        self._began_s = 0.0
        self._lasted_s = 0.0
        try:
            index = int(device) if device and device.isdecimal() else device
            self._stream: Any = sounddevice.InputStream(
                samplerate=RATE_HZ, device=index, channels=1, dtype="float32", latency="high", callback=self._take
            )
        except (sounddevice.PortAudioError, ValueError) as error:
            names = ", ".join(f'"{each["name"]}"' for each in inputs) or "none"
            raise CommandError(
                f"The sound input {device or 'of this computer'} cannot be opened ({error}). There are: {names}. "
                f"Choose one with --device. {USE_RECORDER}"
            ) from None

    def __enter__(self) -> "Microphone":
        import sounddevice

        try:
            self._stream.start()
        except sounddevice.PortAudioError as error:
            self._stream.close()
            raise CommandError(f"The sound input does not start ({error}). {USE_RECORDER}") from None
        if not self._first.wait(_FIRST_WITHIN_S):  # what is played is to be heard from its beginning
            self._stream.close()
            raise CommandError(_SILENT)
        self._began_s = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lasted_s = time.monotonic() - self._began_s
        self._stream.close()

    def recording(self) -> Floats:
        """Return what was recorded in the with block; raises CommandError where some of it was lost."""
        with self._lock:
            if self._gaps:
                raise CommandError(
                    f"This computer lost {self._gaps} pieces of the recording, so times cannot be taken from it. "
                    f"Close other programs and measure again. {USE_RECORDER}"
                )
            if self._samples < (self._lasted_s - _MISSING_S) * RATE_HZ:
                raise CommandError(_SILENT)
            return np.concatenate([np.zeros(0), *self._blocks])

    def _take(self, data: Any, _frames: int, _time: object, status: Any) -> None:
        with self._lock:
            self._gaps += bool(status.input_overflow)
            if self._samples <= MOST_SAMPLES:
                self._blocks.append(np.array(data[:, 0], dtype=np.float64))
            self._samples += len(data)
        self._first.set()


def read(path: Path) -> Floats:
    """Return the sound of a file of any format, MOST_MINUTES at most; raises CommandError."""
    if not path.is_file():
        raise CommandError(f"{path} is no file.")
    pieces: list[Floats] = []
    samples = 0
    try:
        for piece in file_samples(path):
            pieces.append(piece.astype(np.float64))
            samples += len(piece)
            if samples > MOST_SAMPLES:  # a small file may hold hours of silence
                raise CommandError(f"{path} is longer than {MOST_MINUTES} minutes; cut it to the sweeps.")
    except IngestError as error:
        raise CommandError(f"{path} cannot be used: {error.message} {error.hint}") from None
    return np.concatenate([np.zeros(0), *pieces])
