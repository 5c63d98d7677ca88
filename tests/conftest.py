"""What every test may ask for: where the repository is, and the MicroPython that set-up made."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the repository's folder."""
    return ROOT


@pytest.fixture(scope="session")
def micropython(root: Path) -> Path:
    """Return the MicroPython that nodes run on; ``make deps`` makes it."""
    path = root / ".tools" / "bin" / "micropython"
    assert path.exists(), "no MicroPython: run `make deps`"
    return path
