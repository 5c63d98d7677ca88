// The loops over samples of firmware/node/hot_plain.py, equal to the bit. No MicroPython in here: the simulator
// compiles the same functions for CPython.

#ifndef LOADSP_LOOPS_H
#define LOADSP_LOOPS_H

#include <stdint.h>

static inline int16_t loadsp_saturate(int32_t y) {
    return y < -32768 ? -32768 : y > 32767 ? 32767 : (int16_t)y;
}

// Writes `samples` samples of `source`, read from `at` + *phase / 2^24 on in steps of `step` / 2^24, to `target`;
// reads one sample before and two after. Returns how many whole samples the reading moved on; *phase is where it stands.
// Catmull and Rom's cubic, its argument cut to 11 bits so that 32 bits hold every product.
static inline int32_t loadsp_resample(const int16_t *source, int32_t at, int32_t *phase, int32_t step, int16_t *target,
    int32_t samples) {
    const int32_t first = at;
    int32_t p = *phase;
    for (int32_t i = 0; i < samples; i++) {
        const int32_t t = p >> 13;
        const int32_t y0 = source[at - 1], y1 = source[at], y2 = source[at + 1], y3 = source[at + 2];
        int32_t y = ((3 * (y1 - y2) + y3 - y0) * t >> 11) + 2 * y0 - 5 * y1 + 4 * y2 - y3;
        y = (y * t >> 11) + y2 - y0;
        y = y1 + ((y * t + 2048) >> 12);
        target[i] = loadsp_saturate(y);
        p += step;
        at += p >> 24;
        p &= 0xFFFFFF;
    }
    *phase = p;
    return at - first;
}

// Multiplies `count` samples in place by a gain in 2^-13 that moves from `gain` to `target` by `step` a sample;
// returns the gain reached.
static inline int32_t loadsp_amplify(int16_t *samples, int32_t count, int32_t gain, int32_t target, int32_t step) {
    for (int32_t i = 0; i < count; i++) {
        if (gain < target) {
            gain = target - gain > step ? gain + step : target;
        } else if (gain > target) {
            gain = gain - target > step ? gain - step : target;
        }
        samples[i] = loadsp_saturate(samples[i] * gain >> 13);
    }
    return gain;
}

// Returns the mean square of every seventh of `count` samples, at most LOADSP_MOST, in units of 16.
#define LOADSP_MOST 960
static inline int32_t loadsp_power(const int16_t *samples, int32_t count) {
    int32_t total = 0;
    for (int32_t i = 0; i < count; i += 7) {
        const int32_t y = samples[i] >> 4;
        total += y * y;
    }
    return count ? total / ((count + 6) / 7) : 0;
}

#endif
