"""Whole villages in real time: the scenarios lan, low and village24 with their verdicts, and what the controller costs.

Each node is the real firmware under MicroPython, so the machine carries the village too; `controller_cores` counts the
controller, its engine, its broker and its ingest children alone.
"""

import sys
from pathlib import Path
from typing import Any

from benchmarks import table
from hil_sim.run import run as run_village
from hil_sim.scenario import load

SCENARIOS = ("lan", "low", "village24")
_FOLDER = Path(__file__).resolve().parent.parent / "scenarios"


def run() -> dict[str, Any]:
    """Return ``{scenario: verdict and controller_cores}``."""
    return {name: _run_one(name) for name in SCENARIOS}


def describe(result: dict[str, Any]) -> str:
    """Return the figures as one table a scenario."""
    return "\n\n".join(_describe_one(name, figures) for name, figures in result.items())


def _run_one(name: str) -> dict[str, Any]:
    verdict, recording = run_village(load(_FOLDER / f"{name}.toml"), None, _note)
    cores = recording.controller_cores
    return {**verdict, "controller_cores": None if cores is None else round(cores, 3)}


def _note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _describe_one(name: str, figures: dict[str, Any]) -> str:
    frames = figures["frames"]
    heading = f"{name}: {figures['nodes']} nodes, {figures['duration_s']:g} s"
    heading += "" if figures["passed"] else f"\n  not passed: {'; '.join(figures['failures'])}"
    return f"{heading}\n" + table.lines(
        ("skew, median", figures["skew_ms"]["p50"], "ms"),
        ("skew, 99 of 100", figures["skew_ms"]["p99"], "ms"),
        ("latency, median", figures["latency_ms"]["p50"], "ms"),
        ("first sound, median", figures["first_sound_ms"]["p50"], "ms"),
        ("frames played", frames["played"], f"of {frames['expected']}"),
        ("dropouts", figures["dropouts"], ""),
        ("STOI, worst node", figures["stoi"], ""),
        ("PESQ, worst node", figures["pesq"], ""),
        ("controller's CPU", figures["controller_cores"], "cores"),
    )
