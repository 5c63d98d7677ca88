"""Compiles what a node runs and makes a ROMFS image of it: ``python -m hil_sim.image [--march xtensawin] IMAGE``.

MicroPython runs bytecode where it lies in such an image, flash or mapped memory. Imported from files, the same firmware
takes 70 KB more of the heap, of 200.
"""

import argparse
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_TOOLS = Path(sys.executable).parent


def sources(root: Path) -> list[Path]:
    """Return the files of a node."""
    found = [root / "codec" / "__init__.py", *(root / "codec" / "wire").glob("*.py")]
    found += [path for path in (root / "firmware").rglob("*.py") if "cmodules" not in path.parts]
    return sorted(path for path in found if path != Path(__file__))


def compiled(path: Path, name: Path, folder: Path, march: str) -> Path:
    """Compile one file under a `name` from the root of the project into `folder`; returns where it is.

    Raises CalledProcessError. march: mpy-cross's name of the processor.
    """
    target = (folder / name).with_suffix(".mpy")
    target.parent.mkdir(parents=True, exist_ok=True)
    command: list[str | Path] = [_TOOLS / "mpy-cross", f"-march={march}", "-s", name, "-o", target, path]
    subprocess.run(command, check=True, timeout=60)
    return target


def build(image: Path, march: str, modules: Path | None = None, root: Path = ROOT) -> bool:
    """Make the image unless it is newer than all that it is made of; return whether it was made.

    modules: a folder whose files lie at its top, as those that stand in for a board's own. root: where the firmware is.
    Several may build at once.
    """
    files = sources(root)
    more = sorted(modules.glob("*.py")) if modules else []
    newest = max(path.stat().st_mtime for path in [*files, *more, Path(__file__)])
    if image.exists() and image.stat().st_mtime >= newest:
        return False
    image.parent.mkdir(parents=True, exist_ok=True)
    work = image.with_name(f".{image.name}.{secrets.token_hex(4)}")
    try:
        for path in files:
            compiled(path, path.relative_to(root), work / "tree", march)
        for path in more:
            made = compiled(path, path.relative_to(ROOT), work / "modules", march)
            made.rename(work / "tree" / made.name)
        command: list[str | Path] = [
            _TOOLS / "mpremote",
            "romfs",
            "--no-mpy",
            "-o",
            work / "image",
            "build",
            work / "tree",
        ]
        subprocess.run(command, check=True, timeout=120, stdout=subprocess.DEVNULL)
        (work / "image").replace(image)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return True


def main() -> None:
    """Build an image."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image", type=Path)
    parser.add_argument("--march", default="xtensawin", help="mpy-cross's name of the processor")
    arguments = parser.parse_args()
    made = build(arguments.image, arguments.march)
    print(f"{arguments.image}: {'made' if made else 'is up to date'}")


if __name__ == "__main__":
    main()
