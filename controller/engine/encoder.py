"""Encodes each distinct mix once.

Streams whose rows of the gain matrix are the same share an encoder. When their rows part, so does the
encoder, state and all, so that nobody hears it. Two encoders' states cannot be merged; but where two have coded
the same mix for some seconds, what their decoders remember is nearly the same too, and the streams of the younger
go over to the older.
"""

from collections.abc import Callable, Iterable
from typing import Any

from codec.opus import MAX_PAYLOAD_BYTES, Encoder
from codec.profile import Profile
from controller.engine.mixer import Mixer
from controller.engine.stream import Stream

MERGE_US = 5_000_000
"""How long two encoders must have coded the same mix before the younger is given up: by then what a decoder still
has of the time before (prediction in SILK, energies of the bands in CELT) is far below the codec's own noise."""
_LOOK_BLOCKS = 25
"""A ramp ends without a new revision: rows are compared this often while their aims rest."""


class Group:
    """Streams that carry the same payloads: those of the mix in row `streams[0].row`.

    mix: what that row was when it was last looked at; since_block: when it was first seen so.
    """

    def __init__(self, encoder: Any, streams: list[Stream]) -> None:
        self.encoder = encoder
        self.streams = streams
        self.mix = b""
        self.since_block = 0
        self.payload = memoryview(bytearray(MAX_PAYLOAD_BYTES))


class EncoderStage:
    """The encoders of one pipeline."""

    def __init__(self, mixer: Mixer, coder: Callable[[Profile], Any] = Encoder.of_profile) -> None:
        """`coder` makes an encoder."""
        self._coder = coder
        self.groups: list[Group] = []
        """The oldest first."""
        self._mixer = mixer
        self._block = 0
        self._revision = mixer.revision

    def begin(self, stream: Stream) -> None:
        """Take a stream in: into a group with the same mix and profile, or with an encoder of its own."""
        for group in self.groups:
            first = group.streams[0]
            if first.profile == stream.profile and self._mixer.same_row(first.row, stream.row):
                group.streams.append(stream)
                return
        self.groups.append(Group(self._coder(stream.profile), [stream]))

    def end(self, stream: Stream) -> None:
        """Let a stream go."""
        for group in self.groups:
            if stream in group.streams:
                group.streams.remove(stream)
        self.groups = [group for group in self.groups if group.streams]

    def regroup(self) -> None:
        """Part the groups whose rows are no longer the same, join those whose have long been; call before each block
        is encoded.
        """
        self._block += 1
        if self._revision != self._mixer.revision:
            self._revision = self._mixer.revision
            self.groups += [part for group in self.groups for part in self._parts(group)]
        elif self._block % _LOOK_BLOCKS:
            return
        if len(self.groups) > 1:
            self._merge()

    def _parts(self, group: Group) -> Iterable[Group]:
        """Leave in `group` the streams with the mix of its first; yield new groups of the others."""
        row = group.streams[0].row
        rest = [stream for stream in group.streams if not self._mixer.same_row(row, stream.row)]
        group.streams = [stream for stream in group.streams if stream not in rest]
        while rest:
            row = rest[0].row
            same = [stream for stream in rest if self._mixer.same_row(row, stream.row)]
            rest = [stream for stream in rest if stream not in same]
            yield Group(group.encoder.clone(), same)

    def _merge(self) -> None:
        oldest: dict[tuple[bytes, Profile], Group] = {}
        for group in self.groups:
            first = group.streams[0]
            mix = self._mixer.row_bytes(first.row)
            if mix != group.mix:
                group.mix, group.since_block = mix, self._block
            if (self._block - group.since_block) * first.profile.frame_us < MERGE_US:
                continue
            older = oldest.setdefault((mix, first.profile), group)
            if older is not group:
                older.streams += group.streams
                group.streams = []
        self.groups = [group for group in self.groups if group.streams]
