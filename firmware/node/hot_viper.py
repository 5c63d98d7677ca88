"""The loops over samples in viper: see ``hot_plain`` for what they do. Imported on MicroPython only."""

# ruff: noqa: F821, PLR1730 - viper types are no names; it has no min() and max()
from array import array

import micropython

_phase_out = array("i", [0])


def resample(source, start, phase, step, target, samples):
    """As hot_plain.resample."""
    whole = _resample(source, start, phase, step, target, samples, _phase_out)
    return whole, _phase_out[0]


@micropython.viper
def _resample(source: ptr16, start: int, phase: int, step: int, target: ptr16, samples: int, phase_out: ptr32) -> int:
    at = start
    i = 0
    while i < samples:
        t = phase >> 13
        y0 = (int(source[at - 1]) ^ 0x8000) - 0x8000
        y1 = (int(source[at]) ^ 0x8000) - 0x8000
        y2 = (int(source[at + 1]) ^ 0x8000) - 0x8000
        y3 = (int(source[at + 2]) ^ 0x8000) - 0x8000
        y = ((3 * (y1 - y2) + y3 - y0) * t >> 11) + 2 * y0 - 5 * y1 + 4 * y2 - y3
        y = (y * t >> 11) + y2 - y0
        y = y1 + ((y * t + 2048) >> 12)
        if y < -32768:
            y = -32768
        elif y > 32767:
            y = 32767
        target[i] = y
        i += 1
        phase += step
        at += phase >> 24
        phase &= 0xFFFFFF
    phase_out[0] = phase
    return at - start


@micropython.viper
def amplify(samples: ptr16, count: int, gain: int, target: int, step: int) -> int:
    i = 0
    while i < count:
        if gain < target:
            gain += step
            if gain > target:
                gain = target
        elif gain > target:
            gain -= step
            if gain < target:
                gain = target
        y = (int(samples[i]) ^ 0x8000) - 0x8000
        y = y * gain >> 13
        if y < -32768:
            y = -32768
        elif y > 32767:
            y = 32767
        samples[i] = y
        i += 1
    return gain


@micropython.viper
def power(samples: ptr16, count: int) -> int:
    total = 0
    i = 0
    while i < count:
        y = ((int(samples[i]) ^ 0x8000) - 0x8000) >> 4
        total += y * y
        i += 7
    if count <= 0:
        return 0
    return total // ((count + 6) // 7)
