"""From the recording of a programme of :mod:`controller.acoustics.probe` to what each node should be set to.

Only differences between nodes count: what the microphone, the network's lead and the way to the first horn take is
common to all of them. The recording is one axis of time; the markers at its ends tell how fast that runs.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import maximum_filter1d
from scipy.signal import resample_poly

from controller.acoustics import arrival, placement
from controller.acoustics.arrival import Arrival
from controller.acoustics.probe import HIGH_HZ, RATE_HZ, Floats, Programme, sweep

REACH_S = 1.2
"""How much earlier or later than the first a horn may be heard, delays aside: 400 m of path."""
MOST_SPREAD_S = 0.001
"""A node that is not the same from round to round within this is not in time."""
MOST_MINUTES = 10
_CRYSTAL_PPM = 500.0
_MARKER_SLACK_S = 0.01
_ROUGH_STEP = 4
_ROUGH_RATE_HZ = RATE_HZ // _ROUGH_STEP
assert HIGH_HZ < _ROUGH_RATE_HZ / 2


class CalibrationError(Exception):
    """The recording cannot be used at all; the text says why and what to do."""


@dataclass(frozen=True)
class Measured:
    """One node as it was heard.

    late_s: how much later than the first marker's node, the delays that are set taken out. arrival_s: as it was heard,
    those included. spread_s: greatest difference between rounds. problem: why not to be used, or empty.
    """

    node: str
    late_s: float
    arrival_s: float
    level_db: float
    over_noise_db: float
    over_second_db: float
    spread_s: float
    problem: str


@dataclass(frozen=True)
class Measurement:
    """All nodes in order. recorder_ppm: how much faster than the nodes' clock the recorder's crystal runs."""

    nodes: list[Measured]
    recorder_ppm: float


@dataclass(frozen=True)
class Proposal:
    """What one node should be set to, so that all arrive together where the microphone was."""

    delay_us: int
    gain_db: float
    limited: bool


def measure(recording: Floats, programme: Programme, lost: frozenset[int] = frozenset()) -> Measurement:
    """Return what `recording`, 48 kHz, tells of each node. Raises CalibrationError where the programme is not in it.

    lost: slots that are known to be no measurement, since a node did not answer in time.
    """
    if len(recording) > MOST_MINUTES * 60 * RATE_HZ:
        raise CalibrationError(f"The recording is longer than {MOST_MINUTES} minutes; cut it to the sweeps.")
    begin_s, pace = _place(recording, programme)
    template = sweep()
    first_us = programme.delays_us[programme.nodes[0]]
    heard: dict[str, list[tuple[float, Arrival]]] = {node: [] for node in programme.nodes}
    for slot, node in enumerate(programme.slots[1:-1], 1):
        if slot in lost:
            continue
        due_s = begin_s + (slot * programme.slot_s + (programme.delays_us[node] - first_us) / 1e6) * pace
        found = arrival.find(recording, template, due_s - REACH_S, due_s + REACH_S)
        heard[node].append(((found.at_s - due_s) / pace, found))
    late = [_judge(node, heard[node], programme.delays_us[node] / 1e6) for node in programme.nodes]
    return Measurement(late, (pace - 1.0) * 1e6)


def propose(
    measurement: Measurement, gains_db: dict[str, float], level_limit_db: float = placement.LEVEL_LIMIT_DB
) -> dict[str, Proposal]:
    """Return the settings of the nodes that were measured well, from the gains they had.

    The latest one waits for nothing, the others for it; louder ones are lowered by `level_limit_db` at most.
    """
    good = [each for each in measurement.nodes if not each.problem]
    if not good:
        return {}
    latest_s = max(each.late_s for each in good)
    delays = placement.delays_us({each.node: (latest_s - each.late_s) * 1e6 for each in good})
    levels = {each.node: each.level_db for each in good}
    gains = placement.levelled({each.node: gains_db[each.node] for each in good}, levels, level_limit_db)
    return {node: Proposal(delays[node][0], gains[node], delays[node][1]) for node in levels}


def _place(recording: Floats, programme: Programme) -> tuple[float, float]:
    """Return when the first marker arrives, seconds, and the recorder's seconds for each of the programme's."""
    marker = sweep(rising=False)
    apart_s = programme.start_s(len(programme.slots) - 1) - programme.start_s(0)
    slack_s = apart_s * _CRYSTAL_PPM * 1e-6 + _MARKER_SLACK_S
    apart = round(apart_s * _ROUGH_RATE_HZ)
    rough = resample_poly(recording, 1, _ROUGH_STEP)
    found = arrival.envelope(rough, resample_poly(marker, 1, _ROUGH_STEP))
    if len(found) <= apart:
        raise CalibrationError(
            f"The recording is {len(recording) / RATE_HZ:.1f} s long, the sweeps alone {apart_s:.1f} s: "
            "begin it before the first sweep and end it after the last."
        )
    second = maximum_filter1d(found, 2 * round(slack_s * _ROUGH_RATE_HZ) + 1)[apart:]
    begin_s = float(np.argmax(np.minimum(found[: len(second)], second))) / _ROUGH_RATE_HZ
    first = arrival.find(recording, marker, begin_s - slack_s, begin_s + slack_s)
    # The window must be as wide as the slots' to know noise from sound.
    due_s = first.at_s + apart_s
    last = arrival.find(recording, marker, due_s - slack_s, due_s + slack_s)
    for wide in (begin_s, due_s):
        problem = arrival.find(recording, marker, wide - REACH_S, wide + REACH_S).problem
        if problem:
            raise CalibrationError(
                f"The sweeps were not found in the recording; {programme.nodes[0]} at its ends is {problem}. "
                "The nodes must be those, in that order, that were played."
            )
    return first.at_s, (last.at_s - first.at_s) / apart_s


def _judge(node: str, heard: list[tuple[float, Arrival]], delay_s: float) -> Measured:
    if not heard:
        problem = "did not answer in time, or another did not: see that all are on line and measure again"
        return Measured(node, np.nan, np.nan, np.nan, 0.0, 0.0, 0.0, problem)
    good = [(late_s, each) for late_s, each in heard if not each.problem]
    used = good or heard
    late_s = float(np.median([late_s for late_s, _ in used]))
    spread_s = max(late_s for late_s, _ in used) - min(late_s for late_s, _ in used)
    problem = "" if good else heard[0][1].problem
    if good and spread_s > MOST_SPREAD_S:
        problem = f"{spread_s * 1000:.1f} ms apart from round to round: its clock or its network is not well; try later"
    return Measured(
        node=node,
        late_s=late_s,
        arrival_s=late_s + delay_s,
        level_db=float(np.mean([each.level_db for _, each in used])),
        over_noise_db=min(each.over_noise_db for _, each in used),
        over_second_db=min(each.over_second_db for _, each in used),
        spread_s=spread_s,
        problem=problem,
    )
