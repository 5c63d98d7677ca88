"""Real media files and pipes for the tests of ingest."""

import asyncio
import os
import threading
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from controller.ingest.events import Event, Final
from controller.ingest.pool import IngestPool
from controller.ingest.request import Playable
from controller.ingest.running import Ingest

RATE_HZ = 48000
Samples = NDArray[np.float32]


def sine(frequency_hz: float, duration_s: float, rate_hz: int = RATE_HZ, peak: float = 0.25) -> Samples:
    """Return a sine, mono."""
    return (peak * np.sin(2 * np.pi * frequency_hz * np.arange(round(duration_s * rate_hz)) / rate_hz)).astype(
        np.float32
    )


def write(
    path: Path,
    codec: str,
    samples: Samples,
    rate_hz: int = RATE_HZ,
    channels: int = 1,
    *,
    video: bool = False,
) -> Path:
    """Encode `samples`, the same in every channel, into a file of the format of `path`'s suffix."""
    layout = {1: "mono", 2: "stereo", 6: "5.1"}[channels]
    with av.open(str(path), "w") as container:
        picture = container.add_stream("mpeg4", rate=25) if video else None
        if picture is not None:
            picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        stream = container.add_stream(codec, rate=rate_hz, layout=layout)
        if picture is not None:
            for number in range(25):
                image = av.VideoFrame.from_ndarray(np.full((48, 64, 3), number, np.uint8), "rgb24")
                container.mux(picture.encode(image.reformat(format="yuv420p")))
            container.mux(picture.encode(None))
        frame = av.AudioFrame.from_ndarray(np.tile(samples, (channels, 1)), "fltp", layout)
        frame.sample_rate = rate_hz
        fifo = av.AudioFifo()
        fifo.write(frame)
        resampler = av.AudioResampler(stream.format, layout, rate_hz)
        while block := fifo.read(stream.frame_size or 1024, partial=True):
            for converted in resampler.resample(block):
                container.mux(stream.encode(converted))
        container.mux(stream.encode(None))
    return path


@dataclass
class Recording:
    """What a source gave: samples, how it ended, its events."""

    samples: Samples
    final: Final
    events: list[Event]

    @property
    def duration_s(self) -> float:
        """Length of the samples."""
        return len(self.samples) / RATE_HZ


@dataclass
class Tap:
    """The reading end of a source's pipe, read by a thread as fast as it gives."""

    ingest: Ingest
    events: list[Event]
    data: bytearray = field(default_factory=bytearray)
    _thread: threading.Thread | None = None

    def begin(self, read_fd: int) -> None:
        """Read until the end of the pipe."""
        self._thread = threading.Thread(target=self._read, args=(read_fd,), daemon=True)
        self._thread.start()

    def samples(self) -> Samples:
        """Return what came so far."""
        whole = len(self.data) // 4 * 4
        return np.frombuffer(bytes(self.data[:whole]), "<f4")

    async def until(self, seconds: float, timeout_s: float = 30.0) -> Samples:
        """Return the samples once `seconds` of them have come."""
        async with asyncio.timeout(timeout_s):
            while len(self.data) < seconds * RATE_HZ * 4:
                await asyncio.sleep(0.02)
        return self.samples()

    async def finish(self) -> Recording:
        """Return the whole recording when the source has ended."""
        final = await self.ingest.wait()
        assert self._thread is not None
        await asyncio.to_thread(self._thread.join, 10)
        return Recording(self.samples(), final, self.events)

    def _read(self, fd: int) -> None:
        while chunk := os.read(fd, 65536):
            self.data += chunk
        os.close(fd)


async def tap(pool: IngestPool, request: Playable) -> Tap:
    """Start a source and read its pipe."""
    read_fd, write_fd = os.pipe()
    events: list[Event] = []
    tapped = Tap(await pool.start(request, write_fd, events.append), events)
    tapped.begin(read_fd)
    return tapped


async def record(pool: IngestPool, request: Playable) -> Recording:
    """Return all that a source gives."""
    return await (await tap(pool, request)).finish()


def pitch_hz(samples: Samples) -> float:
    """Return the strongest frequency."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * RATE_HZ / len(samples))


def rms(samples: Samples) -> float:
    """Return the root mean square."""
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
