"""What is on air in a zone: the body of ``loaxa/v1/zone/<id>/session``, sealed as :mod:`.tesla` has it.

It is the whole state, not an event: a node that comes late is told the same by a command. An empty list of streams is
silence.
"""

from . import body
from .errors import WireError
from .rtp import PAYLOAD_TYPE_OPUS

VERSION = 1
MAX_STREAMS = 8
MAX_LEAD_US = 2000000
MAX_LEAD_FRAMES = 100
"""A node holds the frames of a lead, and no more (firmware/node/jitter.py)."""

CODEC_OPUS = "opus"

PRIORITY_BACKGROUND = 0
PRIORITY_NORMAL = 1
PRIORITY_BULLETIN = 2
PRIORITY_LIVE = 3
PRIORITY_EMERGENCY = 4
PRIORITY_NAMES = ("background", "normal", "priority", "live", "emergency")


class Stream:
    """One RTP stream of a zone and how its frames map to media time.

    ssrc: RTP source, 32 bits. payload_type: RTP payload type. codec: CODEC_OPUS.
    frame_us: length of a frame, microseconds. media0_us: media time of frame 0's first sample.
    lead_us: what is added to media time to get the time of play; one for all members.
    priority: PRIORITY_BACKGROUND to PRIORITY_EMERGENCY; the highest wins at a node.
    group: ``(address, port)`` of the zone's multicast group, or None where packets come by unicast.
    """

    def __init__(
        self,
        ssrc: int,
        frame_us: int,
        media0_us: int,
        lead_us: int,
        priority: int,
        group: tuple[str, int] | None = None,
        codec: str = CODEC_OPUS,
    ) -> None:
        self.ssrc = ssrc
        self.payload_type = PAYLOAD_TYPE_OPUS
        self.codec = codec
        self.frame_us = frame_us
        self.media0_us = media0_us
        self.lead_us = lead_us
        self.priority = priority
        self.group = group


def build(zone_id: str, streams: list[Stream], sync_group: tuple[str, int] | None = None) -> bytes:
    """Return the bytes of the announcement of `streams` (a list of Stream) for a zone.

    sync_group: ``(address, port)`` of the multicast group by which its nodes agree on the time, or None.
    """
    return body.build(fields(zone_id, streams, sync_group))


def fields(zone_id: str, streams: list[Stream], sync_group: tuple[str, int] | None = None) -> dict[str, object]:
    """Return what :func:`build` writes, as the fields of a body."""
    found: dict[str, object] = {
        "v": VERSION,
        "zone": zone_id,
        "streams": [
            {
                "ssrc": stream.ssrc,
                "codec": stream.codec,
                "frame_us": stream.frame_us,
                "media0_us": stream.media0_us,
                "lead_us": stream.lead_us,
                "priority": stream.priority,
                "group": list(stream.group) if stream.group else None,
            }
            for stream in streams
        ],
    }
    if sync_group:
        found["sync"] = list(sync_group)
    return found


def parse(raw: bytes, zone_id: str) -> tuple[list[Stream], tuple[str, int] | None]:
    """Return the list of Stream and the sync group in `raw`, as :func:`build` took them; raises WireError."""
    return parse_fields(body.parse(raw), zone_id)


def parse_fields(found: object, zone_id: str) -> tuple[list[Stream], tuple[str, int] | None]:
    """Return the same from the fields of a body; raises WireError."""
    if not isinstance(found, dict):
        raise WireError("an announcement must be an object")
    body.integer(found, "v", VERSION, VERSION)
    if found.get("zone") != zone_id:
        raise WireError("announcement of another zone")
    entries = found.get("streams")
    if not isinstance(entries, list) or len(entries) > MAX_STREAMS:
        raise WireError("streams must be a list of at most 8")
    return [_parse_stream(entry) for entry in entries], _parse_group(found)


def _parse_stream(entry: dict[str, object]) -> Stream:
    if not isinstance(entry, dict):
        raise WireError("a stream must be an object")
    if body.text(entry, "codec", 16) != CODEC_OPUS:
        raise WireError("unknown codec")
    frame_us = body.integer(entry, "frame_us", 2500, 60000)
    if frame_us not in (2500, 5000, 10000, 20000, 40000, 60000):
        raise WireError("frame_us is not a length that Opus has")
    return Stream(
        ssrc=body.integer(entry, "ssrc", 0, 0xFFFFFFFF),
        frame_us=frame_us,
        media0_us=body.integer(entry, "media0_us", 0, 1 << 62),
        lead_us=body.integer(entry, "lead_us", 0, min(MAX_LEAD_US, MAX_LEAD_FRAMES * frame_us)),
        priority=body.integer(entry, "priority", PRIORITY_BACKGROUND, PRIORITY_EMERGENCY),
        group=body.address(entry, "group"),
    )


def _parse_group(found: dict[str, object]) -> tuple[str, int] | None:
    group = body.address(found, "sync")
    if group is None:
        return None
    # Nodes send to it unasked: it must be no host, and no name that may become one.
    parts = [_octet(part) for part in group[0].split(".")]
    if len(parts) != 4 or min(parts) < 0 or not 224 <= parts[0] <= 239:
        raise WireError("sync must be an IPv4 multicast group")
    return group


def _octet(text: str) -> int:
    """Return the number from 0 to 255 that `text` is, else -1."""
    if not 0 < len(text) <= 3 or not all(char in "0123456789" for char in text):
        return -1
    return int(text) if int(text) < 256 else -1
