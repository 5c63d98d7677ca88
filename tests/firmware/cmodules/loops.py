# Runs on MicroPython: the C loops equal the plain ones to the bit, and refuse what does not fit.
from array import array

import loadsp

from firmware.node import hot, hot_plain

assert hot.resample is loadsp.resample, "the C module is there and is not used"

state = 5


def chance(below):
    global state
    state = (state * 1103515245 + 12345) & 0x7FFFFFFF
    return (state >> 8) % below


def refused(call, *args):
    try:
        call(*args)
    except ValueError:
        return
    raise AssertionError(args)


ONE = 1 << 24
source = array("h", [chance(65536) - 32768 for _ in range(1100)])
for _ in range(300):
    step = ONE // 2 + chance(ONE + ONE // 2 + 1)
    phase = chance(ONE)
    start = 1 + chance(80)
    samples = chance(481)
    while samples and start + (step * (samples - 1) + phase >> 24) + 2 >= len(source):
        samples -= 1
    one = array("h", [0] * 480)
    two = array("h", [0] * 480)
    assert loadsp.resample(source, start, phase, step, one, samples) == hot_plain.resample(
        source, start, phase, step, two, samples
    )
    assert one == two
    gains = chance(32769), chance(32769), 1 + chance(300)
    one = array("h", source)
    two = array("h", source)
    assert loadsp.amplify(one, 480, *gains) == hot_plain.amplify(two, 480, *gains)
    assert one == two
    count = chance(961)
    assert loadsp.power(source, count) == hot_plain.power(source, count)

target = array("h", [0] * 480)
short = array("h", [0] * 482)
assert loadsp.resample(memoryview(short), 1, 0, ONE, memoryview(target), 479) == (479, 0)
refused(loadsp.resample, short, 1, 0, ONE, target, 480)  # reads two samples after the last
refused(loadsp.resample, short, 0, 0, ONE, target, 1)  # reads one before the first
refused(loadsp.resample, short, 1, 0, ONE, target, 481)
refused(loadsp.resample, short, 1, -1, ONE, target, 1)
refused(loadsp.resample, short, 1, ONE, ONE, target, 1)
refused(loadsp.resample, short, 1, 0, 0, target, 1)
refused(loadsp.resample, short, 1, 0, 3 * ONE, target, 1)
refused(loadsp.resample, bytearray(964), 1, 0, ONE, target, 1)
refused(loadsp.amplify, target, 481, 0, 0, 1)
refused(loadsp.power, target, 481)
refused(loadsp.power, source, 961)
refused(loadsp.power, target, -1)
refused(loadsp.power, bytearray(960), 1)
refused(loadsp.amplify, target, -1, 0, 0, 1)
refused(loadsp.amplify, target, 1, 40000, 0, 1)
print("ok")
