"""All that one DAC's capture tells, against the source and against what the controller sent."""

from dataclasses import dataclass, replace

import numpy as np

from hil_sim.alignment import WINDOW_S, Alignment, align
from hil_sim.capture import Track
from hil_sim.dropouts import LOUD_RMS, Gap, find_gaps
from hil_sim.expected import expected_sound
from hil_sim.foreign import BLOCK, foreign_blocks
from hil_sim.frames import FrameCount, count_frames
from hil_sim.intelligibility import judge_pesq, judge_stoi
from hil_sim.resampling import interpolate
from hil_sim.signals import RATE, Bools, Floats, moving_rms
from hil_sim.stream import Frame

_ONSET_WIDTH = RATE // 500


@dataclass(frozen=True)
class Programme:
    """What was to be heard. source: what entered the mixer; held: where nothing entered though the session
    went on.

    given_up_s: of :mod:`hil_sim.patience`. sent, frames: of :mod:`hil_sim.stream`. command_s, stop_s: when the session
    was asked for and stopped.
    """

    source: Floats
    held: Bools
    sent: Floats
    frames: list[Frame]
    origin_ns: int
    command_s: float
    stop_s: float
    given_up_s: float


@dataclass(frozen=True)
class EarReport:
    """Findings of one ear; None where there was nothing to find it from."""

    node: int
    alignment: Alignment
    frames: FrameCount
    gaps: list[Gap]
    foreign_ms: float
    first_sound_ms: float | None
    stoi: float | None
    pesq: float | None


def judge_ear(programme: Programme, node: int, ear: Track, alignment: Alignment, otherwise_s: float) -> EarReport:
    """Return the findings of `node`; `otherwise_s` is the delay it is held to if it was never aligned."""
    source, length = programme.source, len(ear.samples)
    due = expected_sound(source, alignment, length, otherwise_s)
    to_sent = align(programme.sent, ear.samples)
    if not np.isfinite(to_sent.rough_s):
        to_sent = replace(alignment, rough_s=otherwise_s) if not np.isfinite(alignment.rough_s) else alignment
    sent_due = expected_sound(programme.sent, to_sent, length, otherwise_s)
    frames = count_frames(
        programme.frames, node, to_sent, sent_due, ear, programme.origin_ns, programme.stop_s, programme.given_up_s
    )
    held_due = expected_sound(programme.held.astype(np.float64), alignment, length, otherwise_s) > 0.5
    before_stop = np.arange(length) < programme.stop_s * RATE
    gaps = find_gaps(np.where(before_stop, due, 0.0), ear, held_due & before_stop)
    heard = np.isfinite(alignment.rough_s)
    stoi = pesq = None
    if heard:
        delay = float(np.nanmedian(alignment.delay_s))
        span = _programme_span(source, programme.stop_s - delay)
        shifted = interpolate(ear.samples, np.arange(span.start, span.stop) + delay * RATE)
        stoi, pesq = judge_stoi(source[span], shifted), judge_pesq(source[span], shifted)
    foreign = foreign_blocks(due if heard else np.zeros(length), sent_due, ear.samples, frames.made_up)
    return EarReport(
        node=node,
        alignment=alignment,
        frames=frames,
        gaps=gaps,
        foreign_ms=float(np.count_nonzero(foreign)) * BLOCK / RATE * 1000,
        first_sound_ms=_first_sound_ms(programme, ear, alignment),
        stoi=stoi,
        pesq=pesq,
    )


def _programme_span(source: Floats, stop_s: float) -> slice:
    """Return the samples from the source's first loud one to its last before the stop."""
    loud = np.flatnonzero(moving_rms(source, _ONSET_WIDTH) > LOUD_RMS)
    loud = loud[loud < stop_s * RATE]
    return slice(int(loud[0]), int(loud[-1]) + 1) if len(loud) else slice(0, 0)


def _first_sound_ms(programme: Programme, ear: Track, alignment: Alignment) -> float | None:
    """Return command to the emission of the programme's first sample, or to the ear's own later onset."""
    loud = np.flatnonzero(moving_rms(programme.source, _ONSET_WIDTH) > LOUD_RMS)
    first_window = np.flatnonzero(alignment.measured)
    if not len(loud) or not len(first_window):
        return None
    first_s = loud[0] / RATE
    due_s = first_s + float(alignment.delay_at(np.array([first_s]))[0])
    window_s = float(alignment.start_s[first_window[0]] + alignment.delay_s[first_window[0]])
    search = ear.samples[round((due_s - WINDOW_S / 2) * RATE) : round((window_s + WINDOW_S) * RATE)]
    onset = np.flatnonzero(moving_rms(search, _ONSET_WIDTH) > LOUD_RMS / 2)
    emitted_s = due_s - WINDOW_S / 2 + onset[0] / RATE if len(onset) else window_s
    return float((max(due_s, emitted_s) - programme.command_s) * 1000)
