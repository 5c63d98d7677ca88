"""Sessions that end while something else is under way leave nothing behind and do not come back."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from controller.audit.log import Audit
from controller.broadcasts import Broadcasts
from controller.events import Bus
from controller.ingest.request import ToneRequest, parse_request
from controller.pushed import PushPipe
from controller.sources import RunningSource, Sources
from controller.stations import Stations
from controller.storage.database import Database, sqlite_url


class Air:
    """Keeps what it was told."""

    def __init__(self) -> None:
        self.plans: list[list[str]] = []
        self.open: dict[str, int] = {}

    def set_plan(self, zones: list[dict[str, Any]], sessions: list[dict[str, Any]]) -> None:
        self.plans.append([session["id"] for session in sessions])

    def open_source(self, session_id: str, fd: int, live: bool) -> None:
        self.open[session_id] = fd

    def close_source(self, session_id: str) -> None:
        if session_id in self.open:
            os.close(self.open.pop(session_id))


class SlowSources:
    """Pipes that are there when `go` is set."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.go.set()
        self.made: list[RunningSource] = []

    async def resolve(self, source: Any) -> Any:
        return source

    async def run(self, playable: Any, failed: Any) -> RunningSource:
        await self.go.wait()
        read_fd, write_fd = os.pipe()
        self.made.append(RunningSource(read_fd, pushed=PushPipe(write_fd)))
        return self.made[-1]


class Fixture:
    def __init__(self, folder: Path) -> None:
        self.database = Database(sqlite_url(folder))
        self.audit = Audit(self.database, folder)
        self.stations = Stations(self.database)
        self.sources = SlowSources()
        self.air = Air()
        self.broadcasts = Broadcasts(self.database, self.audit, self.stations, self.sources, self.air, Bus(), keep=3)

    async def begin(self) -> Any:
        source = parse_request({"kind": "tone", "duration_ms": 60_000})
        return await self.broadcasts.begin(source, ["thon-1"], 1, 0.0, allow_empty=True)


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Fixture]:
    found = Fixture(tmp_path)
    await found.database.migrate()
    await found.audit.start()
    await found.stations.add_zone({"id": "thon-1"})
    yield found
    await found.broadcasts.stop()
    await found.database.close()


def _is_closed(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return True
    return False


async def test_stopped_while_it_starts_nothing_is_left(office: Fixture) -> None:
    office.sources.go.clear()
    beginning = asyncio.create_task(office.begin())
    while not office.broadcasts.active:
        await asyncio.sleep(0.01)
    await office.broadcasts.stop_all("enough")
    office.sources.go.set()
    assert (await beginning).state == "ended"
    (made,) = office.sources.made
    assert _is_closed(made.read_fd)
    assert made.pushed is not None
    assert made.pushed._fd == -1
    assert office.air.open == {}
    assert office.air.plans[-1] == []
    assert office.broadcasts._running == {}


async def test_whatever_a_start_raises_the_session_failed(office: Fixture, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run(*_: object) -> RunningSource:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(office.sources, "run", run)
    with pytest.raises(OSError, match="Too many"):
        await office.begin()
    (session,) = await office.broadcasts.recent(5, active_only=False)
    assert (session.state, "Too many open files" in session.reason) == ("failed", True)
    assert office.broadcasts.active == []


async def test_a_finish_that_is_not_stored_still_ends_the_source(
    office: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await office.begin()

    async def store(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(office.broadcasts, "_store", store)
        with pytest.raises(OSError, match="No space"):
            await office.broadcasts.end(session.id, "enough")
    (made,) = office.sources.made
    assert made.pushed is not None
    assert made.pushed._fd == -1
    assert office.air.open == {}


async def test_a_session_that_ended_does_not_come_back(office: Fixture, monkeypatch: pytest.MonkeyPatch) -> None:
    session = await office.begin()
    roster, go = office.stations.roster, asyncio.Event()

    async def slow() -> Any:
        await go.wait()
        return await roster()

    with monkeypatch.context() as patched:
        patched.setattr(office.stations, "roster", slow)
        late = asyncio.create_task(office.broadcasts.replan())
        await asyncio.sleep(0)
    await office.broadcasts.end(session.id, "enough")
    go.set()
    await late
    assert office.air.plans[-1] == []


async def test_stopped_all_at_once_nobody_is_planned_again(office: Fixture) -> None:
    for _ in range(3):
        await office.begin()
    told = len(office.air.plans)
    stopped = await office.broadcasts.stop_all("enough")
    assert [session.state for session in stopped] == ["ended"] * 3
    assert not any(office.air.plans[told:])


async def test_a_roster_read_before_a_change_is_not_kept(office: Fixture) -> None:
    office.stations._forget_roster()
    reading = asyncio.create_task(office.stations.roster())
    await asyncio.sleep(0)
    await office.stations.add_zone({"id": "thon-2"})
    await reading
    assert set((await office.stations.roster()).zones) == {"thon-1", "thon-2"}


async def test_a_pipe_that_cannot_be_made_leaves_no_descriptor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("controller.sources.fcntl.fcntl", refused)
    sources = Sources(None, None, -16.0, tmp_path)
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(PermissionError):
        await sources.run(ToneRequest(kind="tone", duration_ms=1000), print)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


async def test_old_sessions_go_as_new_ones_come(office: Fixture) -> None:
    begun = [await office.begin() for _ in range(2)]
    for _ in range(5):
        begun.append(await office.begin())
        await office.broadcasts.end(begun[-1].id, "stopped")
    expected = {row.id for row in [*begun[:2], *begun[-3:]]}  # what is on air, and the three newest
    async with asyncio.timeout(20):
        while {row.id for row in await office.broadcasts.recent(100, active_only=False)} != expected:
            await asyncio.sleep(0.01)
