"""A pipeline in virtual time: what is sent, what is shared, and that no change of the plan clicks."""

import contextlib
import dataclasses
import fcntl
import os

import numpy as np
import pytest

from benchmarks.speech import speech_like
from codec.opus import Encoder
from codec.profile import PROFILES
from codec.wire import rtp
from controller.engine.encoder import MERGE_US
from controller.engine.ground import Ground
from controller.engine.limiter import SLICE_SAMPLES
from controller.engine.mediasocket import open_media
from controller.engine.pipeline import Pipeline
from controller.engine.plan import parse_plan
from controller.engine.settings import EngineSettings
from controller.engine.source import Source
from controller.engine.workers import Workers
from tests.controller.engine.harness import RATE, Listener, largest_bend, member, session, tone, zone

FRAME_US = 20_000
SILENT_BLOCKS = (500_000 + 2_100_000) // FRAME_US
"""How long a stream with a lead of 500 ms must be silent before its lead may change."""
SMOOTH = 120
"""int16 steps: a 300 Hz tone at half scale bends 25 a sample squared, a fade adds some; a click bends thousands."""


MERGE_BLOCKS = MERGE_US // FRAME_US


class Tape:
    """Keeps blocks of sound."""

    def __init__(self):
        self.blocks = []

    @property
    def sound(self):
        return np.concatenate(self.blocks)


class Records:
    """Stands where the recorder does."""

    def __init__(self):
        self.blocks = []

    def write(self, media_us, begun_ns, samples):
        self.blocks.append((media_us, begun_ns, samples.copy()))


class Rig:
    """A pipeline whose blocks the test runs one by one."""

    def __init__(self, media):
        self.media = media
        self.events = []
        self.tape = Tape()
        self.workers = Workers(2)
        self.records = Records()
        self.mono_ns = 0
        ground = Ground(monotonic_ns=lambda: self.mono_ns)
        self.pipeline = Pipeline(FRAME_US, media, self.workers, self.note, self.records, ground)
        self.pipeline.recorded_zone = "z-1"
        self.sources = {}
        self.pipes = {}
        self.now_us = 1_000_000 * FRAME_US
        self.listeners = []

    def note(self, event, fields):
        self.events.append((event, fields))

    def named(self, event):
        return [fields for name, fields in self.events if name == event]

    def listener(self):
        self.listeners.append(Listener())
        return self.listeners[-1]

    def feed(self, name, samples, live=False):
        """Make a source of `samples`, which must fit its pipe."""
        self.open(name, live)
        self.more(name, samples)
        self.pipes.pop(name).close()

    def open(self, name, live=False):
        """Make a source that :meth:`more` writes to."""
        reading, writing = os.pipe()
        self.sources[name] = Source(name, reading, live)
        self.pipes[name] = os.fdopen(writing, "wb", 0)
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 1 << 20)

    def more(self, name, samples):
        self.pipes[name].write(samples.tobytes())

    def plan(self, zones, sessions):
        plan = parse_plan({"zones": zones, "sessions": sessions})
        self.pipeline.on_air.apply(plan, self.sources, lambda tag: None, self.now_us)

    async def run(self, blocks):
        for _ in range(blocks):
            await self.pipeline.run_block(self.now_us)
            self.now_us += FRAME_US
            for group in self.pipeline._encoders.groups:
                for stream in group.streams:
                    if stream.zone.id == "z-1":
                        self.tape.blocks.append(self.pipeline._quantiser.samples[stream.row].copy())

    @property
    def groups(self):
        return sorted(sorted(stream.zone.id for stream in group.streams) for group in self.pipeline._encoders.groups)

    def close(self):
        self.workers.close()
        for pipe in self.pipes.values():
            pipe.close()
        for source in self.sources.values():
            source.close()
        for listener in self.listeners:
            listener.close()


@pytest.fixture
def rig():
    with open_media(EngineSettings(host="127.0.0.1", port=0)) as media:
        found = Rig(media)
        yield found
        found.close()


def zones(count, **fields):
    return [zone(f"z-{number}", [], **fields) for number in range(1, count + 1)]


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
    await rig.run(4)
    assert rig.named("stream_end") == []
    await rig.run(10)
    assert [event["zone"] for event in rig.named("stream_end")] == ["z-1"]
    assert rig.pipeline.on_air.streams == {}
    assert rig.pipeline.on_air.voices == []
    assert len(listener.indices()) == 20 + 3
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


async def test_zones_with_the_same_mix_share_an_encoder_until_they_part(rig):
    rig.feed("s-1", tone(300, 4))
    rig.feed("s-2", tone(500, 4))
    everywhere = session("s-1", ["z-1", "z-2", "z-3"])
    rig.plan(zones(3), [everywhere])
    await rig.run(10)
    assert rig.groups == [["z-1", "z-2", "z-3"]]
    rig.plan(zones(3), [everywhere, session("s-2", ["z-2"])])
    await rig.run(5)
    assert rig.groups == [["z-1", "z-3"], ["z-2"]]


async def test_zones_whose_mix_is_the_same_again_come_together_after_a_while(rig):
    count = 16
    everywhere = session("s-1", [f"z-{number}" for number in range(1, count + 1)])
    rig.feed("s-1", tone(300, 1))
    for number in range(1, count + 1):  # a short announcement in each zone, one after another
        name = f"s-{number + 1}"
        rig.feed(name, tone(500, 0.02))
        rig.plan(zones(count), [everywhere, session(name, [f"z-{number}"])])
        await rig.run(2)
    rig.plan(zones(count), [everywhere])
    await rig.run(10)
    assert len(rig.groups) == count
    await rig.run(2 * MERGE_BLOCKS)
    assert len(rig.groups) == 1


async def test_zones_that_have_not_been_the_same_for_long_stay_apart(rig):
    rig.feed("s-1", tone(300, 1))
    both = session("s-1", ["z-1", "z-2"])
    rig.plan(zones(2), [both])
    await rig.run(5)
    for gain_db in (-6.0, 0.0):
        rig.plan([zone("z-1", []), zone("z-2", [], gain_db=gain_db)], [both])
        await rig.run(MERGE_BLOCKS)
        assert rig.groups == [["z-1"], ["z-2"]], "not while the mixes differ, and not at once when they no longer do"
    await rig.run(2 * MERGE_BLOCKS // 5)
    assert rig.groups == [["z-1", "z-2"]]


async def test_coming_together_is_not_heard(rig):
    one, two = rig.listener(), rig.listener()
    there = [zone("z-1", [member(one)]), zone("z-2", [member(two)])]
    both = session("s-1", ["z-1", "z-2"])
    spoken = speech_like(10)
    rig.open("s-1")
    rig.more("s-1", spoken[:RATE])
    rig.feed("s-2", 0.5 * speech_like(1, seed=2))
    rig.plan(there, [both, session("s-2", ["z-2"], 3)])
    blocks = 0
    while blocks < 100 or len(rig.groups) == 2:
        assert blocks < 400
        rig.more("s-1", spoken[RATE + blocks * 960 :][: 50 * 960])
        await rig.run(50)
        blocks += 50
        for listener in rig.listeners:
            listener.drain()  # a socket's buffer holds some 250 packets
        if blocks == 50:
            rig.plan(there, [both])
    await rig.run(50)
    assert one.indices() == two.indices() == list(range(blocks + 50)), "the numbers of frames go on"
    assert [packet[rtp.HEADER_BYTES :] for packet in one.packets[-50:]] == [
        packet[rtp.HEADER_BYTES :] for packet in two.packets[-50:]
    ]
    # In the second before they were seen together, and the second after.
    span = slice((blocks - 50) * 960, (blocks + 50) * 960)
    delay = Encoder.of_profile(PROFILES["lan"]).lookahead_samples + SLICE_SAMPLES
    mix = 32767 * spoken[span.start - delay : span.stop - delay].astype(float)
    stayed, moved = one.sound()[span], two.sound()[span]
    noise_of_one, noise = (blockwise_rms(heard - mix) for heard in (stayed, moved))
    assert np.sqrt(np.mean(noise**2)) < 1.2 * np.sqrt(np.mean(noise_of_one**2))
    assert noise.max() < 1.5 * noise_of_one.max()
    assert largest_bend(moved) < 1.2 * largest_bend(stayed)


def blockwise_rms(samples):
    return np.sqrt(np.mean(np.square(samples.reshape(-1, 960)), axis=1))


async def test_different_profiles_do_not_share(rig):
    rig.feed("s-1", tone(300, 4))
    rig.plan([zone("z-1", []), zone("z-2", [], "mobile")], [session("s-1", ["z-1", "z-2"])])
    await rig.run(5)
    assert rig.groups == [["z-1"], ["z-2"]]


async def test_parting_is_not_heard(rig, monkeypatch):
    one, two = rig.listener(), rig.listener()
    there = [zone("z-1", [member(one)]), zone("z-2", [member(two)])]
    rig.feed("s-1", tone(300, 4))
    both = session("s-1", ["z-1", "z-2"])
    rig.plan(there, [both])
    await rig.run(20)
    clones = []
    clone = Encoder.clone
    monkeypatch.setattr(Encoder, "clone", lambda encoder: clones.append(1) or clone(encoder))
    rig.plan([there[0], {**there[1], "gain_db": -0.1}], [both])
    await rig.run(20)
    assert clones == [1]
    assert largest_bend(two.sound()[9600:]) < 2 * SMOOTH
    np.testing.assert_array_equal(one.sound()[: 20 * 960], two.sound()[: 20 * 960])


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


async def test_a_new_stream_has_its_zones_lead(rig):
    rig.plan([zone("z-1", [], "mobile", lead_us=500_000)], [session("s-1", ["z-1"])])
    assert rig.named("stream")[0]["lead_us"] == 500_000


async def test_a_lead_changes_between_talkspurts_only(rig):
    listener = rig.listener()
    wanted = [session("s-1", ["z-1"]), session("s-2", ["z-1"])]

    def plan(lead_us):
        rig.plan([zone("z-1", [member(listener)], "mobile", lead_us=lead_us)], wanted)

    rig.feed("s-1", tone(300, 1))
    plan(500_000)
    await rig.run(10)
    plan(900_000)
    await rig.run(39 + SILENT_BLOCKS)
    assert [event["lead_us"] for event in rig.named("stream")] == [500_000], "nodes may still be playing"
    await rig.run(2)
    assert [event["lead_us"] for event in rig.named("stream")] == [500_000, 900_000]
    first, second = rig.named("stream")
    assert {**first, "lead_us": 900_000} == second
    sent = len(listener.indices())
    rig.feed("s-2", tone(300, 1))
    plan(900_000)
    await rig.run(10)
    assert len(rig.named("stream")) == 2
    assert len(listener.indices()) == sent + 10


async def test_sound_in_between_keeps_the_lead(rig):
    rig.feed("s-1", tone(300, 0.1))
    there = [zone("z-1", [], "mobile", lead_us=500_000)]
    wanted = [session(f"s-{number}", ["z-1"]) for number in (1, 2, 3)]
    rig.plan(there, wanted)
    await rig.run(5)
    there[0]["lead_us"] = 900_000
    for number in (2, 3):
        rig.plan(there, wanted)
        await rig.run(SILENT_BLOCKS - 10)
        rig.feed(f"s-{number}", tone(300, 0.1))
    rig.plan(there, wanted)
    await rig.run(SILENT_BLOCKS - 10)
    assert len(rig.named("stream")) == 1


async def test_a_stream_of_a_dead_engine_keeps_its_lead(rig):
    """It may have sounded until a moment ago, and goes on sounding at once."""
    rig.feed("s-1", tone(300, 0.5))
    mapping = {"ssrc": 77, "media0_us": rig.now_us - 500 * FRAME_US, "lead_us": 500_000}
    rig.plan([zone("z-1", [], "mobile", lead_us=900_000, stream=mapping)], [session("s-1", ["z-1"])])
    await rig.run(24 + SILENT_BLOCKS)
    assert [event["lead_us"] for event in rig.named("stream")] == [500_000]
    await rig.run(3)
    assert [(event["ssrc"], event["lead_us"]) for event in rig.named("stream")] == [(77, 500_000), (77, 900_000)]


async def test_a_lead_of_more_frames_than_nodes_hold_is_not_gone_on_with(rig):
    mapping = {"ssrc": 77, "media0_us": rig.now_us - 500 * FRAME_US, "lead_us": 2_000_000}
    there = zone("z-1", [], {"name": "low", "frame_us": 20_000}, stream=mapping)
    rig.plan([there], [session("s-1", ["z-1"])])
    assert rig.named("stream")[0]["ssrc"] == 77
    pipeline = Pipeline(10_000, rig.media, rig.workers, rig.note)
    rig.events.clear()
    there = zone("z-1", [], "low", stream=mapping)
    pipeline.on_air.apply(parse_plan({"zones": [there], "sessions": [session("s-1", ["z-1"])]}), {}, {}.get, rig.now_us)
    assert (rig.named("stream")[0]["ssrc"], rig.named("stream")[0]["lead_us"]) != (77, 2_000_000)


async def test_zones_share_an_encoder_whatever_their_leads(rig):
    rig.feed("s-1", tone(300, 4))
    there = [zone("z-1", [], "mobile", lead_us=500_000), zone("z-2", [], "mobile", lead_us=900_000)]
    rig.plan(there, [session("s-1", ["z-1", "z-2"])])
    await rig.run(5)
    assert rig.groups == [["z-1", "z-2"]]
