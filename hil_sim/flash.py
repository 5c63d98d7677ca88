"""A simulated node's flash folder, and how the node is launched: the one place that knows paths and exit
codes."""

import os
import signal
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BOARD = ROOT / "hil_sim" / "board"
MICROPYTHON = ROOT / ".tools" / "bin" / "micropython"

HEAP = "200k"
"""What an ESP32 without PSRAM leaves to Python."""

REBOOT_EXIT_CODE = 75
"""The firmware asked for a reset (``machine.reset()``): launch it again with RESET_HARD."""
WATCHDOG_EXIT_CODE = -signal.SIGALRM
"""The watchdog bit: launch it again with RESET_WATCHDOG."""

RESET_POWER_ON = 1
RESET_HARD = 2
RESET_WATCHDOG = 3


def stage(folder: Path) -> Path:
    """Make `folder` look like a node's flash, by links into the source tree; returns it."""
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


def node_command(flash: Path, heap: str = HEAP) -> list[str]:
    """Return the command of a node whose flash is `flash`; run it in the folder of node.json and
    board.json."""
    micropython = os.environ.get("LOAXA_MICROPYTHON", str(MICROPYTHON))
    return [micropython, "-X", f"heapsize={heap}", str(flash / "main.py")]


def node_environment(flash: Path, reset_cause: int = RESET_POWER_ON) -> dict[str, str]:
    """Return the environment of a node: the board's modules stand in front of MicroPython's own."""
    return {
        **os.environ,
        "MICROPYPATH": f"{BOARD}:{flash}:.frozen",
        "LOAXA_RESET_CAUSE": str(reset_cause),
    }


def reset_cause(exit_code: int) -> int:
    """Return the cause to launch with after the node's process ended with `exit_code`."""
    if exit_code == REBOOT_EXIT_CODE:
        return RESET_HARD
    if exit_code == WATCHDOG_EXIT_CODE:
        return RESET_WATCHDOG
    return RESET_POWER_ON
