"""What should be on air, as the controller says it: checked as a whole before anything is touched."""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from codec.profile import PROFILES, Profile
from codec.wire import body, names
from codec.wire.announcement import MAX_LEAD_FRAMES, MAX_LEAD_US, PRIORITY_BACKGROUND, PRIORITY_EMERGENCY
from codec.wire.errors import WireError
from codec.wire.mac import KEY_BYTES

MAX_ZONES = 1024
MAX_SESSIONS = 1024
MAX_MEMBERS = 65_536
"""Of one zone; the length of a message caps them sooner."""
MIN_LEAD_US = 40_000
MIN_GAIN_DB, MAX_GAIN_DB = -60.0, 24.0
TAG_BYTES = 8

Address = tuple[str, int]
T = TypeVar("T")


class PlanError(ValueError):
    """A plan that cannot be carried out; nothing of it was."""


@dataclass(frozen=True, slots=True)
class Member:
    """A receiver of a zone. tag: names a node in its datagrams; key: what it shares with the controller, empty for one
    that is fixed. address: IPv4 and port, the last one known.

    fixed: the address is never learned from datagrams (a plain RTP receiver).
    """

    tag: bytes
    address: Address | None
    fixed: bool
    key: bytes = b""


@dataclass(frozen=True, slots=True)
class Mapping:
    """A stream that was on air: its RTP source, the media time of its frame 0 and its lead, microseconds."""

    ssrc: int
    media0_us: int
    lead_us: int


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone: what it is coded with, who receives it, and the stream to go on with after a crash.

    lead_us: what its stream should have; one that sounds keeps its own until it is silent.
    """

    id: str
    profile: Profile
    lead_us: int
    gain_db: float
    multicast: Address | None
    members: tuple[Member, ...]
    stream: Mapping | None


@dataclass(frozen=True, slots=True)
class Session:
    """A source that sounds in zones. duck_db: its gain while one of higher priority sounds there too."""

    id: str
    zones: tuple[str, ...]
    priority: int
    gain_db: float
    duck_db: float


@dataclass(frozen=True, slots=True)
class Plan:
    """All that should be on air."""

    zones: tuple[Zone, ...] = ()
    sessions: tuple[Session, ...] = ()

    def sessions_in(self, zone_id: str) -> list[Session]:
        """Return the sessions that name a zone."""
        return [session for session in self.sessions if zone_id in session.zones]


def parse_plan(message: dict[str, Any]) -> Plan:
    """Return the plan in a control message; raises PlanError with what is wrong and where."""
    zones = tuple(_parse("zone", entry, _parse_zone) for entry in _entries(message, "zones", MAX_ZONES))
    sessions = tuple(_parse("session", entry, _parse_session) for entry in _entries(message, "sessions", MAX_SESSIONS))
    known = _unique("zone", [zone.id for zone in zones])
    _unique("session", [session.id for session in sessions])
    for session in sessions:
        for name in session.zones:
            if name not in known:
                raise PlanError(f"session {session.id}: there is no zone {name}")
    return Plan(zones, sessions)


def _entries(holder: dict[str, Any], key: str, most: int) -> list[Any]:
    found = holder.get(key)
    if not isinstance(found, list) or len(found) > most:
        raise PlanError(f"{key} must be a list of at most {most}")
    return found


def _unique(kind: str, found: list[str]) -> set[str]:
    known = set(found)
    if len(known) != len(found):
        twice = next(name for name in found if found.count(name) > 1)
        raise PlanError(f"{kind} {twice} is there twice")
    return known


def _parse(kind: str, entry: Any, parse: Callable[[dict[str, Any]], T]) -> T:
    if not isinstance(entry, dict):
        raise PlanError(f"a {kind} must be an object")
    try:
        return parse(entry)
    except (WireError, PlanError) as error:
        raise PlanError(f"{kind} {str(entry.get('id'))[:64]}: {error}") from error


def _parse_zone(entry: dict[str, Any]) -> Zone:
    multicast = _address(entry, "multicast")
    if multicast and not ipaddress.IPv4Address(multicast[0]).is_multicast:
        raise PlanError(f"multicast: {multicast[0]} is not a multicast group")
    members = entry.get("members")
    if not isinstance(members, list) or len(members) > MAX_MEMBERS:
        raise PlanError(f"members must be a list of at most {MAX_MEMBERS}")
    profile = _parse_profile(entry)
    return Zone(
        id=names.check_name(body.text(entry, "id", names.MAX_NAME_CHARS)),
        profile=profile,
        lead_us=_lead(entry, "lead_us", profile.frame_us, profile.lead_us),
        gain_db=body.number(entry, "gain_db", MIN_GAIN_DB, MAX_GAIN_DB, 0.0),
        multicast=multicast,
        members=tuple(_parse_member(member) for member in members),
        stream=_parse_mapping(entry.get("stream")),
    )


def _parse_profile(entry: dict[str, Any]) -> Profile:
    given = entry.get("profile")
    settings = given if isinstance(given, dict) else {}
    profile = PROFILES.get(body.text(settings, "name", 16) if settings else body.text(entry, "profile", 16))
    if profile is None:
        raise PlanError(f"profile must be one of {', '.join(PROFILES)}")
    if not settings:
        return profile
    frame_us = body.integer(settings, "frame_us", 10_000, 20_000, profile.frame_us)
    if frame_us not in (10_000, 20_000):
        raise PlanError("frame_us must be 10000 or 20000")
    return replace(
        profile,
        frame_us=frame_us,
        lead_us=_lead(settings, "lead_us", frame_us, profile.lead_us),
        lead_least_us=_lead(settings, "lead_least_us", frame_us, profile.lead_least_us, 0),
        lead_most_us=_lead(settings, "lead_most_us", frame_us, profile.lead_most_us, 0),
        bitrate=body.integer(settings, "bitrate", 8000, 128_000, profile.bitrate),
        complexity=body.integer(settings, "complexity", 0, 10, profile.complexity),
        fec=body.boolean(settings, "fec", profile.fec),
        dtx=body.boolean(settings, "dtx", profile.dtx),
        expected_loss_percent=body.integer(settings, "expected_loss_percent", 0, 100, profile.expected_loss_percent),
    )


def _lead(entry: dict[str, Any], key: str, frame_us: int, default: int, least_us: int = MIN_LEAD_US) -> int:
    return body.integer(entry, key, least_us, min(MAX_LEAD_US, MAX_LEAD_FRAMES * frame_us), default)


def _parse_member(entry: Any) -> Member:
    if not isinstance(entry, dict):
        raise PlanError("a member must be an object")
    try:
        tag = bytes.fromhex(body.text(entry, "tag", 2 * TAG_BYTES))
    except ValueError:
        tag = b""
    if len(tag) != TAG_BYTES:
        raise PlanError("a member's tag must be 16 hexadecimal digits")
    fixed = body.boolean(entry, "fixed", False)
    key = b"" if fixed else body.octets(entry, "key", KEY_BYTES)
    return Member(tag, _address(entry, "address"), fixed, key)


def _parse_mapping(entry: Any) -> Mapping | None:
    if entry is None:
        return None
    if not isinstance(entry, dict):
        raise PlanError("stream must be an object or null")
    return Mapping(
        ssrc=body.integer(entry, "ssrc", 0, 0xFFFFFFFF),
        media0_us=body.integer(entry, "media0_us", 0, 1 << 62),
        lead_us=body.integer(entry, "lead_us", 0, MAX_LEAD_US),
    )


def _parse_session(entry: dict[str, Any]) -> Session:
    zones = entry.get("zones")
    if not isinstance(zones, list) or len(zones) > MAX_ZONES or not all(isinstance(name, str) for name in zones):
        raise PlanError("zones must be a list of names")
    _unique("zone", zones)
    return Session(
        id=body.text(entry, "id", 64),
        zones=tuple(zones),
        priority=body.integer(entry, "priority", PRIORITY_BACKGROUND, PRIORITY_EMERGENCY),
        gain_db=body.number(entry, "gain_db", MIN_GAIN_DB, MAX_GAIN_DB, 0.0),
        duck_db=body.number(entry, "duck_db", -120.0, 0.0, -18.0),
    )


def _address(entry: dict[str, Any], key: str) -> Address | None:
    found: Address | None = body.address(entry, key)
    if found is None:
        return None
    try:
        ipaddress.IPv4Address(found[0])
    except ValueError:
        raise PlanError(f"{key}: {found[0][:64]} is not an IPv4 address") from None
    return found
