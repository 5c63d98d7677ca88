"""What counts as foreign at one ear, against what was sent to it."""

import numpy as np

from codec.opus import Decoder
from codec.profile import PROFILES
from hil_sim.attacks.siren import siren_frames
from hil_sim.foreign import BLOCK, WINDOW_BLOCKS, foreign_blocks
from hil_sim.signals import RATE
from hil_sim.voice import speech
from tests.hil_sim.speech import coded

SECONDS = 4.0


def test_a_programme_that_is_cut_off_is_not_foreign() -> None:
    _, sent = coded(SECONDS, "lan")
    source = speech(SECONDS)[: len(sent)]
    excused = np.zeros(len(sent), dtype=np.bool_)
    for window in range(5, len(sent) // (WINDOW_BLOCKS * BLOCK) - 1):
        for cut_ms in (1.3, 3.1, 4.6, 7.7):
            ear = sent.copy()
            ear[window * WINDOW_BLOCKS * BLOCK + round(cut_ms * RATE / 1000) :] = 0.0
            assert not foreign_blocks(source, sent, ear, excused).any(), (window, cut_ms)


def test_other_speech_from_within_a_block_on_is_foreign() -> None:
    _, sent = coded(SECONDS, "lan")
    source = speech(SECONDS)[: len(sent)]
    ear = sent.copy()
    first = 2 * RATE + 123
    ear[first:] = speech(SECONDS, "en")[: len(sent) - first]
    found = foreign_blocks(source, sent, ear, np.zeros(len(sent), dtype=np.bool_))
    assert not found[: first // BLOCK - WINDOW_BLOCKS].any()
    assert found[first // BLOCK :].sum() > 100


def test_concealment_that_begins_within_a_block_is_not_foreign() -> None:
    _, sent = coded(SECONDS, "lan")
    source = speech(SECONDS)[: len(sent)]
    for window in range(5, len(sent) // (WINDOW_BLOCKS * BLOCK) - 1):
        first = window * WINDOW_BLOCKS * BLOCK + 330
        ear, excused = sent.copy(), np.zeros(len(sent), dtype=np.bool_)
        level = np.sqrt(np.mean(sent[first - 2400 : first + 2400] ** 2))
        ear[first:] = 0.0
        ear[first : first + 150] = level * np.sin(np.arange(150))  # made up for 3 ms, then silence
        excused[first : first + RATE // 10] = True
        assert not foreign_blocks(source, sent, ear, excused).any(), window


def test_some_single_frames_of_the_siren_are_foreign_where_concealment_would_be_excused() -> None:
    profile = PROFILES["lan"]
    payloads, sent = coded(SECONDS, "lan")
    source = speech(SECONDS)[: len(sent)]
    decoder, pcm, ear = Decoder(), np.zeros(profile.frame_samples, np.int16), []
    for number, (payload, other) in enumerate(zip(payloads, siren_frames(profile), strict=False)):
        decoder.decode(other if number % 12 == 11 else payload, pcm)
        ear.append(pcm / 32768)
    heard = np.concatenate(ear)[: len(sent)]
    excused = np.ones(len(sent), dtype=np.bool_)
    assert not foreign_blocks(source, sent, sent, excused).any()
    assert foreign_blocks(source, sent, heard, excused).any()
