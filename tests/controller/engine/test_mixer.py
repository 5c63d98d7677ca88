"""The gain matrix, against a slow and obvious one."""

import tracemalloc

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.engine.limiter import Limiter
from controller.engine.mixer import Mixer
from controller.engine.quantiser import Quantiser

BLOCK = 480


class Obvious:
    """One gain a time, one sample a time."""

    def __init__(self, zones, sources):
        self.gains = np.zeros((zones, sources))
        self.aims = np.zeros((zones, sources))
        self.starts = np.zeros((zones, sources))
        self.blocks = np.ones((zones, sources), int)
        self.done = np.ones((zones, sources), int)

    def aim(self, gains, blocks):
        for cell in np.ndindex(gains.shape):
            if gains[cell] != self.aims[cell]:
                self.starts[cell], self.aims[cell] = self.gains[cell], gains[cell]
                self.blocks[cell], self.done[cell] = max(1, blocks[cell]), 0 if blocks[cell] > 0 else 1
                if blocks[cell] <= 0:
                    self.gains[cell] = gains[cell]

    def mix(self, inputs):
        zones, sources = self.gains.shape
        mixed = np.zeros((zones, inputs.shape[1]))
        for zone, source in np.ndindex(zones, sources):
            cell = zone, source
            before = self.gains[cell]
            if self.done[cell] < self.blocks[cell]:
                self.done[cell] += 1
                part = self.done[cell] / self.blocks[cell]
                after = self.starts[cell] + (self.aims[cell] - self.starts[cell]) * part
            else:
                after = before
            for sample in range(inputs.shape[1]):
                gain = before + (after - before) * (sample + 1) / inputs.shape[1]
                mixed[zone, sample] += gain * inputs[source, sample]
            self.gains[cell] = after
        return mixed


steps = st.lists(
    st.tuples(
        st.lists(st.floats(0, 4, width=16), min_size=6, max_size=6),
        st.lists(st.integers(0, 4), min_size=6, max_size=6),
        st.integers(1, 4),
    ),
    min_size=1,
    max_size=4,
)


@given(steps, st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_it_mixes_as_the_obvious_one_does(plan, seed):
    mixer, obvious = Mixer(40, 2, 3), Obvious(2, 3)
    noise = np.random.default_rng(seed)
    out = np.zeros((2, 40), np.float32)
    for gains, blocks, count in plan:
        matrix = np.array(gains, np.float32).reshape(2, 3)
        lengths = np.array(blocks, np.int32).reshape(2, 3)
        mixer.aim(matrix, lengths)
        obvious.aim(matrix, lengths)
        for _ in range(count):
            mixer.inputs[:] = noise.uniform(-1, 1, (3, 40))
            mixer.mix(out)
            np.testing.assert_allclose(out, obvious.mix(mixer.inputs), atol=1e-4)


def test_a_ramp_is_straight_and_ends_exactly_on_its_aim():
    mixer = Mixer(BLOCK, 1, 1)
    mixer.inputs[:] = 1.0
    out = np.zeros((1, BLOCK), np.float32)
    mixer.aim(np.array([[0.7]], np.float32), np.array([[3]], np.int32))
    ramp = []
    for _ in range(5):
        mixer.mix(out)
        ramp.append(out[0].copy())
    gains = np.concatenate(ramp)
    assert np.abs(np.diff(gains)).max() <= 0.7 / (3 * BLOCK) * 1.01
    assert np.all(gains[3 * BLOCK :] == np.float32(0.7))


def test_an_aim_that_is_repeated_changes_nothing():
    mixer = Mixer(BLOCK, 2, 2)
    aim, blocks = np.ones((2, 2), np.float32), np.full((2, 2), 4, np.int32)
    mixer.aim(aim, blocks)
    out = np.zeros((2, BLOCK), np.float32)
    mixer.mix(out)
    revision = mixer.revision
    mixer.aim(aim, blocks)
    mixer.mix(out)
    assert mixer.revision == revision
    np.testing.assert_allclose(mixer.gains, 0.5)


def test_growing_keeps_gains_and_ramps():
    mixer = Mixer(BLOCK, 1, 1)
    mixer.inputs[:] = 1.0
    mixer.aim(np.ones((1, 1), np.float32), np.full((1, 1), 2, np.int32))
    mixer.mix(np.zeros((1, BLOCK), np.float32))
    mixer.grow(3, 5)
    assert mixer.shape == (3, 5)
    out = np.zeros((3, BLOCK), np.float32)
    mixer.mix(out)
    assert mixer.gains[0, 0] == 1.0
    assert out[0, 0] > 0.5
    assert not out[1:].any()


def test_rows_are_the_same_only_with_the_same_future():
    mixer = Mixer(BLOCK, 3, 1)
    mixer.aim(np.array([[1], [1], [0.5]], np.float32), np.array([[2], [4], [2]], np.int32))
    assert not mixer.same_row(0, 1)
    out = np.zeros((3, BLOCK), np.float32)
    for _ in range(4):
        mixer.mix(out)
    assert mixer.same_row(0, 1)
    assert not mixer.same_row(0, 2)


def test_no_memory_is_taken_in_the_steady_state():
    mixer, limiter, quantiser = Mixer(960, 64, 128), Limiter(960, 64), Quantiser(960, 64)
    mixer.inputs[:] = np.random.default_rng(1).uniform(-1, 1, mixer.inputs.shape)
    mixer.aim(np.full(mixer.shape, 20000, np.float32), np.full(mixer.shape, 1000, np.int32))

    def block():
        mixer.mix(limiter.incoming)
        quantiser.quantise(limiter.limit())

    for _ in range(3):
        block()
    tracemalloc.start()
    try:
        block()
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(5):
            block()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Two of numpy's own iterator buffers of 8192 elements come and go; a block is 245,760 bytes.
    assert peak - before < 70_000
