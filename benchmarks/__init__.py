"""What is measured, and against what. Each module has ``run() -> dict`` and ``describe(result) -> str``."""

import importlib
from typing import Any

NAMES = (
    "mixer",
    "encode",
    "fanout",
    "engine",
    "authentication",
    "emergency",
    "clock",
    "virtual",
    "asymmetry",
    "enrolment",
    "history",
    "overview",
    "nodespage",
    "microphone",
    "village",
    "snapcast",
)
"""Every benchmark, in the order that ``loaxa bench all`` runs them."""
ALONE = ("measurements",)
"""Takes half an hour, writes a page of the documentation, and is run by its name only."""


SIZED = ("enrolment", "history", "overview", "nodespage")
"""Those that can be run with another number of nodes."""
DAYS = ("history",)
"""Those that can be run with another number of days."""


def run(name: str, **size: int) -> dict[str, Any]:
    """Run the benchmark `name`, one of NAMES, and return its figures; None stands for a peer that is
    missing. size: ``nodes`` of those in SIZED, ``days`` of those in DAYS."""
    result: dict[str, Any] = importlib.import_module(f"benchmarks.{name}").run(**size)
    return result


def describe(name: str, result: dict[str, Any]) -> str:
    """Return the figures of a benchmark as a table for people."""
    text: str = importlib.import_module(f"benchmarks.{name}").describe(result)
    return text
