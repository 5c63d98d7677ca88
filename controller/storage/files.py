"""Files written so that a crash at any instant leaves the old one or the new one, whole."""

import asyncio
import hashlib
import os
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

from controller.errors import OversizeError

_BATCH_BYTES = 1024 * 1024


def write_atomically(path: Path, content: bytes, durable: bool = True, mode: int = 0o666) -> None:
    """Write `content` to `path`; readers see the old bytes or the new ones. `durable`: also after a power cut.

    mode: of the file, less what the umask takes.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with open(part, "wb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            file.write(content)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    if durable:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class SoundFolder:
    """Sound files of at most `max_bytes`, each named by the SHA-256 of its bytes."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        folder.mkdir(parents=True, exist_ok=True)
        for left_over in folder.glob(".part-*"):
            left_over.unlink(missing_ok=True)

    def path(self, sha256: str) -> Path:
        """Return where the file of this hash lies, whether it exists or not."""
        return self._folder / sha256

    async def receive(self, chunks: AsyncIterator[bytes]) -> tuple[Path, str, int]:
        """Store `chunks` in a file that is not kept yet; return it with its hash and size. Raises OversizeError."""
        part = self._folder / f".part-{secrets.token_hex(8)}"
        digest = hashlib.sha256()
        size_bytes = 0
        try:
            with part.open("wb") as file:
                pending = bytearray()
                async for chunk in chunks:
                    size_bytes += len(chunk)
                    if size_bytes > self._max_bytes:
                        raise OversizeError(
                            "too_large",
                            f"A sound may have at most {self._max_bytes // 1024 // 1024} MB.",
                            "Cut it, or store it as Opus or MP3.",
                        )
                    pending += chunk
                    if len(pending) >= _BATCH_BYTES:
                        digest.update(pending)
                        await asyncio.to_thread(file.write, bytes(pending))
                        pending.clear()
                digest.update(pending)
                file.write(pending)
                file.flush()
                await asyncio.to_thread(os.fsync, file.fileno())
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        return part, digest.hexdigest(), size_bytes

    async def keep(self, part: Path, sha256: str) -> Path:
        """Give a received file its final name, durably; return its path."""
        final = self.path(sha256)
        part.replace(final)
        await asyncio.to_thread(sync_folder, self._folder)
        return final

    def remove(self, sha256: str) -> None:
        """Remove the file of this hash if it exists."""
        self.path(sha256).unlink(missing_ok=True)
