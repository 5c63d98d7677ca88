"""The control protocol: lines come out as they went in, however they are cut; descriptors stay with their message."""

import asyncio
import os
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.engine.control import MAX_MESSAGE_BYTES, Channel, ControlError, EngineLink, Framer, encode

messages = st.lists(
    st.dictionaries(st.text(max_size=5).filter(lambda key: key != "fd"), st.integers() | st.text(max_size=20)),
    max_size=5,
)


@given(messages, st.lists(st.integers(1, 40), max_size=20))
def test_lines_survive_any_cutting(sent, cuts):
    data = b"".join(encode(message) for message in sent)
    framer, received = Framer(), []
    while data:
        size = cuts.pop() if cuts else len(data)
        received += framer.feed(data[:size])
        data = data[size:]
    assert received == [(message, None) for message in sent]


@pytest.mark.parametrize("line", [b"no json\n", b"[1]\n", b"\xff\n", b"{\n", b"[" * 100_000 + b"\n", b"\n"])
def test_what_is_no_message_is_refused(line):
    with pytest.raises(ControlError):
        Framer().feed(line)


def test_an_endless_line_is_refused():
    framer = Framer()
    for _ in range(4):
        framer.feed(b"x" * (1 << 20))
    with pytest.raises(ControlError, match="longer than"):
        framer.feed(b"x")


def test_a_message_that_is_too_long_is_not_sent():
    with pytest.raises(ControlError, match="longer than"):
        encode({"text": "x" * MAX_MESSAGE_BYTES})


def test_a_missing_descriptor_is_an_error():
    with pytest.raises(ControlError, match="lacks its file descriptor"):
        Framer().feed(encode({"op": "source", "fd": True}))


async def test_descriptors_go_with_their_messages_even_behind_long_ones():
    one, other = socket.socketpair()
    link, channel = EngineLink(one), Channel(other)
    pipes = [os.pipe() for _ in range(3)]
    try:
        for number, (_, writing) in enumerate(pipes):
            link.send("plan", text="x" * 300_000)
            link.send("source", fd=writing, number=number)
        for number, (reading, writing) in enumerate(pipes):
            message, fd = await asyncio.wait_for(channel.receive(), 5)
            assert (message["op"], fd) == ("plan", None)
            message, fd = await asyncio.wait_for(channel.receive(), 5)
            assert message == {"op": "source", "number": number, "fd": True}
            os.close(writing)
            os.write(fd, b"through")
            os.close(fd)
            assert os.read(reading, 10) == b"through"
            assert os.read(reading, 10) == b""
    finally:
        link.close()
        channel.close()
        for reading, _ in pipes:
            os.close(reading)


async def test_events_end_when_the_other_end_closes():
    one, other = socket.socketpair()
    link, channel = EngineLink(one), Channel(other)
    channel.post({"event": "ready", "port": 1})
    channel.close()
    assert [event async for event in link.events()] == [{"event": "ready", "port": 1}]
    with pytest.raises(ControlError, match="closed"):
        link.send("plan")


async def test_garbage_closes_the_connection():
    one, other = socket.socketpair()
    channel = Channel(other)
    one.send(b"not a message\n")
    assert await asyncio.wait_for(channel.receive(), 5) is None
    one.close()
