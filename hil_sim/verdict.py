"""The verdict of a run, made from captures alone. Its shape is a contract: other programs read it."""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from typing import Any

import numpy as np

from hil_sim.alignment import Alignment, align
from hil_sim.capture import Track
from hil_sim.ear import EarReport, Programme, judge_ear
from hil_sim.scenario import Limits, Scenario
from hil_sim.skew import latencies_ms, percentiles, skews_ms

LEAST = ("played_ratio", "stoi", "pesq")
"""Limits that are least values; all others are greatest ones."""
WORKERS = 2


@dataclass(frozen=True)
class Heard:
    """What a run left to judge. ears: a track a node, in order. rejected: counters by name, None where not
    known.

    mishaps: what went wrong with the run itself, such as a process that crashed.
    """

    programme: Programme
    ears: list[Track]
    runtime: str
    rejected: dict[str, int | None]
    mishaps: list[str]


def judge_ears(heard: Heard) -> list[EarReport]:
    """Return the findings of every ear, judged on two processes, which inherit what was heard: it may be gigabytes."""
    _inherited.append(heard)
    numbers = range(1, len(heard.ears) + 1)
    try:
        with ProcessPoolExecutor(WORKERS, mp_context=get_context("fork")) as pool:
            alignments = list(pool.map(_align, numbers))
            known = [a.rough_s for a in alignments if np.isfinite(a.rough_s)]
            otherwise_s = float(np.median(known)) if known else 0.0
            return list(pool.map(partial(_judge, otherwise_s), numbers, alignments))
    finally:
        _inherited.clear()


_inherited: list[Heard] = []


def _align(number: int) -> Alignment:
    return align(_inherited[0].programme.source, _inherited[0].ears[number - 1].samples)


def _judge(otherwise_s: float, number: int, alignment: Alignment) -> EarReport:
    heard = _inherited[0]
    return judge_ear(heard.programme, number, heard.ears[number - 1], alignment, otherwise_s=otherwise_s)


def make_verdict(scenario: Scenario, heard: Heard, ears: list[EarReport]) -> dict[str, Any]:
    """Return the verdict as the object that is printed."""
    alignments = [ear.alignment for ear in ears]
    figures: dict[str, Any] = {
        "scenario": scenario.name,
        "seed": scenario.seed,
        "runtime": heard.runtime,
        "nodes": scenario.nodes,
        "duration_s": scenario.duration_s,
        "skew_ms": percentiles(skews_ms(alignments, scenario.skew_settle_s), ("p50", "p99", "max")),
        "latency_ms": percentiles(latencies_ms(alignments), ("p50", "p99")),
        "frames": {
            name: sum(getattr(ear.frames, name) for ear in ears) for name in ("expected", "played", "concealed", "late")
        },
        "dropouts": sum(len(ear.gaps) for ear in ears),
        "stoi": _worst([ear.stoi for ear in ears]),
        "pesq": _worst([ear.pesq for ear in ears]),
        "first_sound_ms": percentiles(
            np.array([ear.first_sound_ms for ear in ears if ear.first_sound_ms is not None]), ("p50", "max")
        ),
        "rejected": {name: heard.rejected.get(name) for name in ("forged", "replayed", "malformed")},
        "foreign_ms": round(sum(ear.foreign_ms for ear in ears), 1),
    }
    longest_ms = max((gap.length_ms for ear in ears for gap in ear.gaps), default=0.0)
    failures = [*heard.mishaps, *_unheard(ears), *missed_limits(scenario.limits, figures, longest_ms)]
    return {**figures, "passed": not failures, "failures": failures}


def _worst(scores: list[float | None]) -> float | None:
    """Return the score of the worst ear: a village is as good as its worst horn. None when one has none."""
    known = [score for score in scores if score is not None]
    return round(min(known), 4) if known and len(known) == len(scores) else None


def _unheard(ears: list[EarReport]) -> list[str]:
    return [f"node {ear.node}: the programme was not heard" for ear in ears if not ear.alignment.measured.any()]


def missed_limits(limits: Limits, figures: dict[str, Any], longest_gap_ms: float) -> list[str]:
    """Return a sentence for each limit that the figures of a verdict miss or do not know."""
    failures = []
    for name in Limits.__dataclass_fields__:
        limit = getattr(limits, name)
        if limit is None:
            continue
        value = _figure(name, figures, longest_gap_ms)
        if value is None:
            failures.append(f"{name} is not known, asked for was {limit:g}")
        elif name in LEAST and value < limit:
            failures.append(f"{name} {value:g} is below {limit:g}")
        elif name not in LEAST and value > limit:
            failures.append(f"{name} {value:g} is above {limit:g}")
    return failures


def _figure(name: str, figures: dict[str, Any], longest_gap_ms: float) -> float | None:
    """Return the figure that a limit's name stands for, None when the run does not know it."""
    if name == "dropout_ms_max":
        return longest_gap_ms
    if name == "played_ratio":
        frames = figures["frames"]
        return frames["played"] / frames["expected"] if frames["expected"] else None
    if name in ("concealed", "late"):
        value = figures["frames"][name]
    elif name in figures:
        value = figures[name]
    else:
        group, _, part = name.rpartition("_")
        value = figures[group][part]
    return None if value is None else float(value)
