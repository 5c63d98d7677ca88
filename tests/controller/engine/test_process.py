"""The engine as a process: a pipe goes on air, and whatever its peers do it stays there."""

import asyncio
import socket
import struct
import sys
import time

import numpy as np
import pytest

from codec.profile import PROFILES
from codec.wire import nack, names, rtp, sync
from codec.wire.tesla import Chain
from tests.controller.engine.harness import (
    ROOT,
    Listener,
    Pipe,
    chains,
    frequency,
    member,
    node_mac,
    running_engine,
    secret_chain,
    session,
    tone,
    zone,
)

pytestmark = pytest.mark.alone


@pytest.fixture
def listener():
    found = Listener()
    yield found
    found.close()


@pytest.fixture
def pipe():
    found = Pipe()
    yield found
    found.close()


async def test_a_tone_in_a_pipe_comes_out_of_a_members_socket(listener, pipe):
    async with running_engine() as engine:
        pipe.write(tone(440, 1.5))
        began = time.monotonic()
        engine.link.send("plan", zones=[zone("thon-1", [member(listener)])], sessions=[session("s-1", ["thon-1"])])
        engine.link.send("source", session="s-1", live=False, fd=pipe.reading)
        stream = await engine.event("stream", zone="thon-1")
        announced_s = time.monotonic() - began
        await engine.event("source", state="playing")
        playing_s = time.monotonic() - began
        ended = await engine.event("source", state="ended")
        engine.link.send("plan", zones=[zone("thon-1", [member(listener)])], sessions=[])
        await engine.event("stream_end", ssrc=stream["ssrc"])
        indices = listener.indices(stream["ssrc"])
        assert indices == list(range(indices[0], indices[0] + len(indices)))
        assert 75 <= len(indices) <= 85
        assert abs(frequency(listener.sound()[9600:57600]) - 440) < 2
        assert stream["frame_us"] == 20_000
        assert stream["media0_us"] % 20_000 == 0
        last_us = stream["media0_us"] + indices[0] * 20_000 + 1_500_000
        assert abs(ended["media_us"] - last_us) < 2_000
        assert announced_s < 0.1
        assert playing_s < 0.2


async def test_a_killed_engine_is_followed_by_one_that_goes_on(listener, pipe):
    there = zone("thon-1", [member(listener)])
    sessions = [session("s-1", ["thon-1"])]
    pipe.write(tone(440, 30))
    async with running_engine() as first:
        first.link.send("plan", zones=[there], sessions=sessions)
        first.link.send("source", session="s-1", live=False, fd=pipe.reading)
        stream = await first.event("stream")
        await first.event("source", state="playing")
        await asyncio.sleep(0.3)
        first.process.kill()
        await first.process.wait()
    before = listener.indices(stream["ssrc"])
    mapping = {name: stream[name] for name in ("ssrc", "media0_us", "lead_us")}
    async with running_engine() as second:
        second.link.send("plan", zones=[{**there, "stream": mapping}], sessions=sessions)
        second.link.send("source", session="s-1", live=False, fd=pipe.reading)
        again = await second.event("stream")
        await second.event("source", state="playing")
        await asyncio.sleep(0.3)
        now_us = time.time_ns() // 1000
        after = listener.indices(stream["ssrc"])[len(before) :]
    assert (again["ssrc"], again["media0_us"]) == (stream["ssrc"], stream["media0_us"])
    assert after == list(range(after[0], after[0] + len(after)))
    assert after[0] > before[-1]
    assert abs(stream["media0_us"] + after[-1] * 20_000 - now_us) < 60_000


async def test_whatever_comes_to_its_socket_the_sound_goes_on(listener, pipe):
    pipe.write(tone(440, 30))
    async with running_engine() as engine:
        engine.link.send("plan", zones=[zone("thon-1", [member(listener)])], sessions=[session("s-1", ["thon-1"])])
        engine.link.send("source", session="s-1", live=False, fd=pipe.reading)
        await engine.event("source", state="playing")
        for size in (0, 1, 12, 35, 36, 37, 1400, 9000):
            for first in (b"", b"L\x01", b"\x90\x60", b"\xff"):
                listener.socket.sendto((first + b"\xa5" * size)[:size], ("127.0.0.1", engine.port))
        engine.link.send("plan", zones="nonsense", sessions=[])
        engine.link.send("dance")
        engine.link.send("source", session=7, live=True, fd=pipe.reading)
        engine.link.send("clock", mono_us=0, media_us=0)
        await engine.event("error", text="plan: zones must be a list of at most 1024")
        await engine.event("error", text="unknown message 'dance'")
        await engine.event("error", text="source: session must be a text of at most 64 characters")
        await engine.event("error", text="clock: not while something is on air")
        listener.drain()
        await asyncio.sleep(0.3)
        indices = listener.indices()
        assert len(indices) > 15
        assert indices == list(range(indices[0], indices[0] + len(indices)))
        assert engine.process.returncode is None


async def test_it_ends_with_its_controller(listener, pipe):
    async with running_engine() as engine:
        engine.link.send("plan", zones=[zone("thon-1", [member(listener)])], sessions=[session("s-1", ["thon-1"])])
        await engine.event("stream")
        engine.link.close()
        assert await asyncio.wait_for(engine.process.wait(), 5) == 0


async def test_a_node_is_found_where_its_packets_come_from(listener, pipe):
    pipe.write(tone(440, 30))
    unknown = {**member(listener, "loa-7", fixed=False), "address": None}
    async with running_engine() as engine:
        engine.link.send("plan", zones=[zone("thon-1", [unknown])], sessions=[session("s-1", ["thon-1"])])
        engine.link.send("source", session="s-1", live=False, fd=pipe.reading)
        await engine.event("source", state="playing")
        assert listener.indices() == []
        request = sync.pack_request(1, names.node_tag("loa-7"), 5, node_mac("time", "loa-7"))
        forged = sync.pack_request(1, names.node_tag("loa-7"), 5, node_mac("time", "loa-8"))
        for data in (forged, request):
            listener.socket.sendto(data, ("127.0.0.1", engine.port))
        await asyncio.sleep(0.1)
        (reply,) = listener.drain()
        assert sync.genuine(reply, node_mac("time", "loa-7"))
        assert not [event for event in engine.events if event["event"] == "member"], "it may be an old request"
        echo_us = sync.parse_reply(reply)[4]
        request = sync.pack_request(2, names.node_tag("loa-7"), 6, node_mac("time", "loa-7"), echo_us)
        listener.socket.sendto(request, ("127.0.0.1", engine.port))
        found = await engine.event("member")
        assert found == {"event": "member", "tag": unknown["tag"], "address": listener.address}
        received = []
        async with asyncio.timeout(10):
            while len(received) < 15:
                await asyncio.sleep(0.1)
                received += listener.drain()
        replies = {data for data in received if sync.is_sync(data)}
        _, _, t1, t2, t3 = sync.parse_reply(reply)
        assert t1 == 5
        await engine.event("stats", time_answered=2, time_forged=1)
        assert abs(t2 - time.time_ns() // 1000) < 5_000_000
        assert t2 <= t3
        assert len(received) - len(replies) > 10


async def test_zones_of_both_frame_lengths_sound_at_once(listener, pipe):
    other = Listener()
    pipe.write(tone(440, 1))
    zones = [zone("thon-1", [member(listener)]), zone("thon-2", [member(other)], "low")]
    async with running_engine() as engine:
        engine.link.send("plan", zones=zones, sessions=[session("s-1", ["thon-1", "thon-2"])])
        engine.link.send("source", session="s-1", live=False, fd=pipe.reading)
        await engine.event("source", state="ended")
        assert abs(frequency(listener.sound()[9600:43200]) - 440) < 3
        assert abs(frequency(other.sound(480)[9600:43200]) - 440) < 3
        states = [event["state"] for event in engine.events if event["event"] == "source"]
        assert (states[0], states[-1]) == ("playing", "ended")
    other.close()


async def test_what_enters_the_mixer_is_recorded(listener, pipe, tmp_path):
    path = tmp_path / "source.capture"
    pipe.write(tone(440, 1))
    async with running_engine("--record", str(path)) as engine:
        engine.link.send("plan", zones=[zone("thon-1", [member(listener)])], sessions=[session("s-1", ["thon-1"])])
        engine.link.send("source", session="s-1", live=False, fd=pipe.reading)
        await engine.event("source", state="ended")
        until_ns = time.monotonic_ns()
    data, stamps, begun, sound = path.read_bytes(), [], [], []
    while data:
        begun_ns, none, _ = struct.unpack_from("<qII", data)
        stamp_ns, count, rate = struct.unpack_from("<qII", data, 16)
        begun.append(begun_ns)
        stamps.append(stamp_ns)
        sound.append(np.frombuffer(data, "<i2", count, 32))
        assert (none, count, rate) == (0, 960, 48_000_000)
        data = data[32 + 2 * count :]
    assert set(np.diff(stamps) // 1000) <= {19_999, 20_000, 20_001}
    assert np.all(np.diff(begun) > 0)
    # A block is begun at most half a block before its instant; late only on a machine that is busy.
    assert -10_000_000 <= np.median(np.subtract(begun, stamps)) < 10_000_000
    assert begun[-1] < until_ns
    assert abs(frequency(np.concatenate(sound)[4800:43200]) - 440) < 3


async def test_a_source_that_stalls_is_told_and_comes_back(listener, pipe):
    async with running_engine() as engine:
        engine.link.send("plan", zones=[zone("thon-1", [member(listener)])], sessions=[session("s-1", ["thon-1"])])
        engine.link.send("source", session="s-1", live=True, fd=pipe.reading)
        pipe.write(tone(440, 0.2), close=False)
        await engine.event("source", state="playing")
        await engine.event("source", state="stalled")
        engine.events.clear()
        pipe.write(tone(440, 0.2), close=False)
        await engine.event("source", state="playing")
        await asyncio.sleep(0.1)
        indices = listener.indices()
        assert indices == list(range(indices[0], indices[0] + len(indices))), "silence is sent meanwhile"


async def test_its_statistics_come_every_second(listener, pipe):
    async with running_engine() as engine:
        first = await engine.event("stats")
        assert {"frames", "late_frames", "skipped_blocks", "send_errors", "cpu_s", "packets"} <= first.keys()


async def test_a_port_in_use_is_named():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        ours, its = socket.socketpair()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "controller.engine", "--control-fd", str(its.fileno()), "--host", "127.0.0.1",
            "--port", str(port), pass_fds=[its.fileno()], stderr=asyncio.subprocess.PIPE, cwd=ROOT,
        )  # fmt: skip
        its.close()
        _, errors = await asyncio.wait_for(process.communicate(), 20)
        ours.close()
    assert process.returncode == 1
    assert f"media socket 127.0.0.1:{port}: Address already in use" in errors.decode()


async def test_a_node_asks_for_a_frame_and_has_it_again(listener, pipe):
    pipe.write(tone(440, 30))
    there = zone("thon-1", [{**member(listener, "loa-7", fixed=False), "address": None}], "mobile")
    tag = names.node_tag("loa-7")
    async with running_engine() as engine:
        to_engine = ("127.0.0.1", engine.port)
        mac = node_mac("time", "loa-7")
        engine.link.send("plan", zones=[there], sessions=[session("s-1", ["thon-1"])])
        engine.link.send("source", session="s-1", live=False, fd=pipe.reading)
        ssrc = (await engine.event("stream"))["ssrc"]
        received = []
        async with asyncio.timeout(10):
            while len(received) < 10:
                replies = [data for data in listener.packets if sync.is_sync(data)]
                echo_us = sync.parse_reply(replies[-1])[4] if replies else 0
                listener.socket.sendto(sync.pack_request(1, tag, 5, mac, echo_us), to_engine)
                await asyncio.sleep(0.05)
                listener.drain()
                received = [data for data in listener.packets if rtp.is_rtp(data)]
        lost = received[5]
        with_strangers = [nack.build(names.node_tag("thief"), ssrc, [1]), b"\x81\xcd\0\0"]
        for data in (nack.build(tag, ssrc, [rtp.parse(lost)[1]]), *with_strangers):
            listener.socket.sendto(data, to_engine)
        await engine.event("stats", asked=3, retransmitted=1, refused=2)
        again = [data for data in listener.drain() if rtp.is_rtp(data) and rtp.parse(data)[1] == rtp.parse(lost)[1]]
        assert [rtp.tag_kind(data) for data in again] == [rtp.BY_SENDER, rtp.BY_NODE_KEY]
        tag_bytes = slice(rtp.TAG_AT, rtp.TAG_AT + rtp.TAG_BYTES)
        assert again[1][tag_bytes] == rtp.tag(again[1], node_mac("audio", "loa-7"))


async def test_its_packets_bear_tags_and_tell_keys(listener, pipe):
    """Signed by the chain of the profile, each with the key of its interval, and telling that of a lag before."""
    pipe.write(tone(440, 30))
    terms = PROFILES["lan"].terms
    chain = secret_chain("lan", time.time_ns() // 1000)
    async with running_engine() as engine:
        engine.link.send("chains", **chains(lan=chain))
        engine.link.send("chains", chains=[{"name": "lan", "salt": "x"}])
        engine.link.send("chains", chains=[{"name": "hifi"}])
        engine.link.send("plan", zones=[zone("thon-1", [member(listener)])], sessions=[session("s-1", ["thon-1"])])
        engine.link.send("source", session="s-1", live=False, fd=pipe.reading)
        stream = await engine.event("stream")
        await engine.event("error", text="chains: a chain is an object with the name of a profile")
        await engine.event("source", state="playing")
        await asyncio.sleep(0.3)
    packets = listener.drain()
    assert len(packets) > 10
    for packet in packets:
        media_us = stream["media0_us"] + rtp.parse(packet)[1] * 20_000
        interval = terms.interval(media_us)
        tags = Chain(chain.salt).tags(chain.key(interval))
        assert packet[rtp.TAG_AT : rtp.TAG_AT + rtp.TAG_BYTES] == rtp.tag(packet, tags)
        assert packet[rtp.KEY_AT : rtp.KEY_AT + rtp.KEY_BYTES] == chain.key(interval - terms.lag)
