"""The judge of a virtual village hears what is late, wrong, missing, made up and foreign: it can fail."""

from array import array
from typing import Any

import pytest

from codec.profile import PROFILES
from codec.wire import rtp
from hil_sim.virtual.codec import LOW, MADE_UP, SPAN, Coder, Decoder, place_of, programme
from hil_sim.virtual.ear import FOREIGN, MADE, SILENT, WRONG, Ear, Programme

SSRC, FRAME_US, LEAD_US, MEDIA0_US = 9, 20_000, 150_000, 1_000_000
FRAME = 960


class Village:
    """A programme of which frames were sent, and an ear; true time is media time."""

    def __init__(self, frames: int = 60) -> None:
        self.now_us = 0
        self.programme = Programme(lambda ns: self.now_us if ns < 0 else ns // 1000)
        self.programme.stream(SSRC, MEDIA0_US, FRAME_US, LEAD_US)
        self.ear = Ear(self.programme, 50_000, lag_us=60_000)
        self.packets = [packet(index) for index in range(frames)]
        for data in self.packets:
            self.programme.on_sent(data)

    def arrive(self, index: int, late_us: int = 5_000) -> None:
        self.now_us = MEDIA0_US + index * FRAME_US + late_us
        self.ear.arrive(self.packets[index])

    def hear(self, first_sample: int, block: Any, late_us: int = 0) -> None:
        at_us = MEDIA0_US + LEAD_US + first_sample * 125 // 6 + late_us
        self.ear.hear(at_us * 1000, block)

    def play(self, samples: range, late_us: int = 0) -> None:
        for first in samples:
            self.hear(first, saw(first), late_us)


def saw(first: int, samples: int = 480) -> "array[int]":
    return array("h", [LOW + (first + n) % SPAN for n in range(samples)])


def packet(index: int) -> bytes:
    payload = bytearray(60)
    coder = Coder(PROFILES["lan"])
    length = coder.encode_into(saw(index * FRAME, FRAME), payload)
    data = bytearray(rtp.HEADER_BYTES + length)
    rtp.pack_header(data, 0, False, rtp.PAYLOAD_TYPE_OPUS, index, index * FRAME, SSRC)
    data[rtp.HEADER_BYTES :] = payload[:length]
    return bytes(data)


def test_a_node_in_time_is_heard_so() -> None:
    village = Village()
    for index in range(60):
        village.arrive(index)
    village.play(range(0, 50 * FRAME, 480))
    assert village.ear.faults == []
    assert village.ear.played == 50
    assert max(map(abs, village.ear.late_us.values())) < 25


@pytest.mark.parametrize("late_us", [-7_000, -300, 400, 12_000, 45_000, -150_000])
def test_how_late_it_is_is_measured(late_us: int) -> None:
    village = Village()
    for index in range(60):
        village.arrive(index)
    village.play(range(0, 40 * FRAME, 480), late_us)
    measured = list(village.ear.late_us.values())
    assert len(measured) >= 7
    assert measured == pytest.approx([late_us] * len(measured), abs=30)


def test_another_place_of_the_programme_is_wrong() -> None:
    village = Village()
    village.play(range(0, 20 * FRAME, 480), late_us=60_000)
    assert {fault.kind for fault in village.ear.faults} == {WRONG}
    assert list(village.ear.late_us.values()) == pytest.approx([60_000] * len(village.ear.late_us), abs=30)


def test_silence_and_what_is_made_up_are_told_with_whether_packets_were_there() -> None:
    village = Village()
    for index in range(60):
        if index != 30:
            village.arrive(index)
    village.play(range(0, 20 * FRAME, 480))
    village.hear(20 * FRAME, array("h", [0] * 480))
    village.play(range(20 * FRAME + 480, 30 * FRAME, 480))
    village.hear(30 * FRAME, array("h", [MADE_UP] * 480))
    faults = [(fault.kind, fault.in_time) for fault in village.ear.faults]
    assert faults == [(SILENT, True), (MADE, False)]
    village.play(range(31 * FRAME, 40 * FRAME, 480))
    assert village.ear.gaps_ms == pytest.approx([10.0], abs=0.1)


def test_a_packet_that_came_too_late_excuses_silence() -> None:
    village = Village()
    village.arrive(10, late_us=100_000)
    village.play(range(0, 10 * FRAME, 480))
    village.hear(10 * FRAME + 240, array("h", [0] * 480))
    assert [(fault.kind, fault.in_time) for fault in village.ear.faults] == [(SILENT, False)]
    village.arrive(11, late_us=200_000)
    assert village.ear.late == 1


def test_sound_where_nothing_was_sent_is_foreign() -> None:
    village = Village(frames=10)
    village.hear(200 * FRAME, saw(0))
    assert [fault.kind for fault in village.ear.faults] == [FOREIGN]
    assert village.ear.foreign_us == 10_000


def test_codec_gives_back_its_part_of_the_programme() -> None:
    pcm = memoryview(array("h", [0] * FRAME))
    decoder = Decoder()
    for index in (0, 17, 18, 1000):
        data = packet(index)
        assert place_of(data[rtp.HEADER_BYTES :]) == index * FRAME % SPAN
        assert decoder.decode(data[rtp.HEADER_BYTES :], pcm) == FRAME
        assert pcm.tolist() == saw(index * FRAME, FRAME).tolist()
    assert decoder.decode(None, pcm) == FRAME
    assert set(pcm.tolist()) == {MADE_UP}
    with pytest.raises(ValueError, match="no packet"):
        decoder.decode(b"x", pcm)
    assert len(programme(5, 100)) == 400
