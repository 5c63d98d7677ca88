"""A path that is slower one way than the other: nobody can see by how much, so a node says how far off it may be."""

from typing import Any

import numpy as np

from benchmarks import table
from hil_sim.scenario import Clock, LinkSettings, Scenario, poles
from hil_sim.virtual.village import Village, play

NODES = 6
SCENARIO = Scenario(
    name="asymmetry",
    runtime="cpython",
    profile="mobile",
    nodes=NODES,
    duration_s=180.0,
    network=LinkSettings(delay_ms=20.0, delay_up_ms=80.0, jitter_ms=5.0),
    clock=Clock(drift_ppm=(-50.0, 50.0)),
    positions=poles(NODES),
)


def run() -> dict[str, Any]:
    """Return `covered` (share of samples, ten a second, whose true error is within what the node says), `samples`,
    `error_ms` and `bound_ms` (medians)."""
    errors_us: list[int] = []
    bounds_us: list[int] = []

    def watch(village: Village) -> None:
        for node in village.nodes:
            if node.agent is None or not node.agent.clock.locked(node.agent.now_us()):
                continue
            now_us = node.agent.now_us()
            errors_us.append(abs(node.agent.clock.media_us(now_us) - village.office.media_us(-1)))
            bounds_us.append(node.agent.clock.uncertainty_us(now_us))

    play(SCENARIO, watch=watch)
    errors, bounds = np.array(errors_us), np.array(bounds_us)
    return {
        "covered": round(float(np.mean(errors <= bounds)), 5),
        "samples": len(errors),
        "error_ms": round(float(np.median(errors)) / 1000, 2),
        "bound_ms": round(float(np.median(bounds)) / 1000, 2),
    }


def describe(result: dict[str, Any]) -> str:
    """Return the figures as a table."""
    return table.lines(
        ("true error within the bound", result["covered"], f"of {result['samples']:,} samples"),
        ("true error, median", result["error_ms"], "ms"),
        ("bound, median", result["bound_ms"], "ms"),
    )
