"""Which of the frames that the controller sent each DAC really played."""

from dataclasses import dataclass

import numpy as np

from hil_sim.alignment import SILENCE_RMS, Alignment
from hil_sim.capture import Track
from hil_sim.dropouts import SILENT_PEAK
from hil_sim.signals import RATE, Bools, Floats
from hil_sim.stream import Frame

MIN_LIKENESS = 0.8
"""A frame decoded from its packet is nearly equal to ours; one made up in its place is not."""
_REACH = 32
_NS = 1_000_000_000


@dataclass(frozen=True)
class FrameCount:
    """Frames of one ear. concealed: sound in place of a packet. late: packets that came after their time."""

    expected: int
    played: int
    concealed: int
    late: int
    made_up: Bools
    """Per sample of the ear: sound that no packet stood behind."""
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
) -> FrameCount:
    """Return the count of one node; frames due after `until_s`, when the session was stopped, are not
    expected.

    alignment: of the ear to the decoded stream; expected: that stream as the ear should emit it.
    """
    counts = dict.fromkeys(("expected", "played", "concealed", "late"), 0)
    made_up = np.zeros(len(ear.samples), dtype=np.bool_)
    margins: list[float] = []
    margins_due: list[float] = []
    starts = np.array([frame.start_s for frame in frames])
    due = starts + alignment.delay_at(starts) if len(frames) else starts
    for frame, due_s in zip(frames, due, strict=True):
        if due_s + frame.length_s > until_s:
            continue
        counts["expected"] += 1
        in_time = False
        if node in frame.reached_ns:
            margin_s = due_s - (frame.reached_ns[node] - origin_ns) / _NS
            margins.append(margin_s * 1000)
            margins_due.append(due_s)
            in_time = margin_s >= 0.0
            counts["late"] += not in_time
        slot = slice(max(round(due_s * RATE), 0), round((due_s + frame.length_s) * RATE))
        quiet = np.sqrt(np.mean(expected[slot] ** 2)) < SILENCE_RMS
        emitted = bool(ear.covered[slot].all())
        sounded = emitted and (quiet or float(np.max(np.abs(ear.samples[slot]))) > SILENT_PEAK)
        if in_time and emitted and (quiet or _likeness(expected, ear.samples, slot) >= MIN_LIKENESS):
            counts["played"] += 1
        elif sounded:
            counts["concealed"] += 1
            made_up[slot] = True
    return FrameCount(**counts, made_up=made_up, margins_ms=np.array(margins), due_s=np.array(margins_due))


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
