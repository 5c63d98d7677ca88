"""A pipeline in virtual time: what is sent, and that no change of the plan clicks."""

import contextlib
import dataclasses

import numpy as np
import pytest

from codec.profile import PROFILES
from tests.controller.engine.harness import largest_bend, member, session, tone, zone
from tests.controller.engine.rig import FRAME_US, SMOOTH, zones


async def test_a_stream_is_announced_at_once_and_sent_when_its_source_delivers(rig):
    listener = rig.listener()
    began_us = rig.now_us
    there = [zone("z-1", [member(listener)])]
    rig.plan(there, [session("s-1", ["z-1"], priority=3)])
    announced = rig.named("stream")[0]
    assert announced["media0_us"] == began_us
    assert (announced["frame_us"], announced["lead_us"], announced["priority"]) == (FRAME_US, 150_000, 3)
    await rig.run(5)
    assert listener.indices() == []
    rig.feed("s-1", tone(300, 0.5))
    rig.plan(there, [session("s-1", ["z-1"], priority=3)])
    await rig.run(10)
    assert listener.indices(announced["ssrc"]) == list(range(5, 15))
    assert [packet[1] >> 7 for packet in listener.packets] == [1] + [0] * 9


async def test_a_stream_ends_after_its_fade_when_its_last_frame_was_played(rig):
    listener = rig.listener()
    there = [zone("z-1", [member(listener)])]
    rig.feed("s-1", tone(300, 2))
    rig.plan(there, [session("s-1", ["z-1"])])
    await rig.run(20)
    rig.plan(there, [])
    lag = PROFILES["lan"].lag  # so many frames of silence more tell the keys of all that was heard
    await rig.run(4 + lag)
    assert rig.named("stream_end") == []
    await rig.run(10)
    assert [event["zone"] for event in rig.named("stream_end")] == ["z-1"]
    assert rig.pipeline.on_air.streams == {}
    assert rig.pipeline.on_air.voices == []
    assert len(listener.indices()) == 20 + 3 + lag
    assert np.abs(rig.tape.sound[-480:]).max() == 0
    assert largest_bend(rig.tape.sound) < SMOOTH


async def test_a_session_that_comes_before_the_end_goes_on_with_the_same_stream(rig):
    rig.feed("s-1", tone(300, 1))
    rig.feed("s-2", tone(300, 1))
    rig.plan(zones(1), [session("s-1", ["z-1"])])
    await rig.run(10)
    rig.plan(zones(1), [])
    await rig.run(6)
    rig.plan(zones(1), [session("s-2", ["z-1"])])
    await rig.run(10)
    assert {event["ssrc"] for event in rig.named("stream")} == {rig.named("stream")[0]["ssrc"]}
    assert rig.named("stream_end") == []
    assert np.abs(rig.tape.blocks[-1]).max() > 5000


async def test_no_change_of_the_plan_clicks(rig):
    rig.feed("s-1", tone(300, 4, 0.3))
    rig.feed("s-2", tone(250, 4, 0.2))
    rig.feed("s-3", tone(200, 4, 0.2))
    low, high = session("s-1", ["z-1"], 1), session("s-2", ["z-1"], 3)
    rig.plan(zones(1), [low])
    await rig.run(15)
    rig.plan(zones(1), [{**low, "gain_db": -20.0}])
    await rig.run(7)
    rig.plan(zones(1), [low, high])
    await rig.run(8)
    rig.plan(zones(1, gain_db=-12.0), [low, high, session("s-3", ["z-1"], 4)])
    await rig.run(8)
    rig.plan(zones(1, gain_db=6.0), [low, high])
    await rig.run(30)
    rig.plan(zones(1), [low])
    await rig.run(30)
    rig.plan(zones(1), [])
    await rig.run(10)
    assert largest_bend(rig.tape.sound) < SMOOTH


async def test_what_is_recorded_is_what_entered_the_mixer_and_when(rig):
    rig.feed("s-1", tone(300, 1, 0.9))
    rig.feed("s-2", tone(500, 1, 0.4))
    rig.feed("s-3", tone(700, 1, 0.2))
    here = [session("s-1", ["z-1"], gain_db=-6.0), session("s-2", ["z-1", "z-2"], 2)]
    rig.plan(zones(2, gain_db=-3.0), [*here, session("s-3", ["z-2"])])
    began_us = rig.now_us
    for block in range(20):
        rig.mono_ns = 1_000_000 * block
        await rig.run(1)
    instants, begun_ns, blocks = zip(*rig.records.blocks, strict=True)
    assert instants == tuple(range(began_us, rig.now_us, FRAME_US))
    assert begun_ns == tuple(range(0, 20_000_000, 1_000_000)), "the true instants, not the blocks' own"
    entered = np.concatenate(blocks)
    expected = (tone(300, 1, 0.9) + tone(500, 1, 0.4))[: len(entered)]
    faded_in = 240
    np.testing.assert_allclose(entered[faded_in:], expected[faded_in:], atol=1e-6)  # no gain, no duck, no limiter
    assert np.abs(entered).max() > 1.2


async def test_ducking_lowers_by_what_the_session_says_and_an_emergency_silences(rig):
    def level(hertz):
        sound = rig.tape.blocks[-1].astype(float)
        phase = np.exp(-2j * np.pi * hertz * np.arange(len(sound)) / 48_000)
        return 2 * abs(np.mean(sound * phase)) / 32767

    rig.feed("s-1", tone(300, 4, 0.2))
    rig.feed("s-2", tone(500, 4, 0.2))
    rig.feed("s-3", tone(800, 0.5, 0.2))
    low, high = session("s-1", ["z-1"], 1, duck_db=-20.0), session("s-2", ["z-1"], 3)
    rig.plan(zones(1), [low])
    await rig.run(10)
    assert level(300) == pytest.approx(0.2, rel=0.02)
    rig.plan(zones(1), [low, high])
    await rig.run(10)
    assert level(300) == pytest.approx(0.02, rel=0.05)
    assert level(500) == pytest.approx(0.2, rel=0.02)
    rig.plan(zones(1), [low, high, session("s-3", ["z-1"], 4)])
    await rig.run(10)
    assert level(300) < 0.001
    assert level(500) < 0.001
    assert level(800) == pytest.approx(0.2, rel=0.02)
    await rig.run(60)
    assert level(500) == pytest.approx(0.2, rel=0.02), "the emergency's source has ended"
    assert [event["priority"] for event in rig.named("stream")] == [1, 3, 4]


async def test_a_stream_of_a_dead_engine_goes_on(rig):
    listener = rig.listener()
    rig.feed("s-1", tone(300, 1))
    mapping = {"ssrc": 77, "media0_us": rig.now_us - 500 * FRAME_US, "lead_us": 150_000}
    rig.plan([zone("z-1", [member(listener)], stream=mapping)], [session("s-1", ["z-1"])])
    await rig.run(5)
    assert listener.indices(77) == list(range(500, 505))
    assert rig.named("stream")[0]["media0_us"] == mapping["media0_us"]


@pytest.mark.parametrize("early_us", [7, -FRAME_US], ids=["off the grid", "in the future"])
async def test_a_mapping_that_cannot_be_gone_on_with_is_replaced(rig, early_us):
    mapping = {"ssrc": 77, "media0_us": rig.now_us - early_us, "lead_us": 150_000}
    rig.plan([zone("z-1", [], stream=mapping)], [session("s-1", ["z-1"])])
    assert rig.named("stream")[0]["media0_us"] == rig.now_us


async def test_a_stream_that_nobody_wants_any_more_is_told_to_be_over(rig):
    rig.plan([zone("z-1", [], stream={"ssrc": 77, "media0_us": 0, "lead_us": 150_000})], [])
    assert rig.named("stream_end") == [{"zone": "z-1", "ssrc": 77}]


async def test_a_plan_that_is_repeated_changes_nothing(rig):
    rig.feed("s-1", tone(300, 2))
    for _ in range(10):
        rig.plan(zones(2), [session("s-1", ["z-1", "z-2"])])
        await rig.run(1)
    assert len(rig.named("stream")) == 2
    assert len(rig.pipeline.on_air.voices) == 1
    assert largest_bend(rig.tape.sound) < SMOOTH


async def test_many_zones_and_sources_come_and_go(rig):
    random = np.random.default_rng(1)
    for number in range(20):
        rig.feed(f"s-{number}", tone(200 + number, 3, 0.02))
    there = zones(12)
    for _ in range(20):
        chosen = [
            session(f"s-{number}", [f"z-{z}" for z in range(1, 13) if random.random() < 0.5], int(random.integers(5)))
            for number in range(20)
            if random.random() < 0.5
        ]
        rig.plan(there, chosen)
        await rig.run(int(random.integers(1, 6)))
    rig.plan(there, [])
    await rig.run(20)
    assert rig.pipeline.on_air.streams == {}
    assert largest_bend(rig.tape.sound) < SMOOTH
    assert rig.workers.failures == 0


async def test_a_job_that_fails_does_not_stop_the_others(rig):
    with contextlib.suppress(Exception):
        await rig.workers.run([lambda: 1 / 0, lambda: None])
    assert rig.workers.failures == 1


async def test_with_dtx_silence_is_not_sent_and_speech_goes_on_where_it_is(rig, monkeypatch):
    monkeypatch.setitem(PROFILES, "lan", dataclasses.replace(PROFILES["lan"], dtx=True))
    listener = rig.listener()
    silence = np.zeros(48_000, np.float32)
    rig.feed("s-1", np.concatenate([tone(300, 0.5), silence, silence, tone(300, 0.5)]))
    rig.plan([zone("z-1", [member(listener)])], [session("s-1", ["z-1"])])
    await rig.run(150)
    indices = listener.indices()
    steps = np.diff(indices)
    assert len(indices) < 110, "silence is left out"
    assert steps.min() == 1
    assert steps.max() > 1
    assert indices[-1] == 149, "a frame's number is its media time's, whatever was left out"
    after_a_gap = [packet[1] >> 7 for packet in listener.packets[1:]]
    assert after_a_gap == [int(step > 1) for step in steps]
