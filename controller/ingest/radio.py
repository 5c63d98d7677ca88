"""A stream or a file on a web server as a source: connects again when it breaks, and says so."""

import errno
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import av
import av.container
from av import error as av_error
from av.error import FFmpegError

from .decode import STREAM_FORMATS, reason, samples_of
from .errors import IngestError
from .output import RATE_HZ, Output, Samples
from .report import Report
from .request import StreamRequest
from .resample import LIVE
from .signals import FadeIn, gain

OPEN_TIMEOUT_S = 10.0
MAX_REDIRECTS = 4
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 15.0
STEADY_S = 10.0
"""A connection that gave sound for so long was a good one: the next pause is a short one again."""
_END_TOLERANCE_US = 1_000_000

_HOPELESS = (
    av_error.HTTPBadRequestError,
    av_error.HTTPUnauthorizedError,
    av_error.HTTPForbiddenError,
    av_error.HTTPNotFoundError,
    av_error.HTTPOtherClientError,
    av_error.InvalidDataError,
    av_error.ProtocolNotFoundError,
    av_error.DemuxerNotFoundError,
    av_error.DecoderNotFoundError,
    av_error.ArgumentError,
    av_error.PermissionError,
)
"""At the first connection: trying again would not help, the person should know at once."""


def play(request: StreamRequest, output: Output, report: Report) -> None:
    """Write the stream's sound until it ends by itself; raises IngestError when it cannot be had at all."""
    _Radio(request, output, report).run()


class _Radio:
    def __init__(self, request: StreamRequest, output: Output, report: Report) -> None:
        self._request = request
        self._output = output
        self._report = report
        self._host = urlsplit(request.url).hostname or ""
        self._frames = 0
        self._factor = gain(request.gain_db)

    def run(self) -> None:
        begun_s = time.monotonic()
        pause_s = FIRST_PAUSE_S
        while True:
            connected_s = time.monotonic()
            try:
                if self._listen():
                    return
                cause = "the server closed the stream"
            except FFmpegError as error:
                if not self._frames and isinstance(error, _HOPELESS):
                    raise IngestError("unreachable", self._refused(error)) from None
                cause = self._cause(error)
            now_s = time.monotonic()
            if not self._frames and now_s - begun_s >= self._request.patience_s:
                raise IngestError("unreachable", f"{self._host} gives no sound: {cause}; check the address")
            if now_s - connected_s > STEADY_S and self._frames:
                pause_s = FIRST_PAUSE_S
            self._report.send("reconnecting", reason=cause)
            with self._report.waiting():
                time.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _listen(self) -> bool:
        """Write what one connection gives; return whether that was the end. Raises FFmpegError."""
        with self._report.waiting():
            container = self._connect()
        with container:
            total_us = container.duration if container.duration and container.duration > 0 else None
            resume_us = self._position_us() if total_us else 0
            blocks = samples_of(container, resume_us, LIVE, tolerate_read_errors=False)
            fade = FadeIn()
            before = self._frames
            for samples in self._cushioned(blocks):
                self._frames += len(samples)
                self._output.write(fade.apply(samples * self._factor))
        if total_us is None:
            return False
        # Where a second try gives nothing either, the rest is not there: a refused or missing part of a playlist.
        return self._position_us() >= total_us - _END_TOLERANCE_US or (resume_us > 0 and self._frames == before)

    def _connect(self) -> av.container.InputContainer:
        return av.open(
            self._request.url,
            mode="r",
            timeout=(OPEN_TIMEOUT_S, self._request.stall_ms / 1000),
            container_options={
                # Holds for every address inside a playlist and every redirect, too: no file: and no others.
                "protocol_whitelist": "http,https,tcp,tls,crypto,httpproxy",
                "format_whitelist": STREAM_FORMATS,
                "max_redirects": str(MAX_REDIRECTS),
                "max_reload": "4",
                "user_agent": "loaxa",
            },
        )

    def _cushioned(self, blocks: Iterator[Samples]) -> Iterator[Samples]:
        held: list[Samples] = []
        missing = RATE_HZ * self._request.cushion_ms // 1000
        while True:
            with self._report.waiting():
                samples = next(blocks, None)
            if samples is None:
                yield from held
                return
            held.append(samples)
            missing -= len(samples)
            if missing <= 0:
                yield from held
                held.clear()

    def _position_us(self) -> int:
        return self._frames * 1_000_000 // RATE_HZ

    def _cause(self, error: FFmpegError) -> str:
        if isinstance(error, av_error.ExitError | av_error.TimeoutError):
            return f"no data for {self._request.stall_ms / 1000:g} s" if self._frames else "the server does not answer"
        if isinstance(error, av_error.ConnectionRefusedError):
            return "the server refuses the connection"
        if error.errno == errno.EIO:
            return "the connection broke off" if self._frames else "the server cannot be reached or breaks off"
        return reason(error)

    def _refused(self, error: FFmpegError) -> str:
        if isinstance(error, av_error.HTTPNotFoundError):
            return f"{self._host} has nothing at this address (404); check the address"
        if isinstance(error, av_error.HTTPUnauthorizedError | av_error.HTTPForbiddenError):
            return f"{self._host} does not let us listen ({reason(error)}); ask its operator for another address"
        return f"what {self._host} sends is no sound that can be played ({reason(error)}); check the address"
