"""The engine as a process: a pipe goes on air, and whatever its peers do it stays there."""

import asyncio
import time

import pytest

from tests.controller.engine.harness import (
    Listener,
    Pipe,
    frequency,
    member,
    running_engine,
    session,
    tone,
    zone,
)


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
        engine.link.send(
            "plan", zones=[zone("thon-1", [member(listener)])], sessions=[session("s-1", ["thon-1"])]
        )
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
