"""STOI (Taal et al., 2011) and wide-band PESQ (ITU-T P.862.2) of an ear against the source."""

import numpy as np
from pesq import PesqError, pesq
from pystoi import stoi
from scipy.signal import resample_poly

from hil_sim.signals import RATE, Floats, db_to_ratio

PIECE_S = 8.0
"""P.862 is made for samples of 8 to 12 s; longer ones are judged in pieces of this length and averaged."""
MOST_PIECES = 16
"""Of a long programme so many pieces are judged, evenly spread: each takes half a second."""
MIN_PIECE_S = 4.0
MIN_ACTIVE_SHARE = 0.3
_ACTIVE_RMS = db_to_ratio(-45.0)
_PESQ_RATE = 16_000


def judge_stoi(source: Floats, ear: Floats) -> float | None:
    """Return STOI, 0 to 1, of two aligned signals of one length; None when there is too little speech."""
    if _active_share(source) * len(source) < RATE:  # STOI needs 30 frames of 384 ms that are not silent
        return None
    return float(stoi(source, ear, RATE))


def judge_pesq(source: Floats, ear: Floats) -> float | None:
    """Return MOS-LQO, 1.04 to 4.64, averaged over pieces with speech in them; None when there is none."""
    scores = []
    length = round(PIECE_S * RATE)
    pieces = [(source[first : first + length], ear[first : first + length]) for first in range(0, len(source), length)]
    spoken_in = [pair for pair in pieces if _is_speech(pair[0])]
    for number in range(min(len(spoken_in), MOST_PIECES)):
        spoken, heard = spoken_in[number * len(spoken_in) // min(len(spoken_in), MOST_PIECES)]
        if not np.any(heard):
            scores.append(1.04)  # the scale's floor; P.862 has no score for silence
            continue
        score = pesq(_PESQ_RATE, _narrow(spoken), _narrow(heard), "wb", on_error=PesqError.RETURN_VALUES)
        scores.append(max(float(score), 1.04))
    return float(np.mean(scores)) if scores else None


def _is_speech(piece: Floats) -> bool:
    return len(piece) >= MIN_PIECE_S * RATE and _active_share(piece) >= MIN_ACTIVE_SHARE


def _narrow(samples: Floats) -> Floats:
    return np.asarray(resample_poly(samples, 1, RATE // _PESQ_RATE))


def _active_share(samples: Floats) -> float:
    width = RATE // 50
    frames = samples[: len(samples) // width * width].reshape(-1, width)
    return float(np.mean(np.sqrt(np.mean(frames**2, axis=1)) > _ACTIVE_RMS)) if len(frames) else 0.0
