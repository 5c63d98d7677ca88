"""The sound store: what is stored stays, and has a bound together."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from controller.errors import ConflictError
from controller.ingest.loudness import Measured
from controller.sounds import Sounds
from controller.storage.database import Database, sqlite_url
from controller.storage.files import SoundFolder


async def _bytes(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def _measure(_path: Path) -> Measured:
    await asyncio.sleep(0)
    return Measured(1.0, -16.0, -1.0)


@pytest.fixture
async def sounds(tmp_path: Path) -> AsyncIterator[Sounds]:
    database = Database(sqlite_url(tmp_path))
    await database.migrate()
    yield Sounds(database, SoundFolder(tmp_path / "sounds", 1000), _measure, 2500)
    await database.close()


async def test_a_full_store_refuses_and_keeps_what_it_has(sounds: Sounds, tmp_path: Path) -> None:
    first, _ = await sounds.add(_bytes(b"1" * 1000), "one")
    await sounds.add(_bytes(b"2" * 1000), "two")
    with pytest.raises(ConflictError, match="total_sounds_mb") as caught:
        await sounds.add(_bytes(b"3" * 501), "three")
    assert caught.value.code == "sounds_full"
    assert sorted(sound.title for sound in await sounds.all()) == ["one", "two"]
    assert len(list((tmp_path / "sounds").iterdir())) == 2, "nothing of it is left"
    again, new = await sounds.add(_bytes(b"1" * 1000), "one")
    assert (again.sha256, new) == (first.sha256, False), "what is there already needs no room"
    await sounds.add(_bytes(b"3" * 500), "three")
    await sounds.remove(first.sha256)
    await sounds.add(_bytes(b"4" * 1000), "four")


async def test_sounds_that_come_together_do_not_pass_the_bound(sounds: Sounds) -> None:
    results = await asyncio.gather(
        *(sounds.add(_bytes(bytes([number]) * 1000), str(number)) for number in range(5)), return_exceptions=True
    )
    assert sum(isinstance(result, ConflictError) for result in results) == 3
    assert sum(sound.size_bytes for sound in await sounds.all()) == 2000
