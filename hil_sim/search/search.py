"""Plays the scenarios of many seeds on all processors; says which break an invariant, and shrinks those."""

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from hil_sim.scenario import Scenario
from hil_sim.search.draw import draw
from hil_sim.search.invariants import broken
from hil_sim.search.shrink import shrink, to_toml
from hil_sim.virtual.village import play


@dataclass(frozen=True)
class Failure:
    """A seed that broke something: what, and the shortest scenario that still does."""

    seed: int
    broken: list[str]
    shortest: Scenario


def faults_of(scenario: Scenario) -> list[str]:
    """Return what a scenario breaks; a run that ends by an exception is a crash."""
    try:
        return broken(scenario, play(scenario))
    except Exception as error:
        return [f"crash: {error!r}"]


def search(
    first: int, seeds: int, keep: Path | None = None, note: Callable[[str], None] = lambda text: None
) -> dict[str, Any]:
    """Play `seeds` scenarios from seed `first` on; return ``{"seeds", "first", "failed": [...], "passed"}``.

    keep: a folder, which must exist, that is left with the shortest scenario of each failure.
    """
    failures: list[Failure] = []
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("forkserver")) as pool:
        for done, (seed, found) in enumerate(pool.map(_try, range(first, first + seeds), chunksize=1), 1):
            if found:
                note(f"seed {seed}: {found[0]}")
                failures.append(Failure(seed, found, draw(seed)))
            if done % 100 == 0:
                note(f"{done} of {seeds} seeds, {len(failures)} failed")
        shortest = list(pool.map(_shorten, [(failure.seed, _kind(failure.broken)) for failure in failures]))
    failed = []
    for failure, scenario in zip(failures, shortest, strict=True):
        text = to_toml(scenario)
        if keep is not None:
            (keep / f"seed-{failure.seed}.toml").write_text(text, encoding="utf-8")
        failed.append({"seed": failure.seed, "broken": failure.broken, "shortest": text})
    return {"seeds": seeds, "first": first, "failed": failed, "passed": not failed}


def describe(result: dict[str, Any]) -> str:
    """Return the result as text for people."""
    lines = [f"{result['seeds']} seeds from {result['first']} on, {len(result['failed'])} failed"]
    for failure in result["failed"]:
        lines += [f"seed {failure['seed']}:", *(f"  ! {sentence}" for sentence in failure["broken"])]
        lines += [f"    {line}" for line in failure["shortest"].splitlines()]
    return "\n".join(lines)


def _kind(found: list[str]) -> str:
    return found[0].partition(":")[0]


def _try(seed: int) -> tuple[int, list[str]]:
    return seed, faults_of(draw(seed))


def _shorten(task: tuple[int, str]) -> Scenario:
    seed, kind = task
    return shrink(draw(seed), lambda scenario: any(_kind([fault]) == kind for fault in faults_of(scenario)))
