"""Samples that come from outside by HTTP into a session's pipe, at the pace of whoever reads it."""

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Literal

import numpy as np

SampleFormat = Literal["s16", "f32"]
_SAMPLE_BYTES = {"s16": 2, "f32": 4}
MAX_SAMPLE = 8.0
"""+18 dB: the mixer's limiter deals with it; more is a mistake of the sender."""


class PushPipe:
    """The writing end of a pipe, owned; the pipe is small, so that a live voice does not wait in it."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self.taken = False
        self._free = asyncio.Event()
        os.set_blocking(fd, False)

    async def pour(self, chunks: AsyncIterator[bytes], sample_format: SampleFormat) -> bool:
        """Write all of `chunks`; False when nobody reads the pipe any more. A trailing part of a sample is dropped."""
        rest = b""
        async for chunk in chunks:
            data = rest + chunk
            whole = len(data) // _SAMPLE_BYTES[sample_format] * _SAMPLE_BYTES[sample_format]
            rest = data[whole:]
            if not await self._write(to_f32(data[:whole], sample_format)):
                return False
        return True

    def close(self) -> None:
        """End of the source."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            asyncio.get_running_loop().remove_writer(fd)
            os.close(fd)
        self._free.set()

    async def _write(self, data: bytes) -> bool:
        left = memoryview(data)
        while left:
            if self._fd < 0:
                return False
            try:
                left = left[os.write(self._fd, left) :]
            except BlockingIOError:
                await self._writable()
            except BrokenPipeError:
                return False
        return True

    async def _writable(self) -> None:
        loop, fd = asyncio.get_running_loop(), self._fd
        self._free.clear()
        loop.add_writer(fd, self._free.set)
        try:
            await self._free.wait()
        finally:
            if self._fd == fd:
                loop.remove_writer(fd)


def to_f32(data: bytes, sample_format: SampleFormat) -> bytes:
    """Return whole samples as float32 little-endian; what is not a number becomes silence."""
    if sample_format == "s16":
        return (np.frombuffer(data, "<i2").astype("<f4") / np.float32(32768)).tobytes()
    samples = np.nan_to_num(np.frombuffer(data, "<f4"), nan=0.0, posinf=MAX_SAMPLE, neginf=-MAX_SAMPLE)
    return bytes(np.clip(samples, -MAX_SAMPLE, MAX_SAMPLE).astype("<f4"))
