"""``python -m fuzz``: every target in turn, each for a time; a line for each; ends with 1 if one found something."""

import argparse
import importlib.util
import subprocess
import sys
from pathlib import Path

from fuzz import routes
from fuzz.targets import TARGETS

FOLDER = Path(".fuzz")
SPARE_S = 120
"""What a target may take longer than it was given: to begin, and to see an input to its end."""


def parser_found(name: str, seconds: int) -> bool:
    """Fuzz one parser in a process of its own; return whether something was found. Its log is in FOLDER."""
    log = FOLDER / f"{name}.log"
    with log.open("wb") as output:
        try:
            code = subprocess.run(
                [sys.executable, "-m", "fuzz.parsers", name, str(seconds), str(FOLDER)],
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=seconds + SPARE_S,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            code = -1
    runs = next(
        (line.split()[-1] for line in log.read_text(errors="replace").splitlines() if "number_of_executed" in line), "?"
    )
    print(f"{name:<16} {'ok' if code == 0 else 'FOUND, see ' + str(log)}  {runs} inputs", flush=True)
    return code != 0


def main() -> int:
    """Fuzz what the command line names, or everything; return the exit code."""
    names = [target.name for target in TARGETS]
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=600, help="for each target")
    parser.add_argument("target", nargs="*", help=f"{', '.join([*names, *routes.WAYS])}; none: all")
    given = parser.parse_args()
    chosen = given.target or [*names, *routes.WAYS]
    if unknown := set(chosen) - {*names, *routes.WAYS}:
        parser.error(f"there is no target {', '.join(sorted(unknown))}")
    FOLDER.mkdir(exist_ok=True)
    if set(chosen) & set(names) and importlib.util.find_spec("atheris") is None:
        parser.error("the parsers need atheris, which there is for Linux on x86_64 alone; name the routes")
    found = [name for name in chosen if name in names and parser_found(name, given.seconds)]
    found += [way for way in chosen if way in routes.WAYS and routes.found(way, given.seconds, FOLDER.resolve())]
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
