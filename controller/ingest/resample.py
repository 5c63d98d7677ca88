"""Any rate, any number of channels, any sample format to 48 kHz mono float32."""

import av
import numpy as np
import soxr

from .errors import IngestError
from .output import RATE_HZ, Samples

LIVE = "LQ"
FILE = "HQ"

MIN_RATE_HZ = 4000
MAX_RATE_HZ = 768000
MAX_CHANNELS = 64
"""What a header may claim; beyond it the file is broken, or meant to make us allocate gigabytes."""
_CHUNK_FRAMES = 65536


class Resampler:
    """Streaming conversion of mono float32 from `rate_hz` to 48 kHz; quality is LIVE or FILE."""

    def __init__(self, rate_hz: int, quality: str) -> None:
        if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
            raise IngestError("no_sound", f"a sample rate of {rate_hz} Hz is not one of sound; convert the file first")
        self._stream = None
        if rate_hz != RATE_HZ:
            self._stream = soxr.ResampleStream(rate_hz, RATE_HZ, 1, dtype="float32", quality=quality)

    def process(self, samples: Samples, *, last: bool = False) -> Samples:
        """Return the samples at 48 kHz that are ready; `last` flushes what is still inside."""
        if self._stream is None:
            return samples
        parts: list[Samples] = []
        for start in range(0, max(1, len(samples)), _CHUNK_FRAMES):
            chunk = np.ascontiguousarray(samples[start : start + _CHUNK_FRAMES], dtype=np.float32)
            final = last and start + _CHUNK_FRAMES >= len(samples)
            parts.append(self._stream.resample_chunk(chunk, last=final))
        return parts[0] if len(parts) == 1 else np.concatenate(parts)


class FrameConverter:
    """Streaming conversion of decoded frames, whose format may change on the way, to 48 kHz mono."""

    def __init__(self, quality: str) -> None:
        self._quality = quality
        self._rate_hz = 0
        self._resampler: Resampler | None = None

    def process(self, frame: av.AudioFrame) -> Samples:
        """Return the samples that are ready after `frame`; raises IngestError for an impossible format."""
        mono = downmix(frame)
        before: Samples | None = None
        if self._resampler is None or frame.sample_rate != self._rate_hz:
            before = self.flush()
            self._rate_hz = frame.sample_rate
            self._resampler = Resampler(self._rate_hz, self._quality)
        after = self._resampler.process(mono)
        return after if before is None or not len(before) else np.concatenate((before, after))

    def flush(self) -> Samples:
        """Return what is still inside; the next frame begins afresh."""
        empty = np.zeros(0, np.float32)
        resampler, self._resampler = self._resampler, None
        return empty if resampler is None else resampler.process(empty, last=True)


def downmix(frame: av.AudioFrame) -> Samples:
    """Return the mean of all channels of `frame`, float32, full scale 1.0, at the frame's own rate."""
    channels = frame.layout.nb_channels
    if not 1 <= channels <= MAX_CHANNELS:
        raise IngestError("no_sound", f"sound of {channels} channels cannot be mixed; convert the file first")
    data = frame.to_ndarray()
    data = data if frame.format.is_planar else data.reshape(-1, channels).T
    if data.dtype == np.uint8:
        scaled = (data.astype(np.float32) - 128.0) * np.float32(1 / 128)
    elif np.issubdtype(data.dtype, np.integer):
        scaled = data.astype(np.float32) * np.float32(1.0 / (1 << (8 * data.dtype.itemsize - 1)))
    else:
        scaled = data.astype(np.float32, copy=False)
    return np.asarray(scaled[0] if channels == 1 else scaled.mean(axis=0), np.float32)
