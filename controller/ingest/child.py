"""The child process: takes one job from the pool, makes sound of it or measures it, and ends."""

import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

from . import confine
from .errors import IngestError
from .output import Output, OutputClosedError
from .report import Report
from .request import (
    ChimeRequest,
    FileSource,
    Playable,
    RtpRequest,
    SoundCardRequest,
    StreamRequest,
    TextRequest,
    ToneRequest,
    parse_playable,
)

JOB = b"J"
"""Comes first, alone, with the pipe's file descriptor if the job has one; a line of JSON follows."""
MAX_JOB_BYTES = 1 << 20
NICE_MEASURING = 10


def main() -> None:
    """Run one job. Arguments: file descriptor of the control socket, process id of the parent."""
    confine.die_with(int(sys.argv[2]))
    control = socket.socket(fileno=int(sys.argv[1]))
    import av.logging  # the libraries are loaded before there is a job, so that a job starts at once

    from . import chime, file, loudness, microphone, radio, rtp_input, soundcard, speech, tone  # noqa: F401 - a job needs one of them

    av.logging.set_level(None)
    confine.limit()
    report = Report(control)
    report.send("ready")
    job, fd = _receive(control)
    report.send("taken")
    if not _needs_files(job):
        confine.write_no_file()
    report.start_beating()
    try:
        _run(job, fd, report)
        report.send("ended")
    except OutputClosedError:
        report.send("ended")
    except IngestError as error:
        report.send("failed", code=error.code, text=error.text)
    except MemoryError:
        report.send("failed", code="too_large", text="this source needs more memory than it may have; is it broken?")
    control.shutdown(socket.SHUT_WR)
    os._exit(0)  # libraries' threads and exit handlers have nothing to do here, and might hang


def _receive(control: socket.socket) -> tuple[dict[str, Any], int | None]:
    start, fds, _, _ = socket.recv_fds(control, 1, 1)
    if start != JOB:  # the pool closed the socket: this warm child is not needed
        os._exit(0)
    line = control.makefile("rb").readline(MAX_JOB_BYTES)
    return json.loads(line), fds[0] if fds else None


def _needs_files(job: dict[str, Any]) -> bool:
    """Return whether the job is one for the sound card, which is nobody's hostile data."""
    kind = job["source"]["kind"] if job["op"] == "play" else job["op"]
    return kind in ("soundcard", "sound_cards")


def _run(job: dict[str, Any], fd: int | None, report: Report) -> None:
    from . import loudness, microphone, soundcard

    match job["op"]:
        case "play":
            assert fd is not None
            voices = job["voices"]
            _play(parse_playable(job["source"]), fd, report, Path(voices) if voices else None)
        case "microphone":
            assert fd is not None
            output = Output(fd, report, live=True)
            microphone.play(str(job["offer"]), int(job["open_at_us"]), output, report)
            output.close()
        case "measure":
            os.nice(NICE_MEASURING)
            measured = loudness.measure(Path(job["path"]), report)
            report.send("result", value=measured.to_json())
        case "sound_cards":
            with report.waiting():
                found = soundcard.devices()
            report.send("result", value=found)


def _play(source: Playable, fd: int, report: Report, voices_folder: Path | None) -> None:
    from . import chime, file, radio, rtp_input, soundcard, speech, tone

    start_us = getattr(source, "start_us", 0)
    skip_us = start_us if isinstance(source, TextRequest) else 0
    output = Output(fd, report, live=source.live, start_us=start_us - skip_us, skip_us=skip_us)
    match source:
        case FileSource():
            file.play(source, output)
        case TextRequest():
            speech.play(source, output, voices_folder)
        case ChimeRequest():
            chime.play(source, output)
        case ToneRequest():
            tone.play(source, output)
        case StreamRequest():
            radio.play(source, output, report)
        case SoundCardRequest():
            soundcard.play(source, output, report)
        case RtpRequest():
            rtp_input.play(source, output, report)
    output.close()


if __name__ == "__main__":
    main()
