"""The engine's process: control socket, media socket and pipelines, wired together in one asyncio loop."""

import asyncio
import gc
import logging
import os
import resource
import socket
from dataclasses import asdict
from typing import Any

from codec.profile import PROFILES
from codec.wire import body
from codec.wire.errors import WireError
from controller.clock import Anchor
from controller.engine import mediasocket
from controller.engine.authenticator import Authenticator
from controller.engine.control import Channel, ControlError
from controller.engine.ground import MACHINE, Ground
from controller.engine.lane import Lane
from controller.engine.mediaclock import MAX_SLEW_PPB, MediaClock
from controller.engine.mediasocket import Media
from controller.engine.pacer import Pacer
from controller.engine.pipeline import Pipeline
from controller.engine.plan import Address, Plan, PlanError, parse_plan
from controller.engine.reception import Reception
from controller.engine.recorder import Recorder
from controller.engine.retransmitter import Retransmitter
from controller.engine.settings import EngineSettings
from controller.engine.sources import Sources
from controller.engine.stream import Stream
from controller.engine.timeservice import TimeService

log = logging.getLogger(__name__)

CLOCK_PERIOD_S = 60.0
CLOCK_DRIFT_US = 50
"""The clock is told sooner when what was told last is off by more."""
_REFRESH_S = 0.02
_RR_PRIORITY = 10
_NICE = -11


class Engine:
    """Everything of one engine; lives as long as its control socket."""

    def __init__(self, settings: EngineSettings, control: Channel, media: Media, ground: Ground = MACHINE) -> None:
        self._ground = ground
        self._control = control
        self._media = media
        self._clock = MediaClock(ground.monotonic_ns(), ground.utc_ns() // 1000, ground.monotonic_ns)
        self._recorder = Recorder(settings.record, self._clock) if settings.record else None
        self._workers = ground.crew(settings.workers or min(4, os.cpu_count() or 1))
        self._time = TimeService(media, self._clock, self._on_member)
        self._again = Retransmitter(media, self._clock, self._stream, self._time.address)
        self._reception = Reception(media, self._time.on_request, self._again.on_nack)
        self._authenticator = Authenticator()
        self._plan: Plan | None = None
        self._clock_given = asyncio.Event()
        self._sources = Sources(self.emit, ground.monotonic_ns)
        self._refresh: asyncio.TimerHandle | None = None
        frame_lengths_us = sorted({profile.frame_us for profile in PROFILES.values()})
        self._lanes = [
            Lane(
                Pipeline(frame_us, media, self._workers, self.emit, self._authenticator, self._recorder, ground),
                Pacer(self._clock, frame_us, _patience_us(frame_us), ground.alarm()),
                self._sources.report,
            )
            for frame_us in frame_lengths_us
        ]

    async def run(self) -> None:
        """Serve until the controller closes the control socket; raises what a stage raised."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._media, self._reception.on_readable)
        work = [self._obey_controller(), self._housekeep(), *(lane.run() for lane in self._lanes)]
        tasks = [asyncio.create_task(job) for job in work]
        self.emit("ready", {"port": self._media.getsockname()[1]})
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            loop.remove_reader(self._media)
            for lane in self._lanes:
                lane.close()
            self._workers.close()
            self._sources.close()
            if self._recorder:
                self._recorder.close()

    def emit(self, event: str, fields: dict[str, Any]) -> None:
        """Tell the controller; when it is gone, :meth:`run` ends by itself."""
        try:
            self._control.post({"event": event, **fields})
        except ControlError:
            self._control.close()

    async def _obey_controller(self) -> None:
        while (item := await self._control.receive()) is not None:
            message, fd = item
            op = message.get("op")
            try:
                if op == "source" and fd is not None:
                    self._sources.add(body.text(message, "session", 64), fd, message.get("live") is True)
                    fd = None
                    self._apply()
                elif op == "plan":
                    self._plan = parse_plan(message)
                    self._apply()
                elif op == "chains":
                    self._authenticator.set_chains(message)
                elif op == "clock":
                    self._set_clock(body.integer(message, "mono_us", 0, 1 << 62), message)
                else:
                    self.emit("error", {"text": f"unknown message {str(op)[:32]!r}"})
            except (PlanError, WireError) as error:  # what is on air goes on
                self.emit("error", {"text": f"{op}: {error}"})
            finally:
                if fd is not None:
                    os.close(fd)

    def _set_clock(self, mono_us: int, message: dict[str, Any]) -> None:
        media_us = body.integer(message, "media_us", 0, 1 << 62)
        slew_ppb = body.integer(message, "slew_ppb", -MAX_SLEW_PPB, MAX_SLEW_PPB, 0)
        if self._on_air():
            self.emit("error", {"text": "clock: not while something is on air"})
            return
        self._clock.set(mono_us * 1000, media_us, slew_ppb)
        self._clock_given.set()

    def _apply(self) -> None:
        plan = self._plan or Plan()
        self._sources.keep({session.id for session in plan.sessions})
        self._time.set_members(member for zone in plan.zones for member in zone.members if not member.fixed)
        self._again.set_zones(plan.zones)
        for lane in self._lanes:
            frame_us = lane.pipeline.on_air.frame_us
            leads_us = [zone.profile.shortest_lead_us for zone in plan.zones if zone.profile.frame_us == frame_us]
            lane.pacer.patience_us = min([_patience_us(frame_us), *(lead_us // 2 for lead_us in leads_us)])
            lane.apply(plan, self._sources.by_session, self._time.address)
            if plan.zones:
                lane.pipeline.recorded_zone = plan.zones[0].id

    def _on_member(self, tag: bytes, address: Address) -> None:
        self.emit("member", {"tag": tag.hex(), "address": list(address)})
        if self._refresh is None:  # a village that comes back all at once changes the lists once
            self._refresh = asyncio.get_running_loop().call_later(_REFRESH_S, self._refresh_members)

    def _refresh_members(self) -> None:
        self._refresh = None
        for lane in self._lanes:
            lane.pipeline.on_air.refresh_members(self._time.address)

    def _stream(self, ssrc: int) -> Stream | None:
        found = (lane.pipeline.on_air.by_ssrc.get(ssrc) for lane in self._lanes)
        return next((stream for stream in found if stream), None)

    def _on_air(self) -> bool:
        return any(lane.pipeline.on_air.streams for lane in self._lanes)

    async def _housekeep(self) -> None:
        await self._clock_given.wait()  # what is told before would undo the one that is handed on
        told = Anchor(0, 0)
        while True:
            mono_ns, utc_ns = self._ground.monotonic_ns(), self._ground.utc_ns()
            # What the last engine had on air is known with the first plan; until then nothing may be stepped.
            self._clock.follow(mono_ns, utc_ns, self._plan is None or self._on_air())
            mono_us = mono_ns // 1000
            now = Anchor(mono_us, self._clock.media_us(mono_us * 1000), self._clock.slew_ppb)
            drift_us = abs(now.media_us - told.media_at(mono_us))
            if drift_us > CLOCK_DRIFT_US or mono_us - told.mono_us >= CLOCK_PERIOD_S * 1e6:
                told = now
                self.emit("clock", asdict(now))
            self.emit("stats", self._stats())
            await asyncio.sleep(1.0)

    def _stats(self) -> dict[str, Any]:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        on_air = [lane.pipeline.on_air for lane in self._lanes]
        pacers = [lane.pacer for lane in self._lanes]
        return {
            "frames": sum(lane.frames for lane in self._lanes),
            "late_frames": sum(pacer.late_frames for pacer in pacers),
            "skipped_blocks": sum(pacer.skipped_blocks for pacer in pacers),
            "worst_late_us": max(pacer.take_worst_us() for pacer in pacers),
            "packets": sum(each.packets for each in on_air),
            "send_errors": sum(each.send_errors for each in on_air),
            "members": sum(stream.fanout.members for each in on_air for stream in each.streams.values()),
            "failures": self._workers.failures,
            "time_answered": self._time.answered,
            "time_ignored": self._time.ignored,
            "time_forged": self._time.forged,
            "asked": self._again.asked,
            "retransmitted": self._again.retransmitted,
            "copies": self._again.copies,
            "refused": self._again.refused,
            "cpu_s": round(usage.ru_utime + usage.ru_stime, 3),
        }


def _patience_us(frame_us: int) -> int:
    """Return how late a block may begin: half of what the shortest lead of this frame length leaves."""
    return min(profile.lead_us for profile in PROFILES.values() if profile.frame_us == frame_us) // 2


async def serve(settings: EngineSettings) -> None:
    """Be an engine until the control socket closes."""
    raise_priority(settings.priority)
    control = Channel(socket.socket(fileno=settings.control_fd))
    with mediasocket.open_media(settings) as media:
        engine = Engine(settings, control, media)
        gc.collect()
        gc.freeze()  # what was imported lives for ever: the collector need not walk it within a frame's time
        await engine.run()


def raise_priority(wish: str) -> None:
    """Take real-time scheduling ("rr"), a nice value ("nice") or neither ("none"), as far as allowed."""
    if wish == "rr":
        try:
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(_RR_PRIORITY))
            return
        except OSError:
            log.info("no real-time scheduling here; trying a nice value")
    if wish != "none":
        try:
            os.setpriority(os.PRIO_PROCESS, 0, _NICE)
        except OSError:
            log.info("no better priority allowed; a loaded machine may make frames late")
