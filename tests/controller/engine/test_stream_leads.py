"""A stream's lead: of its zone, changed in silence only."""

from controller.engine.pipeline import Pipeline
from controller.engine.plan import parse_plan
from tests.controller.engine.harness import member, session, tone, zone
from tests.controller.engine.rig import FRAME_US

SILENT_BLOCKS = (500_000 + 2_100_000) // FRAME_US
"""How long a stream with a lead of 500 ms must be silent before its lead may change."""


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
    pipeline = Pipeline(10_000, rig.media, rig.workers, rig.note, rig.authenticator)
    rig.events.clear()
    there = zone("z-1", [], "low", stream=mapping)
    pipeline.on_air.apply(parse_plan({"zones": [there], "sessions": [session("s-1", ["z-1"])]}), {}, {}.get, rig.now_us)
    assert (rig.named("stream")[0]["ssrc"], rig.named("stream")[0]["lead_us"]) != (77, 2_000_000)
