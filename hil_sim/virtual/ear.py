"""What was sent, and what each DAC makes of it: judged while it is emitted, from the samples alone.

Every sample of the programme says which one it is (:mod:`hil_sim.virtual.codec`). The packets say which sample belongs
to which frame, the engine's clock when each frame is to be played: one sample of a block tells how far off a node is.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from codec.wire import rtp
from codec.wire.errors import WireError
from hil_sim.patience import Trust
from hil_sim.virtual.codec import LEAST, LOW, MADE_UP, SPAN, place_of

WINDOW_US = 100_000
WRONG_US = 20_000
"""A node this far off plays another place of the programme. It is measured all the same, up to half of SPAN."""
_HALF = SPAN // 2
_MARGIN_US = 3_000
_SAMPLE_US = 1e6 / 48_000
_KEPT = 1024
_MOST_FAULTS = 2000
_MOST_FADES = 2
"""Blocks in a row that fade in or out; more is no fade."""

HEARD, MADE, SILENT, WRONG, FOREIGN = "heard", "made up", "silent", "wrong", "foreign"


@dataclass
class Mapping:
    """One stream: how its frames map to media time, and which sample of the programme each begins with."""

    ssrc: int
    media0_us: int
    frame_us: int
    lead_us: int
    places: dict[int, int | None] = field(default_factory=dict)
    last_index: int = -1
    """The last frame that was sent before the stop."""


class Programme:
    """All that was sent, as it is sent. `media_us` is the engine's media clock at a true time."""

    def __init__(self, media_us: Callable[[int], int]) -> None:
        self.media_us = media_us
        self.current: Mapping | None = None
        self.streams: dict[int, Mapping] = {}
        self.sent = 0
        self.stopped = False
        self._index_of: dict[bytes, tuple[int, int]] = {}

    def stream(self, ssrc: int, media0_us: int, frame_us: int, lead_us: int) -> None:
        """The engine announces a stream, or another lead for it."""
        known = self.streams.get(ssrc)
        if known is None:
            known = self.streams[ssrc] = Mapping(ssrc, media0_us, frame_us, lead_us)
        known.lead_us = lead_us
        self.current = known

    def stream_end(self, ssrc: int) -> None:
        """The engine says that a stream has been played to its end."""
        if self.current is not None and self.current.ssrc == ssrc:
            self.current = None

    def on_sent(self, data: bytes) -> None:
        """A packet leaves the engine."""
        ssrc, index, _, _, _, _, first, end = rtp.parse(data)
        mapping = self.streams.get(ssrc)
        if mapping is None or index is None:
            return
        mapping.places[index] = place_of(data[first:end])
        if not self.stopped and index > mapping.last_index:
            self.sent += 1
            mapping.last_index = index
        self._index_of[data] = (ssrc, index)
        if len(self._index_of) > _KEPT:
            del self._index_of[next(iter(self._index_of))]
            mapping.places.pop(index - _KEPT, None)

    def frame_of(self, data: bytes) -> tuple[int, int] | None:
        """Return ``(ssrc, index)`` of a packet that was sent lately; None for anything else."""
        found = self._index_of.get(data)
        if found is None and rtp.is_rtp(data):
            try:
                ssrc, index, *_ = rtp.parse(data)
            except WireError:
                return None
            if index is not None and ssrc in self.streams:
                return ssrc, index
        return found


@dataclass(frozen=True)
class Fault:
    """Something that a listener would notice, at true time `at_ns`. late_us: for WRONG. in_time: the frame's packet was
    there long before it was due."""

    at_ns: int
    kind: str
    late_us: float = 0.0
    in_time: bool = False


class Ear:
    """Listens at one node's DAC. delay_us: its acoustic delay. floor_us: how long before its instant a node gives up
    waiting for a frame, and what its DAC holds besides. lag_us: when keys are told. doubt_us: see
    hil_sim.patience.Trust."""

    def __init__(
        self, programme: Programme, floor_us: int, delay_us: int = 0, lag_us: int = 0, doubt_us: int = 0
    ) -> None:
        self.late_us: dict[int, float] = {}
        """By window of 100 ms of programme: how late it was, negative early."""
        self.first_ns: int | None = None
        self.played = 0
        self.made_up = 0
        self.late = 0
        self.gaps_ms: list[float] = []
        self.foreign_us = 0
        self.faults: list[Fault] = []
        self._programme = programme
        self._floor_us = floor_us
        self._delay_us = delay_us
        self._lag_us = lag_us
        self._doubt_us = doubt_us
        self._trusts: dict[int, Trust] = {}
        self._arrived: dict[int, int] = {}
        self._frame = (-1, -1)
        self._sounding = False
        self._fades = 0
        self._late_lately_us = float(WRONG_US)  # not known yet
        self._silent_since_ns: int | None = None

    def doubt(self, doubt_us: int) -> None:
        """Reckon with a node that knows the time less well from now on, as its line has become slower."""
        self._doubt_us = max(self._doubt_us, doubt_us)
        for trust in self._trusts.values():
            trust.doubt_us = self._doubt_us

    def arrive(self, data: bytes) -> None:
        """A datagram reaches the node."""
        found = self._programme.frame_of(data)
        mapping = self._programme.current
        if found is None or mapping is None or found[0] != mapping.ssrc:
            return
        now_us = self._programme.media_us(-1)
        index = found[1]
        media_us = mapping.media0_us + index * mapping.frame_us
        trust = self._trusts.get(mapping.ssrc)
        if trust is None:
            trust = self._trusts[mapping.ssrc] = Trust(self._lag_us, mapping.frame_us, self._doubt_us)
        if rtp.tag_kind(data) == rtp.BY_NODE_KEY:
            trust.again(index, now_us)
        else:
            trust.arrive(index, now_us - media_us, now_us)
        if index % _KEPT == 0:
            trust.forget(index - _KEPT)
        if index in self._arrived:
            return
        self._arrived[index] = now_us
        if now_us > media_us + mapping.lead_us + self._delay_us:
            self.late += 1
        if len(self._arrived) > _KEPT:
            del self._arrived[next(iter(self._arrived))]

    def hear(self, first_ns: int, block: Any) -> None:
        """A block leaves the DAC from `first_ns` on."""
        mapping = self._programme.current
        middle = len(block) // 2
        value = block[middle]
        at_ns = first_ns + middle * 62_500 // 3
        if mapping is None:
            self._unexpected(value, at_ns, len(block))
            return
        media_us = self._programme.media_us(at_ns) - mapping.lead_us - self._delay_us
        index, rest_us = divmod(media_us - mapping.media0_us, mapping.frame_us)
        place = mapping.places.get(index)
        if place is None:
            near = mapping.places.get(index - 1) is not None or mapping.places.get(index + 1) is not None
            if not near:
                self._unexpected(value, at_ns, len(block))
            self._sounding = False
            return
        if value > LEAST or block[middle + 60] > LEAST:  # where the sawtooth falls, the curve undershoots
            self._heard(mapping, index, media_us, block, rest_us, first_ns, at_ns)
        elif value <= MADE_UP // 2:
            self._count(mapping, index, made=True)
            self._fault(at_ns, MADE, media_us, mapping)
            self._sound(at_ns)
        else:
            if self._sounding:
                self._silent_since_ns = at_ns
            self._sounding = False
            self._fault(at_ns, SILENT, media_us, mapping)

    def _late_us(self, block: Any, middle: int, place: int, rest_us: int) -> float:
        best = SPAN
        for away in (0, -60, 60):  # where the sawtooth falls, samples lie between
            ahead = (block[middle + away] - LOW - place - rest_us * 0.048 - away + _HALF) % SPAN - _HALF
            if abs(ahead) < abs(best):
                best = ahead
            if -48 < ahead < 48:
                break
        return -best * _SAMPLE_US

    def _heard(
        self, mapping: Mapping, index: int, media_us: int, block: Any, rest_us: int, first_ns: int, at_ns: int
    ) -> None:
        fades_in = not self._sounding
        self._sound(at_ns)
        if self.first_ns is None:
            self.first_ns = first_ns
        place = mapping.places[index]
        assert place is not None
        fading = fades_in or not self._rises(block)
        self._fades = self._fades + 1 if fading else 0
        late_us = (
            0.0 if fading and self._fades <= _MOST_FADES else self._late_us(block, len(block) // 2, place, rest_us)
        )
        if not -WRONG_US < late_us < WRONG_US:
            self._fault(at_ns, WRONG, media_us, mapping, late_us)
        elif not fading:
            self._late_lately_us = late_us
        self._count(mapping, index, made=index not in self._arrived)
        window = media_us // WINDOW_US
        if window not in self.late_us and not fading:
            self.late_us[window] = late_us

    def _rises(self, block: Any) -> bool:
        """Return whether the block is the programme at full level somewhere: a fade is steeper, or falls."""
        middle = len(block) // 2
        return any(-1 <= block[at + 8] - block[at] - 8 <= 1 for at in (middle, middle + 60, middle - 60))

    def _sound(self, at_ns: int) -> None:
        self._sounding = True
        if self._silent_since_ns is not None:
            if not self._programme.stopped:
                self.gaps_ms.append((at_ns - self._silent_since_ns) / 1e6)
            self._silent_since_ns = None

    def _count(self, mapping: Mapping, index: int, made: bool) -> None:
        frame = (mapping.ssrc, index)
        if frame == self._frame or index > mapping.last_index:
            return
        self._frame = frame
        if made:
            self.made_up += 1
        else:
            self.played += 1

    def _unexpected(self, value: int, at_ns: int, samples: int) -> None:
        if value > LEAST:  # what a decoder makes up after the last frame is not another's
            self.foreign_us += samples * 125 // 6
            self._note(Fault(at_ns, FOREIGN))

    def _fault(self, at_ns: int, kind: str, media_us: int, mapping: Mapping, late_us: float = 0.0) -> None:
        # A node that is a little early or late is at another frame near the end or the beginning of one.
        margin_us = _MARGIN_US + int(abs(self._late_lately_us))
        first = (media_us - margin_us - mapping.media0_us) // mapping.frame_us
        last = (media_us + margin_us - mapping.media0_us) // mapping.frame_us
        in_time = all(self._was_in_time(mapping, index) for index in range(first, last + 1))
        self._note(Fault(at_ns, kind, late_us, in_time))

    def _was_in_time(self, mapping: Mapping, index: int) -> bool:
        trust = self._trusts.get(mapping.ssrc)
        arrived_us = None if trust is None else trust.known_us(index)
        due_us = mapping.media0_us + index * mapping.frame_us + mapping.lead_us + self._delay_us
        sounds = mapping.places.get(index) is not None
        return sounds and arrived_us is not None and arrived_us < due_us - self._floor_us

    def _note(self, fault: Fault) -> None:
        if len(self.faults) < _MOST_FAULTS:
            self.faults.append(fault)
