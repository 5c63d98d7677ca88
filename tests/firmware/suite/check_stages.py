"""What each other stage promises, by plain functions that run on CPython and MicroPython alike."""

from array import array

from chance import Chance

from codec.wire import announcement
from firmware.node import hot, hot_plain
from firmware.node.counters import new_counters
from firmware.node.drift import ONE, DriftCorrector
from firmware.node.jitter import CAPACITY, MAX_BYTES, JitterBuffer
from firmware.node.line import Line
from firmware.node.streams import DEAD_AFTER_US, Streams
from firmware.node.ticks import Unwrapper
from firmware.node.volume import UNITY, Volume


def check_ticks_unwrap_for_days():
    period = 1 << 30
    unwrapper = Unwrapper(period)
    true_us = period - 5000000
    base = unwrapper.local_us(true_us & (period - 1)) - true_us
    for _ in range(5000):
        true_us += 500000000  # just under half a period
        assert unwrapper.local_us(true_us & (period - 1)) == true_us + base
        late_us = true_us - 300000
        assert unwrapper.local_us(late_us & (period - 1)) == late_us + base


def check_line_learns_offset_and_drift():
    chance = Chance(1)
    line = Line(60.0, 0.02)
    x_us = 1 << 40
    for _ in range(300):
        x_us += 250000
        y_us = x_us + 123456789012 + (x_us - (1 << 40)) * 40 // 1000000
        line.update(x_us, y_us + chance.next(1001) - 500, 300.0)
    y_us = x_us + 123456789012 + (x_us - (1 << 40)) * 40 // 1000000
    assert -150 < line.y_us(x_us) - y_us < 150, line.y_us(x_us) - y_us
    assert -3 < line.drift_ppm - 40 < 3, line.drift_ppm
    assert -2 <= line.x_us(line.y_us(x_us + 3000000)) - (x_us + 3000000) <= 2
    line.restart()
    assert not line.known
    line.update(x_us + 10, x_us, 30.0)
    assert line.y_us(x_us + 10) == x_us


def check_jitter_buffer_holds_no_more_bytes_than_a_node_has():
    jitter = JitterBuffer(new_counters())
    for start in (0, 1000):  # what is taken, given up or forgotten makes room again
        jitter.restart(start)
        taken = [jitter.put(start + i, bytes(1000), 0) for i in range(CAPACITY)]
        assert sum(taken) == MAX_BYTES // 1000
        assert jitter.put(start + 40, bytes(MAX_BYTES % 1000), 0)
        assert not jitter.put(start + 41, b"x", 0)
        assert len(jitter.take(start)) == 1000
        assert jitter.put(start + 41, bytes(1000), 0)
        jitter.raise_floor(start + 30)
        assert not jitter.put(start + 29, bytes(1000), 0)
        for i in range(MAX_BYTES // 1000 - 2):
            assert jitter.put(start + 50 + i, bytes(1000), 0), i
        assert not jitter.put(start + 100, bytes(1001), 0)


def check_jitter_buffer_orders_and_counts():
    counters = new_counters()
    jitter = JitterBuffer(counters)
    assert jitter.put(5, b"x", 0) is False  # no floor yet
    jitter.restart(5)
    for index in (7, 5, 6, 5):
        jitter.put(index, b"%d" % index, 1000 * index)
    assert counters["duplicate"] == 1
    assert jitter.first(3) == 5
    assert jitter.take(5) == b"5"
    assert jitter.put(5, b"5", 0) is False
    assert counters["late"] == 1
    assert jitter.put(6 + CAPACITY, b"far", 0) is False
    assert counters["unexpected"] == 1
    assert jitter.peek(7) == b"7"
    assert jitter.take(8) is None
    assert jitter.peek(7) is None
    assert jitter.least_slack_us == 0
    jitter.raise_floor(1000000)
    assert jitter.first(4) is None
    assert jitter.put(1000000, b"y", 0) is True


def check_highest_live_stream_wins_and_a_dead_one_falls():
    streams = Streams()
    low = announcement.Stream(1, 20000, 0, 150000, 0)
    high = announcement.Stream(2, 20000, 0, 150000, 4)
    streams.replace([low, high])
    assert streams.select(0) is None
    streams.heard(1, 0)
    assert streams.select(0) is low
    streams.heard(2, 1000)
    assert streams.select(1000) is high
    streams.heard(1, DEAD_AFTER_US)
    assert streams.select(1001 + DEAD_AFTER_US) is low
    streams.replace([high])
    assert streams.select(1002 + DEAD_AFTER_US) is None


def check_loops_agree_to_the_bit():
    chance = Chance(3)
    source = array("h", [chance.next(65536) - 32768 for _ in range(700)])
    for step in (ONE, ONE + 83886, ONE - 83886, ONE + 17):
        phase = chance.next(ONE)
        one = array("h", [0] * 480)
        two = array("h", [0] * 480)
        assert hot.resample(source, 1, phase, step, one, 480) == hot_plain.resample(source, 1, phase, step, two, 480)
        assert one == two
    for gain, target, step in ((0, 32768, 137), (32768, 0, 137), (8192, 8192, 1), (100, 90, 3)):
        one = array("h", source)
        two = array("h", source)
        assert hot.amplify(one, 480, gain, target, step) == hot_plain.amplify(two, 480, gain, target, step)
        assert one == two
    for count in (0, 1, 6, 7, 8, 480, 700):
        assert hot.power(source, count) == hot_plain.power(source, count)
    for extreme in (-32768, 32767):  # 32 bits hold the sum of the longest block
        block = array("h", [extreme] * 960)
        assert hot.power(block, 960) == hot_plain.power(block, 960) == (extreme >> 4) ** 2


def check_corrector_stays_within_half_a_percent():
    drift = DriftCorrector()
    drift.jump(100, 0)
    source = array("h", [0] * 600)
    target = array("h", [0] * 480)
    drift.steer(200.0, 50.0)
    assert drift.span(480) == 480 + 2 + 4
    drift.run(source, 1, target, 480)
    assert drift.position == 582
    drift.steer(-200.0, 0.0)
    drift.run(source, 1, target, 480)
    assert 1059 <= drift.position <= 1060
    drift.steer(0.5, 0.0)
    before = (drift.position, drift.phase)
    drift.run(source, 1, target, 480)
    assert (drift.position, drift.phase) == (before[0] + 480, before[1])  # inside the dead band


def check_volume_never_jumps():
    volume = Volume()
    block = array("h", [10000] * 480)
    volume.apply(block, 480)
    assert block[0] == block[479] == 10000
    volume.set(-60.0, False)
    previous = 10000
    volume.apply(block, 480)
    for sample in block:
        assert 0 <= previous - sample < 100, (previous, sample)
        previous = sample
    assert block[479] == 10000 * round(UNITY / 1000) >> 13
    volume.set(12.0, False)
    block = array("h", [32767] * 480)
    volume.apply(block, 480)
    assert block[479] == 32767
    volume.set(0.0, True)
    volume.apply(block, 480)
    assert block[479] == 0
