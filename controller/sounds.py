"""The sound store: files that were checked to be sound, measured once, played by hash."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from sqlalchemy import func, select

from controller.audit import change as changes
from controller.clock import wall_us
from controller.errors import ConflictError, NotFoundError
from controller.ingest.loudness import Measured
from controller.storage.database import Database
from controller.storage.files import SoundFolder
from controller.storage.tables import Sound


class Sounds:
    """Sound files, of `total_bytes` together, and what is known of them.

    `measure` raises ControllerError for what is no sound.
    """

    def __init__(
        self,
        database: Database,
        folder: SoundFolder,
        measure: Callable[[Path], Awaitable[Measured]],
        total_bytes: int,
    ) -> None:
        self._database = database
        self._folder = folder
        self._measure = measure
        self._total_bytes = total_bytes
        self._changing = asyncio.Lock()

    async def add(self, chunks: AsyncIterator[bytes], title: str) -> tuple[Sound, bool]:
        """Store what `chunks` hold; return it and whether it is new.

        Raises UnusableError, OversizeError, and ConflictError when there is no room for it beside the others.
        """
        part, sha256, size_bytes = await self._folder.receive(chunks)
        changes.about(sha256, title=title, size_bytes=size_bytes)
        try:
            known = await self._find(sha256)
            if known:
                return known, False
            await self._check_room(size_bytes)
            measured = await self._measure(part)
            async with self._changing:
                known = await self._find(sha256)
                if known:
                    return known, False
                await self._check_room(size_bytes)  # again: others were stored while this one was measured
                await self._folder.keep(part, sha256)
                sound = Sound(
                    sha256=sha256,
                    title=title,
                    duration_s=measured.duration_s,
                    loudness_lufs=measured.loudness_lufs,
                    true_peak_db=measured.true_peak_db,
                    size_bytes=size_bytes,
                    added_wall_us=wall_us(),
                )
                async with self._database.write() as session:
                    session.add(sound)
            return sound, True
        finally:
            part.unlink(missing_ok=True)

    async def all(self) -> list[Sound]:
        """Return every sound, the newest first."""
        async with self._database.read() as session:
            return list(await session.scalars(select(Sound).order_by(Sound.added_wall_us.desc())))

    async def get(self, sha256: str) -> Sound:
        """Return a sound; raises NotFoundError."""
        found = await self._find(sha256)
        if found is None:
            raise NotFoundError("unknown_sound", f"There is no sound {sha256}.", "GET /api/sounds lists them.")
        return found

    async def path(self, sha256: str) -> Path:
        """Return the file of a sound; raises NotFoundError when the sound or its file is gone."""
        await self.get(sha256)
        path = self._folder.path(sha256)
        if not path.exists():
            raise NotFoundError("sound_lost", f"The file of sound {sha256} is gone.", "Delete it and upload it again.")
        return path

    async def remove(self, sha256: str) -> None:
        """Remove a sound; what plays it now plays on. Raises NotFoundError."""
        async with self._changing:
            await self.get(sha256)
            async with self._database.write() as session:
                found = await session.get(Sound, sha256)
                if found:
                    await session.delete(found)
            self._folder.remove(sha256)

    async def _check_room(self, size_bytes: int) -> None:
        async with self._database.read() as session:
            stored_bytes = await session.scalar(select(func.sum(Sound.size_bytes))) or 0
        if stored_bytes + size_bytes > self._total_bytes:
            raise ConflictError(
                "sounds_full",
                f"The sounds may take {_megabytes(self._total_bytes)} MB together: {_megabytes(stored_bytes)} MB are "
                f"stored, and this one has {_megabytes(size_bytes)} MB.",
                "Remove sounds that are no longer needed, or set total_sounds_mb in [storage] higher.",
            )

    async def _find(self, sha256: str) -> Sound | None:
        async with self._database.read() as session:
            return await session.get(Sound, sha256)


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1024 / 1024:.1f}"
