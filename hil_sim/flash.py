"""A simulated node's flash, and how the node is launched: the one place that knows paths and exit codes."""

import json
import os
import signal
from functools import cache
from pathlib import Path
from typing import Any

from hil_sim.image import build

ROOT = Path(__file__).resolve().parent.parent
BOARD = ROOT / "hil_sim" / "board"
_IMAGE = ROOT / "build" / "firmware.romfs"
_MARCH = "x64"
"""Of the MicroPython that scripts/deps installs."""
MICROPYTHON = ROOT / ".tools" / "bin" / "micropython"

HEAP = "204k"
"""What an ESP32 without PSRAM leaves to Python, 200k, and 4k of what stands in for its sensors: on a chip that is C."""

REBOOT_EXIT_CODE = 75
"""The firmware asked for a reset (``machine.reset()``): launch it again with RESET_HARD."""
WATCHDOG_EXIT_CODE = -signal.SIGALRM
"""The watchdog bit: launch it again with RESET_WATCHDOG."""

_NVS = "nvs.json"
_SETTINGS = "loaxa/settings"
_IDENTITY = "loaxa/identity"

RESET_POWER_ON = 1
RESET_HARD = 2
RESET_WATCHDOG = 3


def stage(folder: Path) -> Path:
    """Make `folder` hold the firmware as on a Linux board, by links into the source tree; returns it."""
    (folder / "codec").mkdir(parents=True, exist_ok=True)
    for link, target in (
        ("codec/__init__.py", "codec/__init__.py"),
        ("codec/wire", "codec/wire"),
        ("firmware", "firmware"),
        ("main.py", "firmware/main.py"),
    ):
        path = folder / link
        if not path.is_symlink():
            path.symlink_to(ROOT / target)
    return folder


@cache
def image() -> Path:
    """Return the ROMFS image of the firmware, with the modules that stand in for an ESP32's."""
    build(_IMAGE, _MARCH, BOARD)
    return _IMAGE


def micropython() -> str:
    """Return the program."""
    return os.environ.get("LOAXA_MICROPYTHON", str(MICROPYTHON))


def node_command(heap: str = HEAP) -> list[str]:
    """Return the command of a simulated board; run it in the folder of node.json and board.json."""
    return [micropython(), "-X", f"heapsize={heap}", str(BOARD / "boot.py")]


def node_environment(reset_cause: int = RESET_POWER_ON) -> dict[str, str]:
    """Return the environment of a node."""
    return {
        **os.environ,
        "LOAXA_ROMFS": str(image()),
        "LOAXA_RESET_CAUSE": str(reset_cause),
    }


def reset_cause(exit_code: int) -> int:
    """Return the cause to launch with after the node's process ended with `exit_code`."""
    if exit_code == REBOOT_EXIT_CODE:
        return RESET_HARD
    if exit_code == WATCHDOG_EXIT_CODE:
        return RESET_WATCHDOG
    return RESET_POWER_ON


def identity(folder: Path) -> dict[str, Any] | None:
    """Return who the simulated board in `folder` is by its NVS, None before it is enrolled."""
    path = folder / _NVS
    kept = json.loads(path.read_text()) if path.exists() else {}
    return json.loads(kept[_IDENTITY]) if _IDENTITY in kept else None


def last_command(folder: Path) -> int:
    """Return the counter of the last command that a board obeyed, -1 where it never did."""
    kept = json.loads((folder / _NVS).read_text())
    return int(json.loads(kept[_SETTINGS])["counter"]) if _SETTINGS in kept else -1


def change_identity(folder: Path, **fields: object) -> None:
    """Put other fields into the identity in a board's NVS, while it is off."""
    path = folder / _NVS
    kept = json.loads(path.read_text())
    kept[_IDENTITY] = json.dumps({**json.loads(kept[_IDENTITY]), **fields})
    path.write_text(json.dumps(kept))
