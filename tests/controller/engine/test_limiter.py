"""The limiter: a ceiling that holds, and nothing touched below it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.engine.limiter import CEILING, SLICE_SAMPLES, Limiter
from controller.engine.quantiser import Quantiser


def limited(blocks):
    limiter = Limiter(blocks.shape[2], blocks.shape[1])
    found = []
    for block in blocks:
        limiter.incoming[:] = block
        found.append(limiter.limit().copy())
    return np.concatenate(found, axis=1)


@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.floats(-40, 24), min_size=2, max_size=12),
    st.sampled_from([480, 960]),
)
@settings(max_examples=60, deadline=None)
def test_nothing_leaves_above_the_ceiling(seed, levels_db, block):
    noise = np.random.default_rng(seed)
    scale = 32767 * 10 ** (np.array(levels_db) / 20)
    blocks = (noise.uniform(-1, 1, (len(levels_db), 2, block)) * scale[:, None, None]).astype(np.float32)
    blocks[:, :, noise.integers(0, block)] *= 10
    assert np.abs(limited(blocks)).max() <= CEILING * 1.000001


@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
@settings(max_examples=30, deadline=None)
def test_below_the_ceiling_it_only_delays(seed, count):
    blocks = np.random.default_rng(seed).uniform(-CEILING, CEILING, (count, 3, 480)).astype(np.float32)
    whole = np.concatenate(list(blocks), axis=1)
    np.testing.assert_array_equal(limited(blocks)[:, SLICE_SAMPLES:], whole[:, :-SLICE_SAMPLES])


def test_one_zone_does_not_touch_another():
    blocks = np.full((4, 2, 960), 1000, np.float32)
    blocks[:, 1] *= 100
    found = limited(blocks)
    assert np.all(found[0, SLICE_SAMPLES:] == 1000)
    assert found[1].max() <= CEILING * 1.000001


def test_a_loud_passage_is_turned_down_without_a_step_and_released_to_exactly_one():
    loud = np.concatenate([np.ones(4800), np.full(4800, 3.0), np.ones(96_000)]) * 20000
    found = limited(loud.astype(np.float32).reshape(-1, 1, 960))[0]
    gain = found[SLICE_SAMPLES:] / loud[:-SLICE_SAMPLES]
    assert np.abs(np.diff(gain)).max() <= 1.0 / SLICE_SAMPLES * 1.01
    assert gain[-1] == 1.0
    assert gain[0] == 1.0


def test_growing_and_resetting_keep_to_their_zones():
    limiter = Limiter(480, 1)
    limiter.incoming[:] = 100_000
    limiter.limit()
    limiter.grow(2)
    limiter.incoming[:] = 100
    after = limiter.limit()
    assert np.all(after[0, :SLICE_SAMPLES] <= CEILING * 1.000001)
    assert after[0, 0] > 20_000
    assert after[1, 0] == 0
    limiter.reset(0)
    limiter.incoming[:] = 100
    assert np.all(limiter.limit()[0, SLICE_SAMPLES:] == 100)


def test_a_block_must_be_whole_slices():
    with pytest.raises(ValueError, match="multiple of 120"):
        Limiter(500, 1)


def test_the_quantiser_rounds_and_clips():
    quantiser = Quantiser(6, 1)
    quantiser.quantise(np.array([[0.4, 0.6, -0.6, 1e9, -1e9, 32767.4]], np.float32))
    assert quantiser.samples.tolist() == [[0, 1, -1, 32767, -32768, 32767]]
