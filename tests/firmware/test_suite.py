"""One suite of the stages, two interpreters."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SUITE = Path(__file__).parent / "suite"


def command(interpreter: str, root: Path, micropython: Path) -> tuple[list[str], dict[str, str]]:
    """Return how to run the suite's runner, and with what environment."""
    if interpreter == "cpython":
        return [sys.executable, "run.py"], {**os.environ, "PYTHONPATH": str(root)}
    path = f"{root}:.frozen"
    return [str(micropython), "-X", "heapsize=16m", "run.py"], {**os.environ, "MICROPYPATH": path}


@pytest.mark.parametrize("interpreter", ["cpython", "micropython"])
@pytest.mark.parametrize("module", sorted(path.stem for path in SUITE.glob("check_*.py")))
def test_stages(interpreter: str, module: str, root: Path, micropython: Path) -> None:
    arguments, environment = command(interpreter, root, micropython)
    run = subprocess.run(
        [*arguments, module], cwd=SUITE, env=environment, capture_output=True, text=True, timeout=50, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "ok" in run.stdout
