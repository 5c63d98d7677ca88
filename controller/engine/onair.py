"""What is on air in the zones of one frame length: what the plan says, reached with ramps."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from codec.wire.announcement import MAX_LEAD_FRAMES
from codec.wire.command import MAX_DELAY_US
from controller.engine import ducking
from controller.engine.encoder import EncoderStage
from controller.engine.mediasocket import Media
from controller.engine.mixer import Mixer
from controller.engine.plan import Address, Mapping, Plan, Session, Zone
from controller.engine.source import Source, Tap
from controller.engine.stream import DRAINING, PENDING, SENDING, Stream

Emit = Callable[[str, dict[str, Any]], None]
TAIL_BLOCKS = 2
"""Sent from the block on in which the mix falls silent: what limiter and codec hold back is less than one. After them
come as many as it takes to tell the keys of all that was heard."""
_AFTERSOUND_US = MAX_DELAY_US + 100_000
"""A node still plays what was sent a lead ago for as long as its acoustic delay; limiter and codec hold some back."""
_MAX_FRAME_INDEX = (1 << 32) - 1


@dataclass(eq=False)
class Voice:
    """A source in the mix, in column `column`. leaving: fades out. sounding: its last block held sound."""

    session: Session
    source: Source
    tap: Tap
    column: int
    leaving: bool = False
    sounding: bool = False


class OnAir:
    """Streams are rows of the mixer, voices its columns; all methods are for the engine's own thread."""

    def __init__(
        self,
        frame_us: int,
        mixer: Mixer,
        encoders: EncoderStage,
        media: Media,
        emit: Emit,
        ramps: ducking.Ramps | None = None,
        randbits: Callable[[int], int] = secrets.randbits,
    ) -> None:
        self._randbits = randbits
        self.frame_us = frame_us
        self.streams: dict[tuple[str, str], Stream] = {}
        self.by_ssrc: dict[int, Stream] = {}
        self.voices: list[Voice] = []
        self._mixer = mixer
        self._encoders = encoders
        self._media = media
        self._emit = emit
        self._ramps = ramps or ducking.Ramps()
        self._ducks = np.ones(mixer.shape, np.float32)
        self._packets = 0
        self._send_errors = 0

    @property
    def packets(self) -> int:
        """Packets that left, since the beginning."""
        return self._packets + sum(stream.fanout.sent for stream in self.streams.values())

    @property
    def send_errors(self) -> int:
        """Packets that could not be sent, since the beginning."""
        return self._send_errors + sum(stream.fanout.errors for stream in self.streams.values())

    def apply(
        self, plan: Plan, sources: dict[str, Source], where: Callable[[bytes], Address | None], next_us: int
    ) -> None:
        """Take over `plan`; a new stream has its frame 0 at `next_us`. `where` gives learned addresses."""
        sessions_of: dict[str, list[Session]] = {zone.id: [] for zone in plan.zones}
        for session in plan.sessions:
            for zone_id in session.zones:
                sessions_of[zone_id].append(session)
        for stream in self.streams.values():
            stream.wanted = False
        for zone in plan.zones:
            if zone.profile.frame_us == self.frame_us:
                self._apply_zone(zone, sessions_of[zone.id], next_us)
        self.refresh_members(where)
        ours = {stream.zone.id for stream in self.streams.values() if stream.wanted}
        self._apply_voices(
            {session.id: session for session in plan.sessions if not ours.isdisjoint(session.zones)}, sources
        )
        self.aim()

    def refresh_members(self, where: Callable[[bytes], Address | None]) -> None:
        """Send to where the members are now."""
        for stream in self.streams.values():
            stream.fanout.set_members(addresses(stream.zone, where))

    def aim(self) -> None:
        """Aim the mixer at what plan and sounding voices call for."""
        shape = self._mixer.shape
        named = np.zeros(shape, np.bool_)
        session_gains, ducked = np.zeros(shape[1], np.float32), np.ones(shape[1], np.float32)
        priorities, sounding = np.full(shape[1], -1, np.int32), np.zeros(shape[1], np.bool_)
        zone_gains = np.zeros((shape[0], 1), np.float32)
        rows: dict[str, list[int]] = {}
        for stream in self.streams.values():
            if stream.wanted:
                rows.setdefault(stream.zone.id, []).append(stream.row)
                zone_gains[stream.row] = ducking.amplitude(stream.zone.gain_db) * FULL_SCALE
        fresh = np.ones(shape[1], np.bool_)
        for voice in self.voices:
            column = voice.column
            fresh[column] = not voice.sounding
            if voice.leaving:
                continue
            named[[row for zone in voice.session.zones for row in rows.get(zone, ())], column] = True
            session_gains[column] = ducking.amplitude(voice.session.gain_db)
            ducked[column] = ducking.amplitude(voice.session.duck_db)
            priorities[column] = voice.session.priority
            sounding[column] = voice.tap.sounding
        ducks = ducking.duck(named, priorities, ducked, sounding)
        before = np.ones(shape, np.float32)
        before[: self._ducks.shape[0], : self._ducks.shape[1]] = self._ducks
        before[~named] = ducks[~named]  # what comes or goes is faded, however it was ducked
        blocks = ducking.ramp_blocks(before, ducks, self._ramps, self.frame_us / 1000)
        blocks[:, fresh] = 0  # what is silent now cannot click
        self._ducks = ducks
        self._mixer.aim(np.where(named, zone_gains * session_gains * ducks, np.float32(0)), blocks)

    def heard(self, media_us: int) -> None:
        """Take note of what the voices' blocks at `media_us` held; call between reading and mixing."""
        changed = False
        for voice in self.voices:
            changed |= voice.sounding != voice.tap.sounding
        if changed:
            self.aim()
            for voice in self.voices:
                voice.sounding = voice.tap.sounding

    def advance(self, media_us: int) -> list[Stream]:
        """Begin and end streams at `media_us`, after mixing; return the streams that ended."""
        sounding = {zone for voice in self.voices if voice.tap.sounding for zone in voice.session.zones}
        ended = []
        for stream in self.streams.values():
            if stream.zone.id in sounding:
                stream.sounded_us = media_us
            elif stream.lead_us != stream.zone.lead_us and stream.wanted:
                self._change_lead(stream, media_us)
            if stream.state == SENDING:
                self._fade(stream, media_us)
            elif stream.wanted and stream.zone.id in sounding:
                stream.state = SENDING
                stream.tail_blocks = 0
                self._encoders.begin(stream)
            elif not stream.wanted and (stream.state == PENDING or media_us >= stream.end_us):
                ended.append(stream)
            elif stream.wanted:
                stream.state = PENDING
        for stream in ended:
            self._packets += stream.fanout.sent
            self._send_errors += stream.fanout.errors
            del self.streams[stream.zone.id, stream.profile.name], self.by_ssrc[stream.ssrc]
            self._emit("stream_end", {"zone": stream.zone.id, "ssrc": stream.ssrc})
        for voice in [voice for voice in self.voices if voice.leaving]:
            if self._mixer.column_is_silent(voice.column) or not voice.tap.sounding:
                self._mixer.inputs[voice.column] = 0.0
                voice.source.release(voice.tap)
                self.voices.remove(voice)
        return ended

    def _fade(self, stream: Stream, media_us: int) -> None:
        if stream.wanted or not self._mixer.row_is_silent(stream.row):
            stream.tail_blocks = 0
        elif stream.tail_blocks < TAIL_BLOCKS + stream.profile.lag:
            stream.tail_blocks += 1
        else:
            stream.state = DRAINING
            stream.end_us = media_us + stream.lead_us
            stream.pause()
            self._encoders.end(stream)

    def _apply_zone(self, zone: Zone, sessions: list[Session], next_us: int) -> None:
        stream = self.streams.get((zone.id, zone.profile.name))
        if stream:
            stream.zone = zone
        if not sessions:
            if zone.stream and (stream is None or stream.ssrc != zone.stream.ssrc):
                self._emit("stream_end", {"zone": zone.id, "ssrc": zone.stream.ssrc})
            return
        if stream is None:
            stream = self._new_stream(zone, next_us)
        stream.wanted = True
        priority = max(session.priority for session in sessions)
        if stream.priority == priority:
            return
        stream.priority = priority
        self._announce(stream)

    def _change_lead(self, stream: Stream, media_us: int) -> None:
        """Take the zone's lead once no member can be playing anything any more: what comes next has the new one.

        Nodes hear of it before they play that, which is a lead after it is sent.
        """
        if media_us - stream.sounded_us > stream.lead_us + _AFTERSOUND_US:
            stream.lead_us = stream.zone.lead_us
            self._announce(stream)

    def _announce(self, stream: Stream) -> None:
        self._emit(
            "stream",
            {
                "zone": stream.zone.id,
                "ssrc": stream.ssrc,
                "media0_us": stream.media0_us,
                "frame_us": self.frame_us,
                "lead_us": stream.lead_us,
                "priority": stream.priority,
            },
        )

    def _new_stream(self, zone: Zone, next_us: int) -> Stream:
        row = _free({stream.row for stream in self.streams.values()})
        self._mixer.grow(row + 1, 0)
        mapping = zone.stream if zone.stream and self._is_ours(zone.stream, next_us) else None
        while mapping is None or mapping.ssrc in self.by_ssrc:
            mapping = Mapping(self._randbits(32), next_us, zone.lead_us)
        stream = Stream(zone, row, mapping, self._media)
        stream.sounded_us = next_us  # in another engine it may have, just before
        self.streams[zone.id, zone.profile.name] = self.by_ssrc[stream.ssrc] = stream
        return stream

    def _is_ours(self, mapping: Mapping, next_us: int) -> bool:
        index, remainder = divmod(next_us - mapping.media0_us, self.frame_us)
        fits = mapping.lead_us <= MAX_LEAD_FRAMES * self.frame_us  # the frame may have been longer
        return remainder == 0 and 0 <= index <= _MAX_FRAME_INDEX and fits

    def _apply_voices(self, sessions: dict[str, Session], sources: dict[str, Source]) -> None:
        current = {}
        for voice in self.voices:
            session = sessions.get(voice.session.id)
            if session is None or sources.get(session.id) is not voice.source:
                voice.leaving = True
            elif not voice.leaving:
                voice.session = session
                current[session.id] = voice
        for session in sessions.values():
            source = sources.get(session.id)
            if session.id not in current and source:
                column = _free({voice.column for voice in self.voices})
                self._mixer.grow(0, column + 1)
                self.voices.append(Voice(session, source, source.tap(), column))


FULL_SCALE = 32767.0
"""The mix is in int16 steps: one pass over the samples less than scaling it later."""


def addresses(zone: Zone, where: Callable[[bytes], Address | None]) -> list[Address]:
    """Return where packets go: group and fixed receivers, or every member whose address is known."""
    found = [] if zone.multicast is None else [zone.multicast]
    for member in zone.members:
        if member.fixed:
            address = member.address
        elif zone.multicast is None:
            address = where(member.tag)
        else:
            continue
        if address:
            found.append(address)
    return found


def _free(taken: set[int]) -> int:
    return next(number for number in range(len(taken) + 1) if number not in taken)
