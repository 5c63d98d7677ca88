"""One parser under libFuzzer: ``python -m fuzz.parsers NAME SECONDS FOLDER``; ends with 0 where nothing was found."""

import contextlib
import random
import sys
import time
from pathlib import Path

import atheris

with atheris.instrument_imports(
    include=["codec", "controller", "firmware", "hil_sim.scenario", "hil_sim.fields", "tomllib", "json.decoder"]
):
    from fuzz.targets import TARGETS, Target

from fuzz.mutate import mutate

MOST_S = 1.0
"""Of processor time: another's work on a busy machine is no fault of a parser."""
HANG_S = 20
MAX_BYTES = 16384
"""Twice what a body may have."""


class TooSlowError(Exception):
    """An input took longer than a second."""


def check(target: Target, data: bytes) -> None:
    """Run one input; raises whatever is not among the target's errors, and TooSlowError."""
    began_s = time.process_time()
    with contextlib.suppress(*target.errors):
        target.run(data)
    took_s = time.process_time() - began_s
    if took_s > MOST_S:
        raise TooSlowError(f"{target.name}: {took_s:.1f} s")


def _mutator(data: bytes, max_size: int, seed: int) -> bytes:
    made = mutate(data, max_size, seed) if random.Random(seed).random() < 0.7 else None
    return made if made is not None else bytes(atheris.Mutate(data, max_size))


def main() -> None:
    """Fuzz the parser that the command line names."""
    name, seconds, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    target = next(each for each in TARGETS if each.name == name)
    corpus, found = folder / "corpus" / name, folder / "found" / name
    for made in (corpus, found):
        made.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    for old in sorted(found.iterdir()):  # what was found once is looked at first
        check(target, old.read_bytes())
    arguments = [
        sys.argv[0],
        f"-max_total_time={seconds}",
        f"-timeout={HANG_S}",
        f"-max_len={MAX_BYTES}",
        f"-artifact_prefix={found}/",
        "-print_final_stats=1",
        str(corpus),
    ]
    options = {"custom_mutator": _mutator} if target.json else {}
    atheris.Setup(arguments, lambda data: check(target, data), **options)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
