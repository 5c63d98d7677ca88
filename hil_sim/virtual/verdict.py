"""The verdict of a run in virtual time: the same figures as hil_sim.verdict, from the samples that the DACs emitted.

``stoi`` and ``pesq`` are null: the programme is a sawtooth, which nobody listens to. ``latency_ms`` counts from a
frame's media time, as the engine begins a block just before it.
"""

import random
from itertools import combinations
from typing import Any

import numpy as np

from hil_sim.scenario import Scenario
from hil_sim.signals import Floats
from hil_sim.skew import percentiles
from hil_sim.verdict import missed_limits
from hil_sim.virtual.ear import WINDOW_US
from hil_sim.virtual.village import Outcome, runtime

_AGAIN = 5
"""Windows without sound after which a node begins again."""
MOST_PAIRS = 2000
"""Of larger villages so many pairs are compared, drawn by the scenario's seed."""


def make_verdict(scenario: Scenario, outcome: Outcome) -> dict[str, Any]:
    """Return the verdict as the object that is printed."""
    ears = outcome.ears
    late_ms = [np.array(list(ear.late_us.values())) / 1000 for ear in ears]
    lead_ms = outcome.lead_us / 1000
    every = np.concatenate(late_ms) if late_ms else np.empty(0)
    first_ms = [(ear.first_ns - outcome.command_ns) / 1e6 for ear in ears if ear.first_ns is not None]
    figures: dict[str, Any] = {
        "scenario": scenario.name,
        "seed": scenario.seed,
        "runtime": runtime(),
        "nodes": scenario.nodes,
        "duration_s": scenario.duration_s,
        "skew_ms": percentiles(skews_ms(outcome, scenario.seed, scenario.skew_settle_s), ("p50", "p99", "max")),
        "latency_ms": percentiles(every + lead_ms, ("p50", "p99")),
        "frames": {
            "expected": outcome.sent * len(ears),
            "played": sum(ear.played for ear in ears),
            "concealed": sum(ear.made_up for ear in ears),
            "late": sum(ear.late for ear in ears),
        },
        "dropouts": sum(len(ear.gaps_ms) for ear in ears),
        "stoi": None,
        "pesq": None,
        "first_sound_ms": percentiles(np.array(first_ms), ("p50", "max")),
        "rejected": {"forged": None, "replayed": None, "malformed": outcome.malformed},
        "foreign_ms": round(sum(ear.foreign_us for ear in ears) / 1000, 1),
    }
    longest_ms = max((gap for ear in ears for gap in ear.gaps_ms), default=0.0)
    unheard = [f"node {number}: the programme was not heard" for number, ear in enumerate(ears, 1) if not ear.late_us]
    failures = [*outcome.crashes, *unheard, *missed_limits(scenario.limits, figures, longest_ms)]
    return {**figures, "passed": not failures, "failures": failures}


def skews_ms(outcome: Outcome, seed: int, settle_s: float = 0.0) -> Floats:
    """Return how far apart pairs of nodes emit each 100 ms of programme that both emitted, milliseconds."""
    ears = outcome.ears
    windows = sorted({window for ear in ears for window in ear.late_us})
    place = {window: number for number, window in enumerate(windows)}
    table = np.full((len(ears), len(windows)), np.nan)
    settle = round(settle_s * 1e6 / WINDOW_US)
    for row, ear in enumerate(ears):
        begun, before = 0, -_AGAIN
        for window, late_us in ear.late_us.items():
            if window - before >= _AGAIN:
                begun = window
            before = window
            if window >= begun + settle:
                table[row, place[window]] = late_us
    pairs = list(combinations(range(len(ears)), 2))
    if len(pairs) > MOST_PAIRS:
        pairs = random.Random(seed).sample(pairs, MOST_PAIRS)
    found = [np.abs(table[one] - table[other]) / 1000 for one, other in pairs]
    joined = np.concatenate(found) if found else np.empty(0)
    return np.asarray(joined[np.isfinite(joined)])
