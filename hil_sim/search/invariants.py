"""What must hold in every run, whatever happens in it: judged from what the DACs emitted.

1. Never a sample of the wrong time: nothing is more than 20 ms off, and but for what the path's asymmetry hides a node
   is in time from SYNC_S after it booted, or its line came back, or what disturbed it was over.
2. Never silence, nor a made-up frame, while packets were there in time.
3. Never a crash: no task of the firmware fails, no watchdog bites, the engine refuses nothing that it was told.
4. Never another's sound.
"""

from collections.abc import Iterator

from hil_sim.scenario import Event, Scenario
from hil_sim.virtual.ear import FOREIGN, MADE, SILENT, WINDOW_US, WRONG, Ear
from hil_sim.virtual.office import CONTROLLER_BACK_NS, ENGINE_BACK_NS
from hil_sim.virtual.village import Outcome

SYNC_S = 5.0
_NS = 1_000_000_000
_TOLERANCE_MS = {"low": 1.0, "lan": 2.0, "mobile": 5.0}
_OF_JITTER = 0.35
"""Of the line's standard deviation; one exchange errs by 0.7 of it."""
_MOST_NAMED = 5


def broken(scenario: Scenario, outcome: Outcome) -> list[str]:
    """Return a sentence for each invariant that the run broke, the first word naming it."""
    found = [f"crash: {crash}" for crash in outcome.crashes]
    for number, ear in enumerate(outcome.ears, 1):
        for sentence, _ in zip(_of_ear(scenario, outcome, number, ear), range(_MOST_NAMED), strict=False):
            found.append(f"{sentence} (node {number})")
    return found


def _of_ear(scenario: Scenario, outcome: Outcome, number: int, ear: Ear) -> Iterator[str]:
    booting = _booting(scenario, number)
    for fault in ear.faults:
        at_s = (fault.at_ns - outcome.command_ns) / _NS
        if fault.kind == WRONG:
            yield f"wrong: {fault.late_us / 1000:+.1f} ms at {at_s:.2f} s"
        elif fault.kind == FOREIGN:
            yield f"foreign: sound of nobody's at {at_s:.2f} s"
        elif fault.kind in (SILENT, MADE) and fault.in_time and at_s > 0 and not _within(booting, at_s):
            yield f"silent: {fault.kind} at {at_s:.2f} s though the frame was there"
    yield from _out_of_sync(scenario, outcome, number, ear)
    if not ear.late_us and not _within(_spans(scenario, number, _ALL), scenario.duration_s):
        yield "silent: nothing was heard"


def _out_of_sync(scenario: Scenario, outcome: Outcome, number: int, ear: Ear) -> Iterator[str]:
    line = scenario.network
    hidden_ms = abs(line.delay_ms - line.up().delay_ms) / 2
    limit_ms = hidden_ms + _TOLERANCE_MS[scenario.profile] + _OF_JITTER * line.jitter_ms
    disturbed = _spans(scenario, number, _ALL)
    begin_us = outcome.office.media_us(outcome.command_ns)
    for window, late_us in ear.late_us.items():
        at_s = (window * WINDOW_US - begin_us) / 1e6
        if abs(late_us) / 1000 > limit_ms and not _within(disturbed, at_s):
            yield f"sync: {late_us / 1000:+.1f} ms at {at_s:.1f} s, {limit_ms:.1f} ms are allowed"


_ALL = ("reboot", "cut_network", "restore_network", "kill_engine", "kill_controller", "delay_step")


def _spans(scenario: Scenario, number: int, kinds: tuple[str, ...]) -> list[tuple[float, float]]:
    """Return when events of these kinds disturb a node: until SYNC_S after their end."""
    return [
        (event.at_s - 0.2, event.at_s + _lasts_s(event, scenario) + SYNC_S)
        for event in scenario.events
        if event.do in kinds and event.node in (None, number)
    ]


def _booting(scenario: Scenario, number: int) -> list[tuple[float, float]]:
    """Return when a node may be silent since it boots: without broker or line it does not learn what is on air."""
    needed = _spans(scenario, number, ("kill_controller", "kill_broker", "cut_network", "restore_network"))
    found = []
    for first, last in _spans(scenario, number, ("reboot",)):
        for lacks, until in sorted(needed):
            if lacks <= last and first <= until:
                last = max(last, until)  # noqa: PLW2901 - one lack may follow another
        found.append((first, last))
    return found


def _lasts_s(event: Event, scenario: Scenario) -> float:
    match event.do:
        case "reboot":
            return event.off_s
        case "kill_engine":
            return ENGINE_BACK_NS / _NS
        case "kill_controller":
            return CONTROLLER_BACK_NS / _NS
        case "cut_network":
            return scenario.duration_s  # what restores it ends this span
    return 0.0


def _within(spans: list[tuple[float, float]], at_s: float) -> bool:
    return any(first <= at_s <= last for first, last in spans)
