"""The whole pipeline in virtual time: each sample at its instant, whatever happens to its packets.

A frame is played once a packet `lag` frames later has told its key: 60 ms after it where frames have 20 ms, 20 ms where
they have 10. What is sent last is therefore not played here; the engine sends so many frames of silence more.
"""

import math

from village import HZ, LEVEL, Node
from voice import packet


def _locked(ppm, **settings):
    node = Node(ppm, **settings)
    node.run(3000)
    assert node.clock.locked(node.local(node.now_us))
    return node


def _low():
    """A node of a wired village, where frames have 10 ms and packets take one."""
    return _locked(20, frame_us=10000, delay_us=1000, turn_us=1000)


def _worst_us(errors):
    assert errors, "nothing was emitted"
    return max([abs(error) for error in errors])


def check_every_sample_leaves_at_its_instant():
    for ppm in (-50, 0, 50):
        node = _locked(ppm)
        stream = node.stream()
        node.pipeline.announce([stream], node.local(node.now_us))
        node.send(stream, 0, 153)
        node.run(40)
        assert node.counters["played"] >= 148
        for name in ("lost", "late", "underruns"):
            assert node.counters[name] == 0, node.counters
        assert _worst_us(node.errors_us(stream, 480, 120 * 960)) < 100, ppm


def check_short_lead_plays_too():
    node = _low()
    stream = node.stream(lead_us=53000)
    node.pipeline.announce([stream], node.local(node.now_us))
    node.send(stream, 0, 100, late_us=1000)
    assert node.counters["lost"] == node.counters["late"] == 0, node.counters
    assert _worst_us(node.errors_us(stream, 480, 80 * 480)) < 100


def check_a_late_packet_is_waited_for():
    # Of the lead a node takes 50 ms for itself, or 25, and 60 or 20 are for the key: what is left is for the way.
    for node, lead_us, late_us in ((_locked(20), 150000, 25000), (_low(), 53000, 1000)):
        stream = node.stream(lead_us=lead_us)
        node.pipeline.announce([stream], node.local(node.now_us))
        node.send(stream, 0, 60, late_us=0)
        node.send(stream, 60, 40, late_us=late_us)
        assert node.counters["lost"] == node.counters["late"] == 0, node.counters


def check_a_stall_within_what_is_queued_is_not_heard():
    # What was read before the stall waits for keys that come after it.
    for node, lead_us, stall_ms in ((_locked(20), 150000, 40), (_low(), 53000, 8)):
        stream = node.stream(lead_us=lead_us)
        node.pipeline.announce([stream], node.local(node.now_us))
        node.send(stream, 0, 60, late_us=1000)
        node.stall(stall_ms)
        node.send(stream, 60, 60, late_us=1000)
        assert node.counters["lost"] == node.counters["underruns"] == 0, node.counters
        frame_samples = stream.frame_us * 48 // 1000
        assert _worst_us(node.errors_us(stream, 480, 100 * frame_samples)) < 100


def check_after_a_gap_the_node_is_in_time_at_once():
    for stall_ms in range(50, 80, 3):
        node = _low()
        stream = node.stream(lead_us=53000)
        node.pipeline.announce([stream], node.local(node.now_us))
        node.send(stream, 0, 60, late_us=1000)
        node.stall(stall_ms)
        node.send(stream, 60, 60, late_us=1000)
        assert node.counters["underruns"] >= 1, node.counters
        again = (60 + stall_ms // 10 + 12) * 480
        assert _worst_us(node.errors_us(stream, again, 30 * 480)) < 150, stall_ms


def check_after_the_dac_ran_dry_nothing_old_is_heard():
    node = _locked(20, frame_us=10000)
    stream = node.stream(lead_us=60000)
    node.pipeline.announce([stream], node.local(node.now_us))
    node.send(stream, 0, 60, late_us=2000)
    node.stall(120)
    node.send(stream, 60, 60, late_us=2000)
    assert node.counters["underruns"] >= 1, node.counters
    # But for the fade-in whatever sounds is in its place.
    assert _worst_us(node.errors_us(stream, 72 * 480, 40 * 480)) < 150
    previous = 0
    for first, block in node.emitted:
        for sample in block:
            assert previous or abs(sample) < 200, (first, sample)  # out of silence only by a ramp
            previous = sample


def check_the_longest_lead_is_held():
    for frame_us in (2500, 20000):
        node = _locked(20, frame_us=frame_us)
        stream = node.stream(lead_us=100 * frame_us)
        node.pipeline.announce([stream], node.local(node.now_us))
        node.send(stream, 0, 150)
        assert node.counters["unexpected"] == node.counters["late"] == 0, node.counters
        assert _worst_us(node.errors_us(stream, 480, 20 * frame_us * 48 // 1000)) < 100


def check_a_node_that_comes_late_joins_in_time():
    node = _locked(30)
    stream = node.stream(start_in_us=-10000000000)
    node.pipeline.announce([stream], node.local(node.now_us))
    first = (node.media(node.now_us) - stream.media0_us) // stream.frame_us
    node.send(stream, first, 60)
    assert _worst_us(node.errors_us(stream, (first + 12) * 960, 30 * 960)) < 100


def check_a_lost_frame_comes_from_the_next_packet():
    node = _locked(0)
    stream = node.stream(lead_us=170000)  # two packets that are lost tell two keys 40 ms later
    node.pipeline.announce([stream], node.local(node.now_us))
    node.send(stream, 0, 60, drop=(20, 30, 31))
    assert node.counters["lost"] == 3
    assert node.counters["concealed"] == 3
    # The only frame that is not the programme's is the one that no other packet had a copy of.
    assert _worst_us(node.errors_us(stream, 960, 29 * 960)) < 100
    assert _worst_us(node.errors_us(stream, 31 * 960, 15 * 960)) < 100


def check_after_a_long_gap_the_decoder_forgets_what_was_before():
    node = _locked(0)
    stream = node.stream()
    node.pipeline.announce([stream], node.local(node.now_us))
    node.send(stream, 0, 30, drop=(12,))
    resets = node.opus.resets
    node.send(stream, 30, 40, drop=(40, 41, 42, 43, 44, 45, 46, 47))
    assert node.opus.resets == resets + 1, node.opus.resets - resets


def check_what_is_not_ours_is_counted_and_not_played():
    node = _locked(0)
    stream = node.stream()
    stranger = node.stream(ssrc=8)
    node.pipeline.announce([stream], node.local(node.now_us))
    now_us = node.local(node.now_us)
    node.pipeline.receive(b"", now_us)
    node.pipeline.receive(b"\x80\x60", now_us)
    node.pipeline.receive(node.packet(stranger, 0), now_us)
    node.pipeline.receive(bytes(packet(stream, 0xFFFFFFF0, b"far")), now_us)
    node.send(stream, 0, 3)
    for _ in range(2):
        node.pipeline.receive(node.packet(stream, 3, b"garbage"), node.local(node.now_us))
    node.send(stream, 4, 20)
    assert node.counters["malformed"] == 3, node.counters
    assert node.counters["unexpected"] == 1, node.counters
    assert node.counters["forged"] == 1, node.counters  # of years from now
    assert node.counters["duplicate"] == 1, node.counters
    assert node.counters["played"] > 15


def check_emergency_takes_over_and_gives_back():
    node = _locked(0)
    music = node.stream(ssrc=1, priority=0)
    node.pipeline.announce([music], node.local(node.now_us))
    node.send(music, 0, 30)
    assert node.pipeline.player.on_air == 1
    alarm = node.stream(ssrc=2, priority=4, start_in_us=0)
    node.pipeline.announce([music, alarm], node.local(node.now_us))
    assert node.pipeline.player.on_air == 1  # announced is not heard
    node.send(alarm, 0, 30)
    assert node.pipeline.player.on_air == 2
    assert _worst_us(node.errors_us(alarm, 2400, 15 * 960)) < 100
    node.run(2200)  # the alarm dies without a word
    assert node.pipeline.player.on_air is None
    first = (node.media(node.now_us) - music.media0_us) // music.frame_us
    node.send(music, first, 20)
    assert node.pipeline.player.on_air == 1
    node.pipeline.announce([], node.local(node.now_us))
    node.run(200)
    assert node.pipeline.player.on_air is None
    assert max(node.emitted[-1][1]) == min(node.emitted[-1][1]) == 0


def check_nothing_clicks():
    node = _locked(40)
    stream = node.stream()
    node.pipeline.announce([stream], node.local(node.now_us))
    node.send(stream, 0, 40)
    node.pipeline.announce([], node.local(node.now_us))
    node.run(300)
    previous = 0
    for _, block in node.emitted:
        for sample in block:
            assert abs(sample - previous) < 200, (previous, sample)  # the programme's own steps are 65
            previous = sample


def check_a_jump_of_the_media_clock_is_followed():
    node = _locked(0)
    stream = node.stream()
    node.pipeline.announce([stream], node.local(node.now_us))
    node.send(stream, 0, 50)
    stream.media0_us += 30000  # a new announcement moves the mapping by 30 ms
    node.pipeline.announce([stream], node.local(node.now_us))
    node.send(stream, 50, 50)
    assert node.counters["resyncs"] == 1
    assert _worst_us(node.errors_us(stream, 65 * 960, 20 * 960)) < 100


def check_a_step_of_10_ms_is_taken_without_a_click_or_a_gap():
    for step_us in (10000, -10000):
        node = _locked(30)
        stream = node.stream()
        node.pipeline.announce([stream], node.local(node.now_us))
        node.send(stream, 0, 50)
        first = len(node.emitted)
        stream.media0_us += step_us
        node.pipeline.announce([stream], node.local(node.now_us))
        node.send(stream, 50, 200)
        assert node.counters["resyncs"] == node.counters["lost"] == node.counters["underruns"] == 0, node.counters
        assert _worst_us(node.errors_us(stream, 200 * 960, 40 * 960)) < 150
        steepest = LEVEL * 2 * math.pi * HZ / 48000 * 1.006 + 2
        previous = None
        for _, block in node.emitted[first:]:
            for sample in block:
                assert previous is None or abs(sample - previous) < steepest, (previous, sample)
                previous = sample


def check_the_test_tone_sounds_only_in_silence():
    node = _locked(0)
    before = len(node.emitted)
    assert node.pipeline.player.tone(200)
    node.run(400)
    loud = [first for first, block in node.emitted[before:] if max(block) > 8000]
    assert 18 <= len(loud) <= 20, len(loud)
    stream = node.stream()
    node.pipeline.announce([stream], node.local(node.now_us))
    node.send(stream, 0, 10)
    assert not node.pipeline.player.tone(200)
