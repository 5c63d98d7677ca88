"""Taps on a real engine: they hear what its members hear, and it does not notice."""

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from codec.wire import rtp
from controller.air import Air
from controller.errors import UnavailableError
from controller.listening import LINGER_S, MAX_WAITING, Listener, Listening
from controller.memory import Memory
from controller.settings import Settings
from controller.stations import Stations
from controller.storage.database import Database
from tests.controller.engine import harness
from tests.controller.engine.harness import session, tone, zone
from tests.controller.test_air import Nobody


class Office(Nobody):
    """Hands on what the engine says, as the real one does."""

    listening: Listening | None = None

    def __init__(self) -> None:
        self.streams = 0

    def on_stream(self, zone_id: str) -> None:
        self.streams += 1
        if self.listening:
            self.listening.on_stream(zone_id)


class Village:
    """One zone with one plain receiver, in which a tone sounds when it is told to."""

    def __init__(self, air: Air, office: Office, listening: Listening, member: harness.Listener) -> None:
        self.air, self.office, self.listening, self.member = air, office, listening, member
        self.there = zone("thon-1", [{"tag": "00" * 8, "address": member.address, "fixed": True}])

    def play(self, seconds: float) -> None:
        self.air.set_plan([self.there], [session("s-1", ["thon-1"])])
        reading, writing = os.pipe()

        def pour() -> None:
            with contextlib.suppress(BrokenPipeError), os.fdopen(writing, "wb") as pipe:
                pipe.write(tone(440, seconds).tobytes())

        threading.Thread(target=pour, daemon=True).start()
        self.air.open_source("s-1", reading, live=False)

    def silence(self) -> None:
        self.air.set_plan([self.there], [])
        self.air.close_source("s-1")


@pytest.fixture
async def village(tmp_path: Path, database: Database) -> AsyncIterator[Village]:
    office = Office()
    air = Air(Settings(media_host="127.0.0.1", media_port=0, folder=tmp_path), Memory(tmp_path / "memory.json"), office)
    await air.start()
    office.listening = Listening(air, Stations(database))
    member = harness.Listener()
    found = Village(air, office, office.listening, member)
    air.set_plan([found.there], [])
    yield found
    office.listening.stop()
    await air.stop()
    member.close()


async def until(true: Callable[[], object], within_s: float = 20.0) -> None:
    async with asyncio.timeout(within_s):
        while not true():
            await asyncio.sleep(0.02)


async def frames(listener: Listener, count: int) -> dict[int, bytes]:
    """Return the next frames by their numbers; texts between them are passed over."""
    found: dict[int, bytes] = {}
    async with asyncio.timeout(20):
        while len(found) < count:
            piece = await listener.next()
            assert piece is not None
            if isinstance(piece, bytes):
                found[int.from_bytes(piece[:4], "big")] = piece[4:]
    return found


def sent(member: harness.Listener) -> dict[int, bytes]:
    """Return what the plain receiver got."""
    parsed = [(rtp.parse(packet), packet) for packet in member.drain()]
    return {int(fields[1] or 0): packet[fields[6] : fields[7]] for fields, packet in parsed}


async def test_a_listener_gets_the_very_frames_that_members_get_and_they_notice_nothing(village: Village) -> None:
    village.play(4)
    await until(lambda: len(sent(village.member)) > 10)
    streams = village.office.streams
    with village.listening.listen("thon-1", "opus", "lan") as listener:
        assert await listener.next() == '{"format": "opus", "rate_hz": 48000, "frame_us": 20000}'
        heard = await frames(listener, 20)
    await until(lambda: village.listening.tapped == set(), LINGER_S + 5)
    await until(lambda: max(sent(village.member)) > max(heard) + 10)
    everything = sent(village.member)
    assert heard == {number: everything[number] for number in heard}
    first = min(everything)
    assert sorted(everything) == list(range(first, first + len(everything))), (
        "no frame is missing where the tap came and went"
    )
    assert village.office.streams == streams, "no stream began, changed or ended"


async def test_two_share_a_tap_and_one_that_is_slow_loses_the_oldest_alone(village: Village) -> None:
    with (
        village.listening.listen("thon-1", "opus", "a") as quick,
        village.listening.listen("thon-1", "opus", "b") as slow,
    ):
        assert village.listening.tapped == {"thon-1"} and village.listening.count == 2
        village.play(3)
        heard = await frames(quick, MAX_WAITING + 30)
        first = min(heard)
        assert sorted(heard) == list(range(first, first + MAX_WAITING + 30)) and quick.dropped == 0
        late = await frames(slow, 1)
        assert min(late) >= 29 and slow.dropped >= 29


async def test_listeners_stay_through_an_engine_that_dies(village: Village) -> None:
    village.play(20)
    with village.listening.listen("thon-1", "s16", "a") as listener:
        before = await frames(listener, 5)
        assert village.air.pid
        os.kill(village.air.pid, signal.SIGKILL)
        restarts = village.air.restarts
        await until(lambda: village.air.restarts > restarts and village.air.ready)
        listener.tell("")  # what was there before is forgotten
        after = await frames(listener, 5)
    assert min(after) > max(before), "the stream went on, with its numbering"
    assert all(len(samples) == 1920 for samples in after.values())


async def test_they_are_told_when_it_begins_and_ends(village: Village) -> None:
    with village.listening.listen("thon-1", "opus", "a") as listener:
        assert await listener.next() == '{"silent": true}'
        for _ in range(2):
            village.play(0.2)
            assert await listener.next() == '{"format": "opus", "rate_hz": 48000, "frame_us": 20000}'
            first, *rest = await frames(listener, 3)
            assert first < 3 and rest == [first + 1, first + 2]
            village.silence()
            said: Any = b""
            while isinstance(said, bytes):
                said = await asyncio.wait_for(listener.next(), 10)
            assert said == '{"silent": true}'


async def test_what_another_program_sends_to_the_tap_is_not_heard(village: Village) -> None:
    with village.listening.listen("thon-1", "opus", "a") as listener:
        village.play(2)
        heard = await frames(listener, 5)
        packet = village.member.drain()[0]
        member = village.air.tap("thon-1")
        assert member is not None
        forged = bytearray(packet)
        forged[-4:] = b"evil"
        for _ in range(10):
            village.member.socket.sendto(forged, tuple(member["address"]))
        heard |= await frames(listener, 20)
    assert not [payload for payload in heard.values() if payload.endswith(b"evil")]


async def test_the_last_place_is_the_last(village: Village, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.listening.MAX_LISTENERS", 1)
    with village.listening.listen("thon-1", "opus", "a"):
        with pytest.raises(UnavailableError, match="Too many listen"), village.listening.listen("thon-1", "opus", "b"):
            pass
    village.listening.stop()
    with pytest.raises(UnavailableError), village.listening.listen("thon-1", "opus", "b"):
        pass
