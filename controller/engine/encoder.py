"""Encodes each distinct mix once.

Streams whose rows of the gain matrix are the same share an encoder. When their rows part, so does the
encoder, state and all, so that nobody hears it. Streams come together only when one begins: two encoders'
states cannot be merged.
"""

from collections.abc import Callable, Iterable
from typing import Any

from codec.opus import MAX_PAYLOAD_BYTES, Encoder
from codec.profile import Profile
from controller.engine.mixer import Mixer
from controller.engine.stream import Stream


class Group:
    """Streams that carry the same payloads: those of the mix in row `streams[0].row`."""

    def __init__(self, encoder: Any, streams: list[Stream]) -> None:
        self.encoder = encoder
        self.streams = streams
        self.payload = memoryview(bytearray(MAX_PAYLOAD_BYTES))


class EncoderStage:
    """The encoders of one pipeline."""

    def __init__(self, mixer: Mixer, coder: Callable[[Profile], Any] = Encoder.of_profile) -> None:
        """`coder` makes an encoder."""
        self._coder = coder
        self.groups: list[Group] = []
        self._mixer = mixer
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

    def split(self) -> None:
        """Part the groups whose rows are no longer the same; call before a block is encoded."""
        if self._revision == self._mixer.revision:
            return
        self._revision = self._mixer.revision
        self.groups = [part for group in self.groups for part in self._parts(group)]

    def _parts(self, group: Group) -> Iterable[Group]:
        rest = group.streams
        group.streams = []
        encoder = group.encoder
        while rest:
            row = rest[0].row
            same = [stream for stream in rest if self._mixer.same_row(row, stream.row)]
            rest = [stream for stream in rest if stream not in same]
            if group.streams:
                yield Group(encoder.clone(), same)
            else:
                group.streams = same
                yield group
