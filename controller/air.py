"""The engine as the controller sees it: a child told what should be on air, and told it all again when it died."""

import asyncio
import contextlib
import dataclasses
import logging
import os
import socket
import sys
from collections.abc import Mapping
from typing import Any, Protocol

from codec.profile import Profile
from controller.clock import Anchor
from controller.engine.control import ControlError, EngineLink
from controller.errors import StartError
from controller.leads import Leads
from controller.memory import Memory, StreamOnAir
from controller.ports import check_multicast_interface, free_port
from controller.settings import Settings
from controller.supervisor import Child, Supervisor, end

log = logging.getLogger(__name__)

READY_S = 15.0
HUNG_S = 5
"""An engine that says nothing for so long, though it reports once a second, is replaced."""
_MAPPING = ("ssrc", "media0_us", "lead_us")
_LAUNCH = (
    "import os, runpy, sys; os.dup2(int(sys.argv[1]), 3); del sys.argv[1]; "
    "runpy.run_module('controller.engine', run_name='__main__', alter_sys=True)"
)
"""Puts the inherited socket where the engine looks for it; done in the new process, whose descriptor 3 is free."""


class Listener(Protocol):
    """Who is told what the engine reports."""

    def on_engine_gone(self) -> None:
        """The engine died, in the middle of whatever it sent."""

    def on_clock(self, was_us: int) -> None:
        """The media clock is set anew; by what was known before, it would show `was_us` now."""

    def on_stream(self, zone_id: str) -> None:
        """The zone's stream began, changed or ended: see Air.streams."""

    def on_source(self, session_id: str, state: str, media_us: int) -> None:
        """The session's pipe is "playing", "stalled" or "ended" since `media_us`."""

    def on_member(self, tag: str, address: tuple[str, int]) -> None:
        """Packets of the node with this tag come from `address`."""


@dataclasses.dataclass(frozen=True)
class _Source:
    fd: int
    live: bool


class Air:
    """Keeps an engine alive and its plan, sources and clock ready for the next one. leads: what streams should have."""

    def __init__(self, settings: Settings, memory: Memory, listener: Listener) -> None:
        self.stats: dict[str, Any] = {}
        self.memory = memory
        self.leads = Leads(settings.profiles)
        self._settings = settings
        self._listener = listener
        check_multicast_interface(settings.multicast_interface)
        self.port = free_port(settings.media_host, settings.media_port, "Audio (UDP)", "media", udp=True)
        self._sources: dict[str, _Source] = {}
        self._zones: list[dict[str, Any]] = []
        self._sessions: list[dict[str, Any]] = []
        self._taps: dict[str, dict[str, Any]] = {}
        self._chains: dict[str, Any] = {"chains": []}
        self._planned = False
        self._link: EngineLink | None = None
        self._reader: asyncio.Task[None] | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._quiet_s = 0
        self._supervisor = Supervisor("engine", self._start)

    @property
    def ready(self) -> bool:
        """True while an engine serves."""
        return self._link is not None

    @property
    def pid(self) -> int | None:
        """Process id of the engine while it runs."""
        return self._supervisor.pid

    @property
    def restarts(self) -> int:
        """How often it had to be started again."""
        return self._supervisor.restarts

    @property
    def profiles(self) -> Mapping[str, Profile]:
        """The profiles as the settings have them."""
        return self._settings.profiles

    async def start(self) -> None:
        """Return when the engine serves; raises StartError."""
        await self._supervisor.run()

    async def stop(self) -> None:
        """End the engine and close every source."""
        link, self._link = self._link, None
        if link:
            link.close()  # the engine takes this as the order to end
        if self._watcher:
            self._watcher.cancel()
        await self._supervisor.stop()
        if self._reader:
            await asyncio.wait({self._reader})
        for session_id in tuple(self._sources):
            self.close_source(session_id)
        self.memory.save(durable=True)

    def set_plan(self, zones: list[dict[str, Any]], sessions: list[dict[str, Any]]) -> None:
        """Tell the engine all that should be on air; an engine that is away is told when it is back."""
        first, self._planned = not self._planned, True
        profiles = self._settings.profiles
        leads_us = self.leads.joined(zones, sessions)
        zones = [
            {**zone, "profile": dataclasses.asdict(profiles[zone["profile"]]), "lead_us": leads_us[zone["id"]]}
            for zone in zones
        ]
        self._zones, self._sessions = zones, sessions
        if first and self._link is not None:
            self._tell_everything(self._link)
        else:
            self._say_plan()
        if self._link is None:
            self._forget_idle_streams()

    def set_tap(self, zone_id: str, member: dict[str, Any] | None) -> None:
        """Have a zone's packets sent to one more receiver, a member as in the plan, or to none; no stream changes.

        It stays through plans and engines that come after.
        """
        if member is None:
            self._taps.pop(zone_id, None)
        else:
            self._taps[zone_id] = member
        if self._planned:
            self._say_plan()

    def set_chains(self, message: dict[str, Any]) -> None:
        """Tell the engine the chains of keys (controller.chains.Chains.message), and each engine after it."""
        self._chains = message
        self._say("chains", **message)

    def open_source(self, session_id: str, fd: int, live: bool) -> None:
        """Hand over the reading end of a session's pipe; `fd` is owned from now on."""
        self._sources[session_id] = _Source(fd, live)
        self._say("source", fd=fd, session=session_id, live=live)

    def close_source(self, session_id: str) -> None:
        """Close the controller's end of a session's pipe; no-op when there is none."""
        source = self._sources.pop(session_id, None)
        if source:
            os.close(source.fd)

    def tap(self, zone_id: str) -> dict[str, Any] | None:
        """Return the member that was set as a zone's tap."""
        return self._taps.get(zone_id)

    def _say_plan(self) -> None:
        self._say("plan", zones=[self._tapped(zone, None) for zone in self._zones], sessions=self._sessions)

    def _tapped(self, zone: dict[str, Any], stream: dict[str, Any] | None) -> dict[str, Any]:
        tap = self._taps.get(zone["id"])
        members = zone["members"] if tap is None else [*zone["members"], tap]
        return {**zone, "members": members, "stream": stream}

    def _say(self, op: str, *, fd: int | None = None, **fields: Any) -> None:
        if self._link is not None:
            with contextlib.suppress(ControlError):  # it just died: the next one is told everything
                self._link.send(op, fd=fd, **fields)

    async def _start(self) -> Child:
        if self._reader:
            await asyncio.wait({self._reader})
        ours, theirs = socket.socketpair()
        try:
            process = await self._spawn(theirs)
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        link = EngineLink(ours)
        link.send("clock", **dataclasses.asdict(self.memory.anchor))
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._reader = asyncio.create_task(self._read(link, ready), name="engine events")
        try:
            async with asyncio.timeout(READY_S):
                await ready
        except BaseException as error:  # also when this start is called off
            link.close()
            await end(process, 0.5)
            if not isinstance(error, TimeoutError | ControlError):
                raise
            raise StartError(
                "engine",
                f"The engine does not start (it ended with {process.returncode}).",
                "Its own words are above; see [media].",
            ) from None
        self._link = link
        self._watcher = asyncio.create_task(self._watch(link, process), name="engine watch")
        if self._planned:
            self._tell_everything(link)
        return process

    async def _spawn(self, theirs: socket.socket) -> asyncio.subprocess.Process:
        settings = self._settings
        arguments = ["--host", settings.media_host, "--port", str(self.port)]
        arguments += ["--multicast-ttl", str(settings.multicast_ttl)]
        if settings.multicast_interface:
            arguments += ["--multicast-interface", settings.multicast_interface]
        if settings.record:
            arguments += ["--record", str(settings.record)]
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", _LAUNCH, str(theirs.fileno()), *arguments),
            pass_fds=(theirs.fileno(),),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=sys.stderr.fileno(),  # standard output belongs to the command's answer
            start_new_session=True,  # Ctrl-C is for the controller, which then ends the engine in order
        )

    def _tell_everything(self, link: EngineLink) -> None:
        streams = self.memory.streams
        zones = []
        for zone in self._zones:
            stream = streams.get(zone["id"])
            busy = any(zone["id"] in session["zones"] for session in self._sessions)
            kept = {name: getattr(stream, name) for name in _MAPPING} if stream and busy else None
            zones.append(self._tapped(zone, kept))
        with contextlib.suppress(ControlError):
            link.send("chains", **self._chains)
            link.send("plan", zones=zones, sessions=self._sessions)
            for session_id, source in self._sources.items():
                link.send("source", fd=source.fd, session=session_id, live=source.live)
        self._forget_idle_streams()

    def _forget_idle_streams(self) -> None:
        """Nobody is left to report the end of a stream whose last session ended while the engine was away."""
        busy = {zone for session in self._sessions for zone in session["zones"]}
        for zone_id in set(self.memory.streams) - busy:
            self._set_stream(zone_id, None)

    async def _read(self, link: EngineLink, ready: asyncio.Future[None]) -> None:
        try:
            async for event in link.events():
                try:
                    self._handle(event, ready)
                except Exception:  # the next one may be fine; the link goes on
                    log.exception("event of the engine lost: %r", event)
        finally:
            link.close()
            if self._link is link:
                self._link = None
                self.stats = {}
                self._listener.on_engine_gone()
            if not ready.done():
                ready.set_exception(ControlError("the engine closed the connection"))
                ready.exception()  # seen, also where nobody waits any more

    async def _watch(self, link: EngineLink, process: asyncio.subprocess.Process) -> None:
        """End an engine that lives but is silent. Counts turns of this loop: when it stood still, so did the reader."""
        self._quiet_s = 0
        while self._link is link and self._quiet_s <= HUNG_S:
            await asyncio.sleep(1.0)
            self._quiet_s += 1
        if self._link is link:
            log.error("the engine said nothing for %d s: it is replaced", HUNG_S)
            with contextlib.suppress(ProcessLookupError):
                process.kill()

    def _handle(self, event: dict[str, Any], ready: asyncio.Future[None]) -> None:
        match event.get("event"):
            case "ready":
                self.port = int(event["port"])
                if not ready.done():
                    ready.set_result(None)
            case "clock":
                fields = ("mono_us", "media_us", "slew_ppb")
                anchor = Anchor(*(int(event[name]) for name in fields))
                was_us = self.memory.anchor.media_at(anchor.mono_us)
                self.memory.anchor = anchor
                self.memory.save(durable=True)
                self._listener.on_clock(was_us)
            case "stream":
                named = {field.name: int(event[field.name]) for field in dataclasses.fields(StreamOnAir)}
                self._set_stream(str(event["zone"]), StreamOnAir(**named))
            case "stream_end":
                stream = self.memory.streams.get(str(event["zone"]))
                if stream and stream.ssrc == int(event["ssrc"]):
                    self._set_stream(str(event["zone"]), None)
            case "source":
                self._listener.on_source(str(event["session"]), str(event["state"]), int(event["media_us"]))
            case "member":
                host, port = event["address"]
                self._listener.on_member(str(event["tag"]), (str(host), int(port)))
            case "stats":
                self._quiet_s = 0
                self.stats = {name: value for name, value in event.items() if name != "event"}

    def _set_stream(self, zone_id: str, stream: StreamOnAir | None) -> None:
        if stream == self.memory.streams.get(zone_id):
            return
        if stream:
            self.memory.streams[zone_id] = stream
        else:
            self.memory.streams.pop(zone_id, None)
        self._listener.on_stream(zone_id)
        self.memory.save()
