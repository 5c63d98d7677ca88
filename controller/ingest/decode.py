"""Container and codec to 48 kHz mono, with what hostile or broken data may do written down in one place."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import av
import av.container
from av.error import FFmpegError

from .errors import IngestError
from .output import RATE_HZ, Samples
from .resample import FILE, FrameConverter

FILE_FORMATS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,eac3,flac,flv,matroska,mov,mp3,mp4,mpc,mpc8,mpeg,mpegts,"
    "ogg,rm,tta,voc,w64,wav,webm,wv"
)
"""Containers that hold their own sound; playlists and descriptions (hls, concat, sdp) name other files."""
STREAM_FORMATS = "aac,asf,flac,hls,matroska,mov,mp3,mp4,mpegts,ogg,wav,webm"
MAX_BAD_PACKETS = 200
"""Consecutive packets that do not decode; after that nothing more is expected of the data."""

_NO_SOUND = "this file holds no sound that can be read: {}; use a WAV, MP3, M4A, OGG or FLAC file"


@contextlib.contextmanager
def open_file(path: Path) -> Iterator[av.container.InputContainer]:
    """Give the opened file; raises IngestError("not_found") or ("no_sound")."""
    with contextlib.ExitStack() as opened:
        yield _open(path, opened)


def _open(path: Path, opened: contextlib.ExitStack) -> av.container.InputContainer:
    try:
        if path.stat().st_size == 0:
            raise no_sound("it is empty")
        # Handed over as an open file, with no protocol allowed: whatever is named inside cannot be opened.
        file = opened.enter_context(path.open("rb"))
        options = {"protocol_whitelist": "none", "format_whitelist": FILE_FORMATS}
        return opened.enter_context(av.open(file, mode="r", container_options=options))
    except FileNotFoundError:
        raise IngestError("not_found", f"the sound file {path.name} is gone; upload it again") from None
    except FFmpegError as error:
        raise no_sound(reason(error)) from None
    except (IsADirectoryError, PermissionError) as error:
        raise IngestError("not_found", f"the sound file {path.name} cannot be opened: {error.strerror}") from None


def no_sound(detail: str) -> IngestError:
    """Return the error for a file that cannot be played."""
    return IngestError("no_sound", _NO_SOUND.format(detail))


def reason(error: FFmpegError) -> str:
    """Return FFmpeg's words for what went wrong, without path and number."""
    return (error.strerror or type(error).__name__).rstrip(".").lower()


def first_audio(container: av.container.InputContainer) -> av.AudioStream:
    """Return the first audio stream; raises IngestError("no_sound")."""
    if not container.streams.audio:
        kinds = sorted({stream.type for stream in container.streams})
        raise no_sound(f"it has only {' and '.join(kinds)}" if kinds else "it is empty")
    stream = container.streams.audio[0]
    stream.codec_context.thread_count = 1  # the limits were made for the memory and time of one
    return stream


def frames(
    container: av.container.InputContainer, stream: av.AudioStream, *, tolerate_read_errors: bool = True
) -> Iterator[av.AudioFrame]:
    """Yield decoded frames; broken packets are skipped, a container that breaks off ends like one that ends.

    Errors of reading (a network that is gone) are raised when `tolerate_read_errors` is False.
    """
    bad = 0
    packets = container.demux(stream)
    while bad < MAX_BAD_PACKETS:
        try:
            packet = next(packets)
        except (StopIteration, EOFError):
            return
        except FFmpegError:
            if not tolerate_read_errors:
                raise
            return
        try:
            decoded = packet.decode()
        except EOFError:
            return
        except (FFmpegError, ValueError):
            bad += 1
            continue
        for frame in decoded:
            bad = 0
            if frame.samples and frame.sample_rate:
                yield frame


def samples_of(
    container: av.container.InputContainer, start_us: int, quality: str, *, tolerate_read_errors: bool = True
) -> Iterator[Samples]:
    """Yield the sound of an opened container from `start_us` on; nothing when that lies behind its end."""
    stream = first_audio(container)
    offset_s = float((stream.start_time or 0) * (stream.time_base or 0))
    if start_us:
        try:
            container.seek(start_us + int(offset_s * 1_000_000))
        except FFmpegError:  # no index, or behind the end: decode from the beginning and leave away
            container.seek(0)
    converter = FrameConverter(quality)
    for frame in frames(container, stream, tolerate_read_errors=tolerate_read_errors):
        skip_s = 0.0
        if start_us and frame.time is not None:
            skip_s = start_us / 1_000_000 - (frame.time - offset_s)
        samples = converter.process(frame)
        if skip_s > 0:
            samples = samples[round(skip_s * RATE_HZ) :]
        if len(samples):
            yield samples
    tail = converter.flush()
    if len(tail):
        yield tail


def file_samples(path: Path, start_us: int = 0) -> Iterator[Samples]:
    """Yield the sound of a file from `start_us` on; raises IngestError when the file holds no sound."""
    heard = False
    with open_file(path) as container:
        for samples in samples_of(container, start_us, FILE):
            heard = True
            yield samples
    if not heard and not start_us:
        raise no_sound("none of it can be decoded")
