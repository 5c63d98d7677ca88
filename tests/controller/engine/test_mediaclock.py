"""The media clock: steady, gentle, and the same at both ends of a crash."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from controller.engine.mediaclock import MAX_SLEW_PPB, STEP_US, MediaClock

SECOND_NS = 1_000_000_000
UTC_NS = 1_790_000_000 * SECOND_NS


@given(st.integers(0, 10**15), st.integers(-MAX_SLEW_PPB, MAX_SLEW_PPB), st.integers(0, 10**12))
def test_its_inverse_is_exact(mono_ns, slew_ppb, passed_us):
    clock = MediaClock(mono_ns, UTC_NS // 1000)
    clock.slew_ppb = slew_ppb
    media_us = UTC_NS // 1000 + passed_us
    at_ns = clock.mono_ns(media_us)
    assert clock.media_us(at_ns) == media_us
    assert clock.media_us(at_ns - 1) == media_us - 1


@given(st.lists(st.integers(-5_000_000, 5_000_000), min_size=1, max_size=50))
def test_on_air_it_never_steps_and_never_hurries(errors_us):
    clock = MediaClock(0, UTC_NS // 1000)
    before_us = clock.media_us(0)
    for second, error_us in enumerate(errors_us, 1):
        mono_ns = second * SECOND_NS
        now_us = clock.media_us(mono_ns)
        assert abs(now_us - before_us - 1_000_000) <= 21
        assert not clock.follow(mono_ns, UTC_NS + mono_ns + error_us * 1000, on_air=True)
        assert abs(clock.media_us(mono_ns) - now_us) <= 1
        before_us = now_us


def test_it_arrives_at_utc():
    clock = MediaClock(0, UTC_NS // 1000 - 20_000)
    rates_ppb = [0]
    for second in range(1, 1601):
        clock.follow(second * SECOND_NS, UTC_NS + second * SECOND_NS, on_air=True)
        rates_ppb.append(clock.slew_ppb)
    assert abs(clock.media_us(1600 * SECOND_NS) - (UTC_NS // 1000 + 1_600_000_000)) < 50
    assert max(abs(after - before) for before, after in pairwise(rates_ppb)) <= 2_000, "nodes must be able to follow"


def test_a_gross_error_is_stepped_away_only_in_silence():
    wrong_ns = UTC_NS + (STEP_US + 1) * 1000
    clock = MediaClock(0, UTC_NS // 1000)
    assert not clock.follow(0, wrong_ns, on_air=True)
    assert clock.follow(0, wrong_ns, on_air=False)
    assert clock.media_us(0) == wrong_ns // 1000
