"""Sound files: by hash, capped, and nothing half written stays."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from controller.errors import OversizeError
from controller.office import Office
from controller.settings import Settings
from controller.storage.files import SoundFolder, write_atomically


async def _chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def test_received_and_kept(tmp_path: Path) -> None:
    folder = SoundFolder(tmp_path, 10_000_000)
    part, sha256, size = await folder.receive(_chunks(b"a" * 3_000_000, b"b"))
    assert size == 3_000_001
    assert sha256 == hashlib.sha256(b"a" * 3_000_000 + b"b").hexdigest()
    kept = await folder.keep(part, sha256)
    assert kept.stat().st_size == size
    assert [path.name for path in tmp_path.iterdir()] == [sha256]


async def test_too_much_leaves_nothing(tmp_path: Path) -> None:
    folder = SoundFolder(tmp_path, 10)
    with pytest.raises(OversizeError):
        await folder.receive(_chunks(b"a" * 11))
    assert list(tmp_path.iterdir()) == []


def test_a_crash_leaves_nothing_for_long(tmp_path: Path) -> None:
    (tmp_path / ".part-1").write_bytes(b"half")
    SoundFolder(tmp_path, 10)
    assert list(tmp_path.iterdir()) == []


def test_written_whole(tmp_path: Path) -> None:
    write_atomically(tmp_path / "x", b"1")
    write_atomically(tmp_path / "x", b"2", durable=False)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("x", b"2")]


async def test_nobody_else_looks_into_the_folder_with_the_nodes_keys(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o755)
    office = Office(Settings(folder=folder, media_host="127.0.0.1", media_port=0))
    await office.database.close()
    assert folder.stat().st_mode & 0o777 == 0o700
