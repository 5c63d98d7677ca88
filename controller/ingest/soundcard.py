"""A microphone or line input of this computer as a source, through PortAudio."""

import contextlib
import os
import queue
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from .errors import IngestError
from .output import RATE_HZ, Output, Samples
from .report import Report
from .request import SoundCardRequest
from .resample import LIVE, Resampler
from .signals import FadeIn, gain

BLOCK_MS = 10
SILENT_FOR_S = 3.0
"""A card that gives no block for so long was unplugged."""
_MAX_QUEUED_BLOCKS = 100
_JACK_FOLDER = Path(f"/dev/shm/jack_db-{os.getuid()}")
_JACK_MAKES_IT_IN_S = 5.0


def devices() -> list[dict[str, Any]]:
    """Return the inputs: name, host_api, channels, rate_hz, default. Raises IngestError without PortAudio."""
    portaudio = _portaudio()
    default = portaudio.default.device[0]
    apis = portaudio.query_hostapis()
    return [
        {
            "name": device["name"],
            "host_api": apis[device["hostapi"]]["name"],
            "channels": device["max_input_channels"],
            "rate_hz": int(device["default_samplerate"]),
            "default": index == default,
        }
        for index, device in enumerate(portaudio.query_devices())
        if device["max_input_channels"] > 0
    ]


def play(request: SoundCardRequest, output: Output, report: Report) -> None:
    """Write what the card records until the process is stopped; raises IngestError("no_device")."""
    with report.waiting():
        portaudio = _portaudio()
        device = _find(portaudio, request.device)
    blocks: queue.Queue[Samples] = queue.Queue(_MAX_QUEUED_BLOCKS)

    def take(data: np.ndarray, _frames: int, _time: object, status: Any) -> None:
        if status.input_overflow:
            report.detail["overflows"] = report.detail.get("overflows", 0) + 1
        try:
            blocks.put_nowait(data.mean(axis=1, dtype=np.float32))
        except queue.Full:
            report.detail["overflows"] = report.detail.get("overflows", 0) + 1

    stream, rate_hz = _open(portaudio, device, take)
    resampler = Resampler(rate_hz, LIVE)
    factor = gain(request.gain_db)
    fade = FadeIn()
    with stream:
        report.started()
        while True:
            try:
                with report.waiting():
                    samples = blocks.get(timeout=SILENT_FOR_S)
            except queue.Empty:
                raise IngestError(
                    "no_device",
                    f'the sound input "{device["name"]}" gives nothing any more; is it plugged in?',
                ) from None
            output.write(fade.apply(resampler.process(samples) * factor))


def _portaudio() -> ModuleType:
    forget_broken_jack(_JACK_FOLDER)
    try:
        import sounddevice
    except OSError:
        raise IngestError(
            "no_device", "the sound library is missing; run: sudo apt-get install libportaudio2"
        ) from None
    assert isinstance(sounddevice, ModuleType)
    return sounddevice


def forget_broken_jack(folder: Path) -> None:
    """Remove what a process left in `folder` that was killed while JACK, which PortAudio asks, made its database.

    The file that such a process leaves is empty, and everybody who opens it afterwards waits for most of a minute.
    """
    database = folder / "__db.001"
    with contextlib.suppress(OSError):
        found = database.stat()
        if found.st_size == 0 and time.time() - found.st_mtime > _JACK_MAKES_IT_IN_S:
            database.unlink()


def _find(portaudio: ModuleType, name: str | None) -> dict[str, Any]:
    try:
        found: dict[str, Any] = portaudio.query_devices(name, kind="input")
    except ValueError as error:
        if name is not None and "multiple" in str(error).lower():
            raise IngestError("no_device", f'several sound inputs are called "{name}"; give the full name') from None
        found = {}
    except portaudio.PortAudioError:
        found = {}
    if not found:
        names = ", ".join(f'"{device["name"]}"' for device in devices()) or "none"
        wanted = f'called "{name}"' if name else "at all"
        raise IngestError("no_device", f"there is no sound input {wanted}; there are: {names}")
    return found


def _open(portaudio: ModuleType, device: dict[str, Any], take: Any) -> tuple[Any, int]:
    """Return the stream, not yet running, and its rate: ours where the card can, else the card's own."""
    channels = min(2, device["max_input_channels"])
    problem: Exception | None = None
    for rate_hz in (RATE_HZ, int(device["default_samplerate"])):
        try:
            return (
                portaudio.InputStream(
                    samplerate=rate_hz,
                    blocksize=rate_hz * BLOCK_MS // 1000,
                    device=device["index"],
                    channels=channels,
                    dtype="float32",
                    latency="low",
                    callback=take,
                ),
                rate_hz,
            )
        except portaudio.PortAudioError as error:
            problem = error
    raise IngestError(
        "no_device",
        f'the sound input "{device["name"]}" cannot be opened ({problem}); is another program using it?',
    )
