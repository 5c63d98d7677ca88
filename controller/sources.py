"""From what a client asks for to a pipe that sounds: stored sounds become files, pushed samples a pipe of our own."""

import asyncio
import fcntl
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from controller.errors import UnavailableError, UnusableError
from controller.ingest.errors import IngestError
from controller.ingest.events import Event, Failed
from controller.ingest.loudness import Measured
from controller.ingest.pool import IngestPool
from controller.ingest.request import (
    ChimeRequest,
    FileSource,
    MicrophoneRequest,
    Playable,
    PushRequest,
    SoundRequest,
    SourceRequest,
    Stored,
    TextRequest,
    ToneRequest,
)
from controller.ingest.running import Ingest
from controller.pushed import PushPipe
from controller.sounds import Sounds

PIPE_BYTES = 64 * 1024
"""A third of a second of samples."""
PUSH_PIPE_BYTES = 16 * 1024
"""85 ms: a voice that is pushed live must not wait long in its pipe."""
WHY_S = 1.0
VOICES = ("vi", "vi-vn-x-central", "vi-vn-x-south")


class Closing(Protocol):
    """Something that is closed."""

    async def close(self) -> None:
        """Close it."""


@dataclass
class RunningSource:
    """A source that writes into the pipe whose reading end is `read_fd`: a child, what is pushed through `pushed`, or a
    microphone (controller.microphones)."""

    read_fd: int
    ingest: Ingest | None = None
    pushed: PushPipe | None = None
    microphone: Closing | None = None

    async def why_ended(self) -> str:
        """Return what went wrong, in words, or empty when the source came to its proper end."""
        if self.ingest is None:
            return ""
        try:
            async with asyncio.timeout(WHY_S):
                final = await self.ingest.wait()
        except TimeoutError:
            return ""
        return final.text if isinstance(final, Failed) else ""

    async def stop(self) -> None:
        """End it; its reading end is another's to close."""
        if self.pushed:
            self.pushed.close()
        if self.ingest:
            await self.ingest.stop()
        if self.microphone:
            await self.microphone.close()


class Sources:
    """Makes sources run in the children of `pool`."""

    def __init__(self, pool: IngestPool, sounds: Sounds, loudness_lufs: float, voices_folder: Path) -> None:
        self._pool = pool
        self._voices_folder = voices_folder
        self._sounds = sounds
        self._loudness_lufs = loudness_lufs

    async def resolve(self, source: SourceRequest) -> Playable | PushRequest:
        """Return what can be played for what was asked for; raises NotFoundError for a sound that is not there."""
        if not isinstance(source, SoundRequest):
            return source
        sound = await self._sounds.get(source.sound)
        measured = Measured(sound.duration_s, sound.loudness_lufs, sound.true_peak_db)
        return FileSource(
            path=(await self._sounds.path(source.sound)).absolute(),
            gain_db=max(-100.0, measured.gain_db(self._loudness_lufs)),
            start_us=source.start_us,
        )

    async def run(self, playable: Playable | PushRequest, failed: Callable[[str], None]) -> RunningSource:
        """Start it; `failed` is told in words when it cannot go on. Raises UnavailableError without a child."""
        read_fd, write_fd = make_pipe(PUSH_PIPE_BYTES if isinstance(playable, PushRequest) else PIPE_BYTES)
        if isinstance(playable, PushRequest):
            return RunningSource(read_fd, pushed=PushPipe(write_fd))

        def on_event(event: Event) -> None:
            if isinstance(event, Failed):
                failed(event.text)

        try:
            return RunningSource(read_fd, ingest=await self._pool.start(playable, write_fd, on_event))
        except BaseException as error:
            os.close(read_fd)
            if not isinstance(error, IngestError):
                raise
            raise UnavailableError("no_source", error.message, error.hint) from None

    def voices(self) -> list[str]:
        """Return the voices that texts can be spoken with: those that are always there, then Piper's files."""
        return [*VOICES, *(f"piper:{model.stem}" for model in sorted(self._voices_folder.glob("*.onnx")))]

    async def sound_cards(self) -> list[dict[str, Any]]:
        """Return the sound inputs of this computer."""
        try:
            return await self._pool.sound_cards()
        except IngestError as error:
            raise UnavailableError("no_sound_cards", error.message, error.hint) from None


async def measure(pool: IngestPool, path: Path) -> Measured:
    """Return the measurement of a file; raises UnusableError for what is no sound."""
    try:
        return await pool.measure(path)
    except IngestError as error:
        raise UnusableError(error.code, error.message, error.hint) from None


def resumed(source: Stored, elapsed_us: int) -> SourceRequest | None:
    """Return `source` from where it should be `elapsed_us` after its beginning; None when it cannot be taken up."""
    if isinstance(source, PushRequest | MicrophoneRequest):
        return None
    if isinstance(source, SoundRequest | TextRequest):
        return source.model_copy(update={"start_us": source.start_us + elapsed_us})
    if isinstance(source, ToneRequest):
        left_ms = source.duration_ms - elapsed_us // 1000
        return source.model_copy(update={"duration_ms": left_ms}) if left_ms >= 20 else None
    if isinstance(source, ChimeRequest) and elapsed_us:
        return None
    return source


def make_pipe(size: int) -> tuple[int, int]:
    """Return the reading and the writing end of a pipe that holds `size` bytes."""
    read_fd, write_fd = os.pipe()
    try:
        fcntl.fcntl(write_fd, fcntl.F_SETPIPE_SZ, size)
    except OSError:
        os.close(read_fd)
        os.close(write_fd)
        raise
    return read_fd, write_fd
