"""The whole controller: its parts, made, wired, started and stopped in order. No HTTP here."""

import asyncio
import logging
import os
from pathlib import Path
from typing import Any

from controller import sources
from controller.air import Air
from controller.alerts.keeper import Alerts
from controller.alerts.notify.notifier import Notifier
from controller.alerts.scene import Surveyor
from controller.announcer import Announcer
from controller.areas import Areas
from controller.audit.log import Audit
from controller.broadcasts import Broadcasts
from controller.clock import mono_us
from controller.enrolments import Enrolments
from controller.errors import StartError
from controller.events import Bus
from controller.ingest.errors import IngestError
from controller.ingest.pool import IngestPool
from controller.link.broker import Broker
from controller.link.nodes import Link
from controller.listening import Listening
from controller.memory import Memory
from controller.metrics.exposition import Exposition
from controller.microphones import Microphones
from controller.overview import Overview
from controller.people.people import People
from controller.ports import own_address
from controller.reports import Reports
from controller.settings import Settings
from controller.solo import Solo
from controller.sounds import Sounds
from controller.sources import Sources
from controller.stations import Stations
from controller.storage.database import Database, sqlite_url
from controller.storage.files import SoundFolder
from controller.transport import Transport
from controller.trends.recorder import Recorder
from controller.webtls import WebTls

log = logging.getLogger(__name__)

HEALTH_S = 0.25
LEADS_S = 5.0
PLOTS_AT_ONCE = 2
"""A page that opens thirty of them must not take every thread."""


class Office:
    """Everything of one controller. Parts are public: routes use them."""

    def __init__(self, settings: Settings) -> None:
        folder = settings.folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)  # the nodes' keys are in the database
            self.memory = Memory(folder / "memory.json")
            sound_folder = SoundFolder(folder / "sounds", settings.max_sound_bytes)
        except OSError as error:
            raise StartError(
                "folder", f"{folder} cannot be used: {error}.", "Set folder in [storage] to one that can be written."
            ) from None
        _check_record(settings.record)
        self.settings = settings
        self.bus = Bus()
        self.database = Database(settings.database_url or sqlite_url(folder))
        self.audit = Audit(self.database, folder)
        self.people = People(self.database, self.audit, settings.oidc)
        self.first_password: str | None = None
        voices = folder / "voices"
        self.pool = IngestPool(voices_folder=voices)
        self.sounds = Sounds(
            self.database,
            sound_folder,
            lambda path: sources.measure(self.pool, path),
            settings.total_sound_bytes,
        )
        self.sources = Sources(self.pool, self.sounds, settings.loudness_lufs, voices)
        self.stations = Stations(self.database)
        self.areas = Areas(self.database, self.stations, self.bus)
        self.enrolments = Enrolments(self.database, self.audit, self.stations)
        self.reports = Reports(self.stations, self.memory.now_media_us)
        self.overview = Overview(self.stations, self.reports, self.memory, self.bus)
        self.reports.told.append(self.bus.spoke)
        self.trends = Recorder(self.database, self.reports.heard, settings.history_keep_days)
        self.plotting = asyncio.Semaphore(PLOTS_AT_ONCE)
        self.air = Air(settings, self.memory, self)
        self.broadcasts = Broadcasts(
            self.database, self.audit, self.stations, self.sources, self.air, self.bus, settings.keep_sessions
        )
        self.microphones = Microphones(self.pool, self.broadcasts)
        self.announcer = Announcer(self.stations, self.memory, self.air, self.reports)
        self.listening = Listening(self.air, self.stations)
        self.solo = Solo(self.stations, self.reports, self.broadcasts)
        self.notifier = Notifier(settings.notify, self.database, self.stations.titles)
        self.alerts = Alerts(
            settings.alerts,
            self.database,
            self.bus,
            Surveyor(self.stations, self.reports, self.air, self.memory, folder, self.notifier.failing),
            self.notifier,
        )
        self.transport = Transport(settings, self.stations, self.reports, self.announcer.chains)
        self.web_port = settings.http_port
        self.web = WebTls(settings, self.transport.authority)
        self.transport.rotation.switched.append(self.web.load)
        self.metrics = Exposition(self)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def link(self) -> Link:
        """The link to the nodes."""
        assert self.reports.link is not None
        return self.reports.link

    @property
    def broker(self) -> Broker | None:
        """Our own broker, if it is our own."""
        return self.transport.broker

    async def start(self) -> None:
        """Start everything; raises StartError, and then nothing is left running."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._start_link())
                group.create_task(self._start_engine())
                group.create_task(self._start_ingest())
        except BaseExceptionGroup as errors:
            await self.stop()
            raise _first(errors) from None
        await self.announcer.start()
        self.overview.worst_alerts = self.alerts.worst_kinds
        await self.overview.start()
        self.alerts.changed.append(self.overview.touch)
        await self.alerts.start()
        await self.broadcasts.start()
        self.trends.start()
        self._spawn(self._watch_health())
        self._spawn(self._follow_arrivals())

    async def stop(self) -> None:
        """Stop everything, what speaks first."""
        self.bus.close()
        await self.alerts.stop()
        self.listening.stop()
        if self.broadcasts.active:
            await self.broadcasts.stop()
            await self._wait_for_silence()
        await self.solo.stop()
        await self.announcer.stop()
        await self.air.stop()
        await self.pool.close()
        self.overview.stop()
        await self.trends.stop()
        await self.reports.stop()
        await self.transport.stop()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.people.close()
        await self.database.close()

    def on_engine_gone(self) -> None:
        """Have the nodes play what the engine sent before it died."""
        if self.reports.link:
            self.reports.link.tell_keys()

    def on_clock(self, was_us: int) -> None:
        """Make new chains where the clock went back."""
        self.announcer.clock_set(was_us)

    def on_stream(self, zone_id: str) -> None:
        """Announce what the engine says of a zone."""
        self.listening.on_stream(zone_id)
        self._spawn(self.announcer.announce(zone_id))
        self.overview.touch_zone(zone_id)
        self.bus.publish("zone", {"id": zone_id})

    def on_source(self, session_id: str, state: str, media_us: int) -> None:
        """Hand on what the engine says of a session's pipe."""
        self.broadcasts.on_source(session_id, state, media_us)

    def on_member(self, tag_hex: str, address: tuple[str, int]) -> None:
        """Keep where a node's packets come from."""
        self._spawn(self.stations.keep_address(tag_hex, list(address)))

    def public_broker(self) -> tuple[str, int]:
        """Return where nodes connect to the broker."""
        if self.settings.broker_host:
            return self.settings.broker_host, self.settings.broker_port
        assert self.broker is not None
        return self._public(self.settings.broker_bind), self.broker.port

    def public_media(self) -> tuple[str, int]:
        """Return where nodes send their time exchanges."""
        return self._public(self.settings.media_host), self.air.port

    def public_web(self) -> tuple[str, int]:
        """Return where nodes reach the REST interface, to be enrolled."""
        return self.settings.public_web or (self._public(self.settings.http_host), self.web_port)

    def _public(self, bind: str) -> str:
        if self.settings.public_host:
            return self.settings.public_host
        if bind not in ("0.0.0.0", "::"):
            return bind
        # Beside a broker that only this machine reaches, audio for this machine is what is meant.
        return (
            "127.0.0.1"
            if self.settings.broker_bind.startswith("127.") and not self.settings.broker_host
            else own_address()
        )

    async def _start_link(self) -> None:
        await self.database.migrate()
        await self.audit.start()
        self.first_password = await self.people.accounts.first()
        await self.reports.start()
        await self.transport.start()

    async def _start_engine(self) -> None:
        await self.air.start()

    async def _start_ingest(self) -> None:
        try:
            await self.pool.open()
        except IngestError as error:
            raise StartError("ingest", error.message, error.hint) from None

    async def _watch_health(self) -> None:
        """Tell watchers when the engine or the broker goes or comes."""
        shown = (True, True)
        while True:
            now = (self.air.ready, self.link.connected)
            if now != shown:
                shown = now
                self.bus.publish("health", {"engine": now[0], "broker": now[1]})
            await asyncio.sleep(HEALTH_S)

    async def _follow_arrivals(self) -> None:
        """Give streams the leads that their members need."""
        while True:
            await asyncio.sleep(LEADS_S)
            try:
                roster = await self.stations.roster()
                if self.air.leads.update(roster, self.reports.arrivals(), mono_us()):
                    await self.broadcasts.replan()
                    self.overview.renew()
            except Exception:  # a database that is away comes back
                log.exception("leads not brought up to date")

    async def _wait_for_silence(self) -> None:
        """Let the engine fade out and the nodes hear that it is over."""
        deadline_us = mono_us() + 1_000_000
        while self.memory.streams and self.air.ready and mono_us() < deadline_us:
            await asyncio.sleep(0.02)
        for zone_id in tuple(self.memory.streams):
            del self.memory.streams[zone_id]
        await self.announcer.announce_all()
        if self.reports.link:
            await self.reports.link.settle(1.0)

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception():
            log.error("a report of the engine was lost", exc_info=task.exception())


def _check_record(path: Path | None) -> None:
    """Raise StartError when the engine, which opens it, could not record into `path`; None is no recording."""
    if path is None:
        return
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC, 0o644))
    except OSError as error:
        raise StartError(
            "record",
            f"{path} cannot be recorded into: {error.strerror}.",
            "Set record in [engine] to a file that can be written, or leave it out.",
        ) from None


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    found: BaseException = errors
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found
