"""Zones with one mix share an encoder, part and come together, and nobody hears it."""

import numpy as np

from benchmarks.speech import speech_like
from codec.opus import Encoder
from codec.profile import PROFILES
from codec.wire import rtp
from controller.engine.encoder import MERGE_US
from controller.engine.limiter import SLICE_SAMPLES
from tests.controller.engine.harness import RATE, largest_bend, member, session, tone, zone
from tests.controller.engine.rig import FRAME_US, SMOOTH, zones

MERGE_BLOCKS = MERGE_US // FRAME_US


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


async def test_zones_share_an_encoder_whatever_their_leads(rig):
    rig.feed("s-1", tone(300, 4))
    there = [zone("z-1", [], "mobile", lead_us=500_000), zone("z-2", [], "mobile", lead_us=900_000)]
    rig.plan(there, [session("s-1", ["z-1", "z-2"])])
    await rig.run(5)
    assert rig.groups == [["z-1", "z-2"]]
