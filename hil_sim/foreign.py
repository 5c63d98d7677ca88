"""Sound at a DAC that is not the programme's.

Three kinds: an attacker's siren, which one frame is enough to know; sound where the programme, delayed as
this DAC delays it, is silent; and sound in the programme's time that has nothing of it, which is a window of
100 ms whose correlation with what was sent stays below MAX_CORRELATION. Concealment of packets that never came
is not counted, but for the siren: that is the programme's own sound, continued.
"""

import numpy as np
from scipy.ndimage import maximum_filter1d

from hil_sim.attacks.siren import siren_blocks
from hil_sim.dropouts import SILENT_PEAK
from hil_sim.signals import RATE, Bools, Floats, db_to_ratio, moving_rms

BLOCK = RATE // 100
WINDOW_BLOCKS = 10
SOUND_RMS = db_to_ratio(-46.0)
"""An ear sounds in a block of 10 ms above this."""
ABSENT_RMS = db_to_ratio(-60.0)
"""The programme is absent where it is below this for GUARD either side: codecs ring, filters have tails."""
GUARD = round(0.06 * RATE)
MAX_CORRELATION = 0.7
"""What was sent comes out of a decoder nearly equal; other voices of the same pitch reach 0.6 by chance."""
MAX_EXCUSED_SHARE = 0.15
"""A window with more concealment than this says nothing."""
MAX_CONCEALMENT_RATIO = 2.0
"""Concealment is never 6 dB louder than what was sent around it; a decoder that booms is nobody's programme."""
_AROUND_BLOCKS = 15
_REACH = RATE // 1000


def foreign_blocks(source: Floats, sent: Floats, ear: Floats, excused: Bools) -> Bools:
    """Return, for each 10 ms of the ear, whether it emits what is not the programme's.

    source, sent: what entered the mixer and what it decodes to after coding, as this ear should emit them (of
    :func:`hil_sim.expected.expected_sound`); all signals of one length. excused: per sample, concealment (of
    :func:`hil_sim.frames.count_frames`).
    """
    blocks = len(ear) // BLOCK
    end = blocks * BLOCK
    absent = ~(moving_rms(source, 2 * GUARD) * np.sqrt(2 * GUARD / BLOCK) > ABSENT_RMS)
    absent_blocks = absent[:end].reshape(blocks, BLOCK).all(axis=1)
    level = np.sqrt(np.mean(ear[:end].reshape(blocks, BLOCK) ** 2, axis=1))
    sent_level = np.sqrt(np.mean(sent[:end].reshape(blocks, BLOCK) ** 2, axis=1))
    loudest = MAX_CONCEALMENT_RATIO * maximum_filter1d(sent_level, 2 * _AROUND_BLOCKS + 1)
    excused_share = excused[:end].reshape(blocks, BLOCK).mean(axis=1)
    excused_blocks = (excused_share > 0.5) & (level <= loudest)
    touched_blocks = (excused_share > 0) & (level <= loudest)
    sounding = level > SOUND_RMS
    foreign = sounding & absent_blocks & ~excused_blocks
    for first in range(0, blocks, WINDOW_BLOCKS):
        window = slice(first, min(first + WINDOW_BLOCKS, blocks))
        heard = first + np.flatnonzero(sounding[window] & ~absent_blocks[window])
        if not len(heard):
            continue
        inside = slice(int(heard[0]) * BLOCK, (int(heard[-1]) + 1) * BLOCK)
        if np.mean(touched_blocks[heard[0] : heard[-1] + 1]) > MAX_EXCUSED_SHARE:
            continue
        if _likeness(sent, ear, _trimmed(ear, inside)) < MAX_CORRELATION:
            foreign[window] |= sounding[window]
    return np.asarray(foreign | siren_blocks(sent, ear[:end], BLOCK))


def _trimmed(ear: Floats, inside: slice) -> slice:
    """Return `inside` without silence at its ends: a programme that is cut off within a block is still its own."""
    heard = inside.start + np.flatnonzero(np.abs(ear[inside]) > SILENT_PEAK)
    return slice(int(heard[0]), int(heard[-1]) + 1)


def _likeness(sent: Floats, ear: Floats, inside: slice) -> float:
    """Return the best normalised correlation within a millisecond either way."""
    heard = ear[inside]
    low, high = max(inside.start - _REACH, 0), min(inside.stop + _REACH, len(sent))
    around = sent[low:high]
    energy = np.concatenate(([0.0], np.cumsum(around * around)))
    under = energy[len(heard) :] - energy[: -len(heard)]
    own = float(heard @ heard)
    cross = np.correlate(around, heard, mode="valid")
    return float(np.max(cross / np.sqrt(np.maximum(under, 1e-4 * own) * own)))
