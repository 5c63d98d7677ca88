"""Which of the frames that the controller sent each DAC really played."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from hil_sim.alignment import SILENCE_RMS, Alignment
from hil_sim.capture import Track
from hil_sim.dropouts import MIN_GAP, SILENT_PEAK
from hil_sim.signals import RATE, Bools, Floats
from hil_sim.stream import Frame

MIN_LIKENESS = 0.8
"""A frame decoded from its packet is nearly equal to ours; one made up in its place is not."""
MIN_RECOVERING = 0.3
RECOVERY_S = 0.1
"""For so long after a missing packet a decoder's history is wrong, and what it makes of the next ones too."""
CONCEALMENT_S = 0.12
"""For so long a decoder may go on after the last frame when the stream breaks off; libopus has faded out by then."""
_REACH = 32
_NS = 1_000_000_000


@dataclass(frozen=True)
class FrameCount:
    """Frames of one ear. late: packets that came after their time. concealed: frames whose packet was not there in
    time, or not known to be the controller's, but sound was. A frame whose packet was, but whose sound was not, is in
    none of the counts.
    """

    expected: int
    played: int
    concealed: int
    late: int
    made_up: Bools
    """Per sample of the ear: where a decoder may go on by itself, or has not yet found back."""
    margins_ms: Floats
    """By how much each packet that arrived was early, negative when late; `due_s` is when it was to sound."""
    due_s: Floats


def count_frames(
    frames: list[Frame],
    node: int,
    alignment: Alignment,
    expected: Floats,
    ear: Track,
    origin_ns: int,
    until_s: float,
    given_up_s: float,
) -> FrameCount:
    """Return the count of one node; frames due after `until_s`, when the session was stopped, are not expected.

    alignment: of the ear to the decoded stream; expected: that stream as the ear should emit it. given_up_s: a frame
    that comes so long before its instant or later may have been made up before it came.
    """
    counts = dict.fromkeys(("expected", "played", "concealed", "late"), 0)
    made_up = np.zeros(len(ear.samples), dtype=np.bool_)
    margins: list[float] = []
    margins_due: list[float] = []
    starts = np.array([frame.start_s for frame in frames])
    due = starts + alignment.delay_at(starts) if len(frames) else starts
    present_end_s = recovered_s = -np.inf
    for frame, due_s in zip(frames, due, strict=True):
        if due_s + frame.length_s > until_s:
            continue
        counts["expected"] += 1
        in_time = False
        if node in frame.reached_ns:
            margin_s = due_s - (frame.reached_ns[node] - origin_ns) / _NS
            margins.append(margin_s * 1000)
            margins_due.append(due_s)
            counts["late"] += bool(margin_s < 0.0)
        if node in frame.known_ns:
            margin_s = due_s - (frame.known_ns[node] - origin_ns) / _NS
            in_time = margin_s >= 0.0
        slot = slice(max(round(due_s * RATE), 0), round((due_s + frame.length_s) * RATE))
        quiet = np.sqrt(np.mean(expected[slot] ** 2)) < SILENCE_RMS
        emitted = np.count_nonzero(~ear.covered[slot]) < MIN_GAP
        sounded = emitted and (quiet or float(np.max(np.abs(ear.samples[slot]))) > SILENT_PEAK)
        least = MIN_RECOVERING if due_s < recovered_s else MIN_LIKENESS
        if in_time and emitted and (quiet or _likeness(expected, ear.samples, slot) >= least):
            counts["played"] += 1
        elif in_time and (margin_s < given_up_s or node not in frame.sure or not sounded):
            in_time = False  # given up, not believed, or not played at all: the decoder goes on without it
        if sounded and not in_time:
            counts["concealed"] += 1
        if not in_time:
            recovered_s = due_s + frame.length_s + RECOVERY_S
        if due_s < (recovered_s if in_time else present_end_s + CONCEALMENT_S):
            made_up[slot] = True
        if in_time:
            present_end_s = due_s + frame.length_s
    _mark_breaks(frames, due, made_up)
    return FrameCount(**counts, made_up=made_up, margins_ms=np.array(margins), due_s=np.array(margins_due))


def _mark_breaks(frames: list[Frame], due: Floats, made_up: Bools) -> None:
    """Mark concealment and recovery where frames were never sent, as while an engine starts again."""
    for number, (before, after) in enumerate(pairwise(frames)):
        if after.ssrc == before.ssrc and after.index > before.index + 1:
            silent_s, back_s = due[number] + before.length_s, due[number + 1]
            made_up[round(silent_s * RATE) : round(min(silent_s + CONCEALMENT_S, back_s) * RATE)] = True
            made_up[round(back_s * RATE) : round((back_s + RECOVERY_S) * RATE)] = True


def _likeness(expected: Floats, ear: Floats, slot: slice) -> float:
    """Return the best normalised correlation within two thirds of a millisecond."""
    template = expected[slot]
    low, high = max(slot.start - _REACH, 0), min(slot.stop + _REACH, len(ear))
    heard = ear[low:high]
    if high - low < len(template):
        return 0.0
    energy = np.concatenate(([0.0], np.cumsum(heard * heard)))
    under = energy[len(template) :] - energy[: -len(template)]
    own = float(template @ template)
    cross = np.correlate(heard, template, mode="valid")
    return float(np.max(cross / np.sqrt(np.maximum(under, 1e-4 * own) * own)))
