"""What survives a controller: clock and streams; a damaged file is as none."""

from pathlib import Path

import pytest

from controller.clock import Anchor
from controller.memory import Memory, StreamOnAir


def test_it_survives(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "memory.json")
    assert memory.away_s == float("inf")
    memory.anchor = Anchor(1000, 5_000_000)
    memory.streams["thon-1"] = StreamOnAir(1, 2, 20000, 150000, 3)
    memory.save(durable=True)
    again = Memory(tmp_path / "memory.json")
    assert (again.anchor, again.streams) == (memory.anchor, memory.streams)
    assert again.away_s < 10


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"boot_id": 1}', b'{"saved_wall_us": "x"}', b"\xff"])
def test_a_damaged_file_is_as_none(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "memory.json").write_bytes(damage)
    memory = Memory(tmp_path / "memory.json")
    assert memory.streams == {}
    assert memory.anchor.media_us > 1_600_000_000_000_000


def test_another_boot_voids_the_clock(tmp_path: Path) -> None:
    path = tmp_path / "memory.json"
    memory = Memory(path)
    memory.streams["thon-1"] = StreamOnAir(1, 2, 20000, 150000, 3)
    memory.save()
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    path.write_text(path.read_text().replace(boot_id, "another"))
    again = Memory(path)
    assert again.streams == {}
    assert again.away_s < 10
