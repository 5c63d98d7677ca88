"""How much faster than real time a village plays in virtual time, on one core."""

import time
from dataclasses import replace
from typing import Any

from benchmarks import table
from hil_sim.scenario import Clock, LinkSettings, Scenario, poles
from hil_sim.virtual.village import BOOT_S, SETTLE_S, TAIL_S, play

VILLAGE = Scenario(
    name="village",
    runtime="cpython",
    nodes=6,
    duration_s=60.0,
    network=LinkSettings(delay_ms=5.0, jitter_ms=2.0),
    clock=Clock(drift_ppm=(-50.0, 50.0)),
    positions=poles(6),
)
PROVINCE = replace(
    VILLAGE,
    name="province",
    nodes=1000,
    duration_s=10.0,
    profile="mobile",
    network=LinkSettings(delay_ms=60.0, jitter_ms=20.0, loss=0.02, burst=4.0),
    positions=poles(1000),
)
_HOUR_S = 3600.0


def run() -> dict[str, Any]:
    """Return `speed` (virtual seconds a second of processor time) of 6 nodes, and `hour_of_1000_min`: minutes of one
    core for an hour of 1,000 nodes on mobile lines, from ten seconds on air after they booted."""
    speed = _speed(VILLAGE)
    return {"speed": round(speed, 1), "hour_of_1000_min": round(_HOUR_S / _speed(PROVINCE) / 60.0, 1)}


def describe(result: dict[str, Any]) -> str:
    """Return the figures as a table."""
    return table.lines(
        ("6 nodes on a LAN, on air", result["speed"], "times real time"),
        ("an hour of 1,000 nodes, mobile", result["hour_of_1000_min"], "min of one core"),
    )


def _speed(scenario: Scenario) -> float:
    began_s = time.process_time()
    play(scenario)
    return (BOOT_S + SETTLE_S + scenario.duration_s + TAIL_S) / (time.process_time() - began_s)
