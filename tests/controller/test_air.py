"""The engine as the controller keeps it: what it said is handed on, and one that fails is replaced."""

import asyncio
import os
import signal
import socket
import struct
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from codec.wire import names, sync
from codec.wire.mac import Mac, derive
from controller.air import Air
from controller.clock import Anchor, mono_us, wall_us
from controller.errors import StartError
from controller.memory import Memory
from controller.settings import Settings
from tests.controller.engine.harness import node_key, session, tone, zone

TAG = names.node_tag("loa-1")
GROUP = "239.255.77.2"
IP_RECVTTL = 12
"""Of linux/in.h; Python names it from 3.14 on."""


class Nobody:
    def on_engine_gone(self) -> None: ...

    def on_clock(self, was_us: int) -> None: ...

    def on_stream(self, zone_id: str) -> None: ...

    def on_source(self, session_id: str, state: str, media_us: int) -> None: ...

    def on_member(self, tag: str, address: tuple[str, int]) -> None: ...


@pytest.fixture
async def air(tmp_path: Path) -> AsyncIterator[Air]:
    memory = Memory(tmp_path / "memory.json")
    memory.anchor = Anchor(mono_us(), wall_us() - 10_000_000)
    found = Air(Settings(media_host="127.0.0.1", media_port=0, folder=tmp_path), memory, Nobody())
    await found.start()
    member = {"tag": TAG.hex(), "address": None, "fixed": False, "key": node_key().hex()}
    found.set_plan([zone("thon-1", [member])], [session("s-1", ["thon-1"])])
    yield found
    await found.stop()


async def _until(true: Callable[[], object], within_s: float = 20.0) -> None:
    async with asyncio.timeout(within_s):
        while not true():
            await asyncio.sleep(0.02)


async def _replaced(air: Air, number: signal.Signals) -> None:
    pid = air.pid
    assert pid
    os.kill(pid, number)
    await _until(lambda: air.pid not in (None, pid) and air.ready and air.stats)


def _asked(air: Air) -> tuple[int, int]:
    """Return CLOCK_MONOTONIC and what the engine says the media clock showed then."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as node:
        node.settimeout(5)
        asked_us = mono_us()
        node.sendto(sync.pack_request(1, TAG, 5, Mac(derive(node_key(), "time"))), ("127.0.0.1", air.port))
        _, _, _, t2_us, _ = sync.parse_reply(node.recv(100))
        return asked_us, t2_us


async def test_two_killed_engines_leave_the_media_clock_as_it_was(air: Air) -> None:
    await _until(lambda: air.stats and air.memory.anchor.slew_ppb)
    before = air.memory.anchor
    for _ in range(2):
        await _replaced(air, signal.SIGKILL)
        asked_us, media_us = await asyncio.to_thread(_asked, air)
        assert abs(media_us - before.media_at(asked_us)) < 1000, "ten seconds off UTC, and not stepped on air"


async def test_multicast_leaves_by_the_interface_and_goes_as_far_as_the_settings_say(tmp_path: Path) -> None:
    settings = Settings(
        media_host="0.0.0.0", media_port=0, folder=tmp_path, multicast_interface="127.0.0.1", multicast_ttl=9
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as player:
        player.bind((GROUP, 0))
        joined = socket.inet_aton(GROUP) + socket.inet_aton("127.0.0.1")
        player.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, joined)
        player.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)
        player.settimeout(10)
        air = Air(settings, Memory(tmp_path / "memory.json"), Nobody())
        await air.start()
        try:
            there = zone("thon-1", [], multicast=list(player.getsockname()))
            air.set_plan([there], [session("s-1", ["thon-1"])])
            reading, writing = os.pipe()
            os.write(writing, tone(440, 0.2).tobytes())
            os.close(writing)
            air.open_source("s-1", reading, live=False)
            packet, ancillary, _, address = await asyncio.to_thread(player.recvmsg, 2000, 100)
        finally:
            await air.stop()
    assert packet[0] == 0x90
    assert address == ("127.0.0.1", air.port)
    assert ancillary == [(socket.IPPROTO_IP, socket.IP_TTL, struct.pack("i", 9))]


def test_an_interface_that_is_not_here_is_told(tmp_path: Path) -> None:
    settings = Settings(media_port=0, folder=tmp_path, multicast_interface="192.0.2.77")
    with pytest.raises(StartError, match=r"Multicast cannot leave by 192\.0\.2\.77"):
        Air(settings, Memory(tmp_path / "memory.json"), Nobody())


async def test_an_engine_that_is_silent_is_replaced(air: Air, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.air.HUNG_S", 1)
    await _until(lambda: air.stats)
    await _replaced(air, signal.SIGSTOP)


async def test_a_full_disk_does_not_end_the_link(air: Air, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("controller.memory.write_atomically", full)
    pipe, writing = os.pipe()
    os.write(writing, bytes(48_000))
    air.open_source("s-1", pipe, live=False)
    await _until(lambda: air.memory.streams)
    air.stats = {}
    await _until(lambda: air.stats)
    await _replaced(air, signal.SIGKILL)
    os.close(writing)


async def test_a_clock_that_steps_is_told_with_what_it_was(tmp_path: Path) -> None:
    steps_us = []

    class Watch(Nobody):
        def on_clock(self, was_us: int) -> None:
            steps_us.append(air.memory.now_media_us() - was_us)

    memory = Memory(tmp_path / "memory.json")
    memory.anchor = Anchor(mono_us(), wall_us() + 10_000_000)
    air = Air(Settings(media_host="127.0.0.1", media_port=0, folder=tmp_path), memory, Watch())
    await air.start()
    try:
        air.set_plan([zone("thon-1", [])], [])
        await _until(lambda: any(abs(step_us + 10_000_000) < 1_000_000 for step_us in steps_us))
    finally:
        await air.stop()
