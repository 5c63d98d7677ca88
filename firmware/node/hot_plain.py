"""The loops of ``hot_viper`` in plain Python, equal to the bit."""


def resample(source, start, phase, step, target, samples):
    """Write `samples` samples of `source`, read from `start` + `phase` / 2^24 on in steps of `step` / 2^24,
    to `target`.

    Returns ``(whole, phase)``: whole samples that the reading moved on, and the phase it stands at. Reads one
    sample before and two after. The interpolation is the 4-point cubic of Catmull and Rom, its argument cut
    to 11 bits so that 32 bits hold every product.
    """
    at = start
    for i in range(samples):
        t = phase >> 13
        y0 = source[at - 1]
        y1 = source[at]
        y2 = source[at + 1]
        y3 = source[at + 2]
        y = ((3 * (y1 - y2) + y3 - y0) * t >> 11) + 2 * y0 - 5 * y1 + 4 * y2 - y3
        y = (y * t >> 11) + y2 - y0
        y = y1 + ((y * t + 2048) >> 12)
        target[i] = -32768 if y < -32768 else 32767 if y > 32767 else y
        phase += step
        at += phase >> 24
        phase &= 0xFFFFFF
    return at - start, phase


def amplify(samples, count, gain, target, step):
    """Multiply `count` int16 samples in place by a gain that moves from `gain` to `target` by `step` a
    sample.

    Gains are in 2^-13, 0 to 32768 (+12 dB); the result saturates. Returns the gain reached.
    """
    for i in range(count):
        if gain < target:
            gain = gain + step if gain + step < target else target
        elif gain > target:
            gain = gain - step if gain - step > target else target
        y = samples[i] * gain >> 13
        samples[i] = -32768 if y < -32768 else 32767 if y > 32767 else y
    return gain


def power(samples, count):
    """Return the mean square of every seventh of `count` int16 samples, at most 960, in units of 16: 0 to 2^22.

    Seven shares no factor with the periods of a test tone, and a mean needs no more samples than that.
    """
    total = 0
    for i in range(0, count, 7):
        y = samples[i] >> 4
        total += y * y
    return total // ((count + 6) // 7) if count else 0
