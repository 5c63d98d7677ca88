"""``loaxa sim``: plays a scenario and prints its verdict, or keeps a village alive to try things in.

What plays and judges is imported late: it takes seconds, which a refusal should not.
"""

import os
import subprocess
from pathlib import Path
from typing import Any

from hil_sim.report import describe, keep_verdict
from hil_sim.scenario import MAX_NODES, Scenario, ScenarioError, load
from loaxa.errors import CommandError
from loaxa.output import Output

MOST_SEEDS = 1_000_000
UNKNOWN: dict[str, Any] = {
    "scenario": None,
    "seed": None,
    "runtime": None,
    "nodes": None,
    "duration_s": None,
    "skew_ms": {"p50": None, "p99": None, "max": None},
    "latency_ms": {"p50": None, "p99": None},
    "frames": {"expected": None, "played": None, "concealed": None, "late": None},
    "dropouts": None,
    "stoi": None,
    "pesq": None,
    "first_sound_ms": {"p50": None, "max": None},
    "rejected": {"forged": None, "replayed": None, "malformed": None},
    "foreign_ms": None,
}
"""The figures of a run that knows none of them; the verdict's shape is a contract."""


def play(path: Path, keep: Path | None, output: Output) -> int:
    """Play the scenario in `path` and print its verdict; return 0 only when it passed.

    keep: a folder that is left with the verdict, recordings, packets, plots and logs. A run that does not come to a
    verdict prints one that has only failed when JSON is asked for, and raises CommandError.
    """
    try:
        make_folder(keep)
    except CommandError as error:
        raise _failed({"scenario": path.stem}, str(error), None, output) from None
    try:
        scenario = load(path)
    except ScenarioError as error:
        raise _failed({"scenario": path.stem}, str(error), keep, output) from None
    from hil_sim.capture import CaptureError
    from hil_sim.network import NetworkError
    from hil_sim.office import OfficeError

    try:
        if scenario.runtime == "cpython":
            from hil_sim.virtual.run import run as run_virtually

            verdict = run_virtually(scenario, keep, output.note)
        else:
            from hil_sim.run import run

            verdict, _ = run(scenario, keep, output.note)
    except (OfficeError, NetworkError, CaptureError, OSError, subprocess.SubprocessError) as error:
        raise _failed(_figures(scenario), f"the village could not be run: {error}", keep, output) from None
    output.answer(verdict, describe(verdict))
    return 0 if verdict["passed"] else 1


def search(first: int, seeds: int, keep: Path | None, output: Output) -> int:
    """Play the scenarios of `seeds` seeds and print which failed; return 0 only when none did. Raises CommandError."""
    if not 1 <= seeds <= MOST_SEEDS or not 0 <= first < MOST_SEEDS:
        raise CommandError(f"Give 1 to {MOST_SEEDS} seeds, the first from 0 to {MOST_SEEDS - 1}.")
    make_folder(keep)  # a long search must not lose what it found
    from hil_sim.search.search import describe as describe_search
    from hil_sim.search.search import search as search_faults

    result = search_faults(first, seeds, keep, output.note)
    output.answer(result, describe_search(result))
    return 0 if result["passed"] else 1


def make_folder(keep: Path | None) -> None:
    """Make the folder that a run leaves behind; raises CommandError where nothing can be written to it."""
    if keep is None:
        return
    try:
        keep.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"Nothing can be kept in {keep}: {error.strerror}. Name a folder.") from None
    if not os.access(keep, os.W_OK):
        raise CommandError(f"Nothing can be kept in {keep}: it may not be written to. Name another folder.")


def inhabit(nodes: int, port: int) -> int:
    """Run a village until Ctrl-C and return the exit code; raises CommandError for a village that cannot be."""
    most = MAX_NODES["micropython"]
    if not 1 <= nodes <= most:
        raise CommandError(f"A village has 1 to {most} nodes, not {nodes}: each is a process of this computer.")
    from hil_sim.live import run_village

    return run_village(nodes, port)


def _figures(scenario: Scenario) -> dict[str, Any]:
    return {
        "scenario": scenario.name,
        "seed": scenario.seed,
        "nodes": scenario.nodes,
        "duration_s": scenario.duration_s,
    }


def _failed(known: dict[str, Any], why: str, keep: Path | None, output: Output) -> CommandError:
    """Answer programs with a verdict, and keep it; return the error for people, which alone goes to a terminal."""
    verdict = {**UNKNOWN, **known, "passed": False, "failures": [why]}
    if keep is not None:
        keep_verdict(keep, verdict)
    output.answer(verdict, "")
    return CommandError(why)
