"""What is heard of a stream whose packets were lost, paused, repeated or are none."""

import numpy as np
import pytest
from numpy.typing import NDArray

from codec.opus import Encoder
from controller.hearing import MOST_CONCEALED, Hearing

FRAME = 960
COUNT = 60


@pytest.fixture(scope="module")
def packets() -> list[bytes]:
    """A voice that rises, coded for a line that loses much."""
    encoder = Encoder(FRAME, bitrate=32_000, fec=True, expected_loss_percent=30)
    at = np.arange(COUNT * FRAME) / 48_000
    sound = (12_000 * np.sin(2 * np.pi * (200 + 150 * at) * at) * (1 + 0.3 * np.sin(20 * at)) / 1.3).astype(np.int16)
    room = bytearray(1275)
    found = []
    for number in range(COUNT):
        size = encoder.encode_into(np.ascontiguousarray(sound[number * FRAME : (number + 1) * FRAME]), room)
        found.append(bytes(room[:size]))
    return found


def samples(frames: list[tuple[int, bytes]]) -> dict[int, NDArray[np.int16]]:
    return {number: np.frombuffer(sound, "<i2") for number, sound in frames}


def whole(packets: list[bytes]) -> dict[int, NDArray[np.int16]]:
    hearing = Hearing(20_000)
    return samples([frame for number, packet in enumerate(packets) for frame in hearing.hear(number, packet, False)])


def test_each_frame_comes_once(packets: list[bytes]) -> None:
    found = whole(packets)
    assert list(found) == list(range(COUNT)) and all(len(sound) == FRAME for sound in found.values())
    assert np.abs(found[30]).max() > 3000


@pytest.mark.parametrize("lost", [1, 2, MOST_CONCEALED])
def test_what_was_lost_is_made_up(packets: list[bytes], lost: int) -> None:
    hearing, true = Hearing(20_000), whole(packets)
    for number in range(30):
        hearing.hear(number, packets[number], False)
    found = samples(hearing.hear(30 + lost, packets[30 + lost], False))
    assert list(found) == list(range(30, 31 + lost))
    assert np.abs(found[30]).max() > 1000, "the voice goes on"
    for number in (29 + lost, 30 + lost):
        likeness = np.corrcoef(found[number].astype(float), true[number].astype(float))[0, 1]
        assert likeness > 0.5, f"{number}: the last one is restored from the next packet"
    assert np.abs(found[29 + lost]).max() > 3000


def test_a_pause_and_a_long_gap_are_left_as_they_are(packets: list[bytes]) -> None:
    for number, marker in ((32, True), (31 + MOST_CONCEALED, False)):
        hearing = Hearing(20_000)
        for early in range(30):
            hearing.hear(early, packets[early], False)
        assert list(samples(hearing.hear(number, packets[number], marker))) == [number]


def test_what_comes_again_or_is_no_sound_gives_nothing(packets: list[bytes]) -> None:
    hearing = Hearing(20_000)
    assert len(hearing.hear(5, packets[5], False)) == 1
    assert hearing.hear(5, packets[5], False) == hearing.hear(4, packets[4], False) == []
    assert hearing.hear(6, b"\xff" * 3, False) == []
    assert [number for number, _ in hearing.hear(7, packets[7], False)] == [7]
