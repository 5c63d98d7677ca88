"""Sessions: begun, changed, ended, and taken up again after a crash. What should be on air is in the database."""

import asyncio
import contextlib
import logging
import os
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from sqlalchemy import select

from codec.wire.announcement import PRIORITY_EMERGENCY, PRIORITY_NAMES
from controller import plan
from controller.air import Air
from controller.audit.log import Audit
from controller.clock import wall_us
from controller.errors import ConflictError, ControllerError, NotFoundError
from controller.events import Bus
from controller.ingest.request import MicrophoneRequest, Stored, parse_request
from controller.people.who import Who
from controller.pushed import PushPipe
from controller.sources import RunningSource, Sources, resumed
from controller.states import ACTIVE, ENDED, FAILED, ON_AIR, STALLED, STARTING
from controller.stations import Stations
from controller.storage.database import Database
from controller.storage.history import prune
from controller.storage.tables import Session

log = logging.getLogger(__name__)

MAX_ACTIVE = 200
RESUME_WITHIN_S = 600.0
"""A controller that was away for longer takes nothing up again: nobody expects a voice from hours ago."""
INPUT_WITHIN_S = 60.0
"""A push session that gets no samples for so long after its start is given up."""


Run = Callable[[Callable[[str], None]], Awaitable[RunningSource]]
"""Starts a source, given what it tells in words when it cannot go on."""


def may_speak(broadcast: Session, who: Who) -> bool:
    """Return whether somebody may give a session's samples: his own one's, and in an emergency anybody's."""
    if "broadcast.emergency" in who.permissions:
        return "broadcast" in who.permissions
    own = broadcast.account == who.account and broadcast.priority < PRIORITY_EMERGENCY
    return own and "broadcast" in who.permissions


class Broadcasts:
    """All sessions, and of those that are over the newest `keep`.

    Every change is in the database before it is answered or heard.
    """

    def __init__(
        self,
        database: Database,
        audit: Audit,
        stations: Stations,
        sources: Sources,
        air: Air,
        bus: Bus,
        keep: int = 10_000,
    ) -> None:
        self._database = database
        self._audit = audit
        self._stations = stations
        self._sources = sources
        self._air = air
        self._bus = bus
        self._keep = keep
        self._active: dict[str, Session] = {}
        self._running: dict[str, RunningSource] = {}
        self._changing = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def active(self) -> list[Session]:
        """Sessions that are not over, the oldest first."""
        return list(self._active.values())

    async def start(self) -> None:
        """Take up what was on air when the last controller died, and follow changes of zones and nodes."""
        self._stations.changed.append(self.replan)
        async with self._database.read() as session:
            left = list(
                await session.scalars(
                    select(Session).where(Session.state.in_(ACTIVE)).order_by(Session.accepted_wall_us)
                )
            )
        for broadcast in left:
            await self._take_up(broadcast)
        await self.replan()
        self._spawn(self._prune())

    async def stop(self) -> None:
        """End every session, in order."""
        await self.stop_all("the controller was stopped")
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def begin(
        self,
        source: Stored,
        zones: Sequence[str],
        priority: int,
        gain_db: float,
        allow_empty: bool = False,
        account: str | None = None,
        run: Run | None = None,
    ) -> Session:
        """Put a source on air in zones and return the session, which is in the database. account: whose it is.

        run: starts the source, where it is none that Sources knows how to start.

        Raises NotFoundError for an unknown zone or sound, ConflictError for a zone without nodes or too many sessions.
        """
        await self._check_zones(zones, allow_empty)
        if len(self._active) >= MAX_ACTIVE:
            raise ConflictError("too_many", f"There are {MAX_ACTIVE} sessions already.", "Stop some of them.")
        run = run or await self._runner(source)
        broadcast = Session(
            id=f"s-{secrets.token_hex(8)}",
            source=source.model_dump(mode="json"),
            zones=list(dict.fromkeys(zones)),
            priority=priority,
            gain_db=gain_db,
            account=account,
            state=STARTING,
            reason="",
            accepted_wall_us=wall_us(),
        )
        async with self._database.write() as session:
            session.add(broadcast)
            await self._audit.record(
                session,
                "broadcast.begin",
                broadcast.id,
                source=broadcast.source,
                zones=broadcast.zones,
                priority=PRIORITY_NAMES[priority],
                gain_db=gain_db,
            )
        self._spawn(self._prune())
        await self._run(broadcast, run, source.live)
        return broadcast

    async def get(self, session_id: str) -> Session:
        """Return a session, over or not; raises NotFoundError."""
        if session_id in self._active:
            return self._active[session_id]
        async with self._database.read() as session:
            found = await session.get(Session, session_id)
        if found is None:
            raise NotFoundError(
                "unknown_session", f"There is no session {session_id}.", "GET /api/sessions lists them."
            )
        return found

    async def recent(self, limit: int, active_only: bool) -> list[Session]:
        """Return up to `limit` sessions, the newest first."""
        if active_only:
            return self.active[::-1][:limit]
        async with self._database.read() as session:
            rows = await session.scalars(select(Session).order_by(Session.accepted_wall_us.desc()).limit(limit))
            return [self._active.get(row.id, row) for row in rows]

    async def set_gain(self, session_id: str, gain_db: float) -> Session:
        """Change a session's gain; raises NotFoundError, ConflictError when it is over."""
        broadcast = await self.get(session_id)
        if session_id not in self._active:
            raise ConflictError("over", f"The session {session_id} is over.", "Start another one.")
        await self._change(broadcast, gain_db=gain_db)
        await self.replan()
        return broadcast

    async def end(self, session_id: str, reason: str) -> Session:
        """Stop a session; one that is over stays as it is. Raises NotFoundError."""
        broadcast = await self.get(session_id)
        await self._finish(broadcast, ENDED, reason)
        return broadcast

    async def stop_all(self, reason: str) -> list[Session]:
        """Stop every session and return them."""
        stopped = self.active
        # Silence first: the horns must not wait for one commit a session.
        self._active.clear()
        await self.replan()
        for result in await asyncio.gather(
            *(self._finish(broadcast, ENDED, reason) for broadcast in stopped), return_exceptions=True
        ):
            if isinstance(result, BaseException):
                raise result
        return stopped

    def input_of(self, session_id: str) -> PushPipe:
        """Return the pipe of a push session for its one sender; raises ConflictError."""
        pipe = self._running[session_id].pushed if session_id in self._running else None
        if pipe is None:
            raise ConflictError("no_input", "This session takes no samples.", 'Start one with the source "push".')
        if pipe.taken:
            raise ConflictError("input_taken", "Another sender gives this session's samples.", "Start another session.")
        pipe.taken = True
        return pipe

    def microphone_of(self, session_id: str) -> Any:
        """Return the microphone of a session; raises ConflictError."""
        found = self._running[session_id].microphone if session_id in self._running else None
        if found is None:
            raise ConflictError("no_microphone", "Nobody speaks in this session.", "Start another one: POST /api/whip.")
        return found

    def end_soon(self, session_id: str, reason: str) -> None:
        """Stop a session, from where nothing can be waited for."""
        self._spawn(self.end(session_id, reason))

    async def replan(self) -> None:
        """Tell the engine what should be on air now."""
        roster = await self._stations.roster()
        # No await from here on: a session that ended meanwhile must not come back.
        programmes = [
            plan.Programme(row.id, tuple(row.zones), row.priority, row.gain_db) for row in self._active.values()
        ]
        self._air.set_plan(*plan.build(roster, programmes))

    def on_source(self, session_id: str, state: str, media_us: int) -> None:
        """Follow what the engine says of a session's pipe."""
        broadcast = self._active.get(session_id)
        if broadcast is None:
            return
        if state == "ended":
            self._spawn(self._source_ended(broadcast))
        elif state == "playing":
            began_us = broadcast.began_media_us if broadcast.began_media_us is not None else media_us
            self._spawn(self._change(broadcast, state=ON_AIR, began_media_us=began_us))
        elif state == "stalled":
            self._spawn(self._change(broadcast, state=STALLED))

    async def _check_zones(self, zones: Sequence[str], allow_empty: bool) -> None:
        roster = await self._stations.roster()
        for zone_id in zones:
            zone = await self._stations.zone(zone_id)
            if not allow_empty and not roster.members[zone_id] and zone.multicast is None:
                raise ConflictError(
                    "zone_without_nodes",
                    f"The zone {zone_id} has no node: nobody would hear it.",
                    'Add a node to it, or say "allow_empty": true.',
                )

    async def _runner(self, source: Stored) -> Run:
        """Return what starts a source; raises NotFoundError for a sound that is not there."""
        if isinstance(source, MicrophoneRequest):
            raise TypeError("a microphone is begun with what starts it")
        playable = await self._sources.resolve(source)
        return lambda failed: self._sources.run(playable, failed)

    async def _run(self, broadcast: Session, run: Run, live: bool) -> None:
        self._active[broadcast.id] = broadcast
        try:
            await self._start_source(broadcast, run, live)
        except Exception as error:
            why = error.message if isinstance(error, ControllerError) else f"not started: {error}"
            await self._finish(broadcast, FAILED, why)
            raise

    async def _start_source(self, broadcast: Session, run: Run, live: bool) -> None:
        """Put the session's source on air; where the session is stopped meanwhile, nothing is left of it."""
        running = await run(lambda why: self._source_failed(broadcast.id, why))
        try:
            if broadcast.id in self._active:
                self._running[broadcast.id] = running
                await self.replan()
        except BaseException:
            os.close(running.read_fd)
            raise
        if broadcast.id not in self._active:
            os.close(running.read_fd)
            await running.stop()
            return
        self._air.open_source(broadcast.id, running.read_fd, live)
        self._bus.publish("session", {"id": broadcast.id})
        if running.pushed is not None:
            self._spawn(self._expect_input(broadcast, running.pushed))

    async def _take_up(self, broadcast: Session) -> None:
        if self._air.memory.away_s > RESUME_WITHIN_S:
            await self._finish(broadcast, ENDED, "the controller was away for too long")
            return
        began_us = broadcast.began_media_us
        elapsed_us = 0 if began_us is None else max(0, self._air.memory.now_media_us() - began_us)
        try:
            source = resumed(parse_request(broadcast.source), elapsed_us)
            if source is None:
                await self._finish(broadcast, ENDED, "the controller was restarted and this source cannot be taken up")
                return
            await self._run(broadcast, await self._runner(source), source.live)
        except Exception as error:  # one session that cannot be taken up must not keep the others from it
            log.warning("session %s is not taken up: %s", broadcast.id, error)
            await self._finish(broadcast, FAILED, f"not taken up after a restart: {error}")

    async def _expect_input(self, broadcast: Session, pipe: PushPipe) -> None:
        await asyncio.sleep(INPUT_WITHIN_S)
        if not pipe.taken:
            await self._finish(broadcast, FAILED, "no samples came")

    def _source_failed(self, session_id: str, why: str) -> None:
        broadcast = self._active.get(session_id)
        if broadcast:
            self._spawn(self._finish(broadcast, FAILED, why))

    async def _source_ended(self, broadcast: Session) -> None:
        running = self._running.get(broadcast.id)
        # The pipe's end and the child's word on it race; the word says why.
        why = await running.why_ended() if running else ""
        await self._finish(broadcast, FAILED if why else ENDED, why or "the source came to its end")

    async def _change(self, broadcast: Session, **values: Any) -> None:
        async with self._changing:
            if broadcast.id in self._active:
                await self._store(broadcast, values)

    async def _finish(self, broadcast: Session, state: str, reason: str) -> None:
        running = None
        try:
            async with self._changing:
                if broadcast.state not in ACTIVE:
                    return
                self._active.pop(broadcast.id, None)
                running = self._running.pop(broadcast.id, None)
                try:
                    await self.replan()
                finally:
                    self._air.close_source(broadcast.id)
                await self._store(broadcast, {"state": state, "reason": reason[:500], "ended_wall_us": wall_us()})
        finally:
            if running:
                await running.stop()

    async def _store(self, broadcast: Session, values: dict[str, Any]) -> None:
        if all(getattr(broadcast, name) == value for name, value in values.items()):
            return
        async with self._database.write() as session:
            row = await session.get(Session, broadcast.id)
            for name, value in values.items() if row else ():
                setattr(row, name, value)
            if values.get("state") in (ENDED, FAILED):
                await self._audit.record(
                    session, "broadcast.end", broadcast.id, state=values["state"], reason=values["reason"]
                )
        for name, value in values.items():
            setattr(broadcast, name, value)
        self._bus.publish("session", {"id": broadcast.id})

    async def _prune(self) -> None:
        await prune(self._database, self._keep)

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(self._guard(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guard(self, work: Any) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            try:
                await work
            except ControllerError as error:
                log.warning("%s", error)
            except Exception:
                log.exception("a change of a session was lost")
