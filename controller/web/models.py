"""Bodies of requests and answers. Times are RFC 3339 in UTC."""

from datetime import UTC, datetime
from ipaddress import IPv4Address
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from codec.profile import PROFILES
from codec.wire.announcement import PRIORITY_NAMES
from codec.wire.command import MAX_DELAY_US, MAX_GAIN_DB, MIN_GAIN_DB
from codec.wire.names import check_name
from controller.acoustics.placement import LEVEL_LIMIT_DB, TEMPERATURE_C
from controller.bodies import Body
from controller.ingest.request import SourceRequest

Name = Annotated[
    str,
    AfterValidator(check_name),
    Field(max_length=32, description="1 to 32 characters of a-z, 0-9 and '-'", examples=["thon-1"]),
]
Title = Annotated[str, Field(max_length=200, description="for people", examples=["Thôn Đông"])]
GainDb = Annotated[float, Field(ge=MIN_GAIN_DB, le=MAX_GAIN_DB, allow_inf_nan=False, description="decibels")]
DelayUs = Annotated[
    int, Field(ge=0, le=MAX_DELAY_US, description="how much later this node plays, microseconds (acoustics)")
]
Priority = Literal["background", "normal", "priority", "live", "emergency"]
State = Literal["starting", "on_air", "stalled", "ended", "failed"]
NodeState = Literal["new", "online", "silent", "offline"]
Metres = Annotated[
    float, Field(ge=-1e6, le=1e6, allow_inf_nan=False, description="place on the village's plan, metres")
]


def at(wall_us: int | None) -> datetime | None:
    """Return wall microseconds as a time in UTC."""
    return None if wall_us is None else datetime.fromtimestamp(wall_us / 1e6, UTC)


def _no_null(cls: type[BaseModel], values: Any) -> Any:
    """Let a patch leave a field out, but set to null only what may be null."""
    nullable = {"multicast", "sync_group", "rtp_address", "x_m", "y_m", "lat", "lon"}
    for name, value in values.items() if isinstance(values, dict) else ():
        if value is None and name not in nullable:
            raise ValueError(f"{name} must not be null; leave it out to keep it")
    return values


class Address(Body):
    """An IPv4 address and a UDP port."""

    host: IPv4Address = Field(examples=["192.0.2.7"])
    port: int = Field(ge=1, le=65535, examples=[5004])

    @field_validator("host", mode="before")
    @classmethod
    def _text(cls, host: Any) -> Any:
        if isinstance(host, int):  # else 7 is 0.0.0.7
            raise ValueError("an address is a text, such as 192.0.2.7")
        return host

    def pair(self) -> list[Any]:
        """Return ``[host, port]``."""
        return [str(self.host), self.port]


class Group(Address):
    """A multicast group and a UDP port."""

    host: IPv4Address = Field(examples=["239.1.2.3"])

    @field_validator("host")
    @classmethod
    def _multicast(cls, host: IPv4Address) -> IPv4Address:
        if not host.is_multicast:
            raise ValueError("a multicast group is 224.0.0.0 to 239.255.255.255")
        return host


class Receiver(Address):
    """One device's address and UDP port."""

    @field_validator("host")
    @classmethod
    def _one_device(cls, host: IPv4Address) -> IPv4Address:
        if host.is_multicast:
            raise ValueError("a receiver has an address of its own; a multicast group is set at the zone")
        # 0.0.0.0/8 is no destination, 240.0.0.0/4 reserved, its last one everybody on the wire (RFC 1122, RFC 6890).
        if host.packed[0] == 0 or host.is_reserved:
            raise ValueError(f"{host} is no device's address; write the receiver's own, such as 192.0.2.7")
        return host


class ZonePatch(Body):
    """What of a zone may be changed."""

    title: Title = ""
    profile: str = Field(
        "lan", description="lan: 150 ms; low: 53 ms, wired; mobile: 0.4 to 1.5 s", examples=sorted(PROFILES)
    )
    gain_db: GainDb = 0.0
    multicast: Group | None = Field(None, description="null: every node gets its own packets")
    sync_group: Group | None = Field(
        None,
        description="for nodes on one LAN: one leads in time, the others follow it by this group, whose port nothing"
        " else uses, multicast least of all; null: each follows the controller",
    )

    _checked = model_validator(mode="before")(_no_null)

    @field_validator("profile")
    @classmethod
    def _known(cls, profile: str) -> str:
        if profile not in PROFILES:
            raise ValueError(f"there is no profile {profile[:20]!r}; there are {', '.join(PROFILES)}")
        return profile

    def columns(self) -> dict[str, Any]:
        """Return what was given, as columns."""
        values = self.model_dump(exclude_unset=True)
        if self.multicast:
            values["multicast"] = self.multicast.pair()
        if self.sync_group:
            values["sync_group"] = self.sync_group.pair()
        return values


class ZoneNew(ZonePatch):
    """A new zone."""

    id: Name


class ZoneOut(BaseModel):
    """A zone. on_air: its stream as it is announced, null in silence. behind: nodes too late for its longest lead."""

    id: str
    title: str
    profile: str
    gain_db: float
    multicast: Address | None
    sync_group: Address | None
    nodes: list[str]
    on_air: dict[str, int] | None
    behind: list[str]


class NodePatch(Body):
    """What of a node may be changed; the node is told at once, or when it comes on line."""

    title: Title = ""
    zone: Name = ""
    gain_db: GainDb = 0.0
    muted: bool = False
    delay_us: DelayUs = 0
    x_m: Metres | None = None
    y_m: Metres | None = None
    lat: float | None = Field(None, ge=-90, le=90)
    lon: float | None = Field(None, ge=-180, le=180)
    rtp_address: Receiver | None = Field(None, description="for a plain RTP receiver in place of a node of ours")

    _checked = model_validator(mode="before")(_no_null)

    def columns(self) -> dict[str, Any]:
        """Return what was given, as columns."""
        values = self.model_dump(exclude_unset=True)
        if self.rtp_address:
            values["rtp_address"] = self.rtp_address.pair()
        return values


class PlanPoint(Body):
    """A place on the village's plan."""

    x_m: Metres
    y_m: Metres


class ZoneAlign(Body):
    """Where the sound of all horns should be one: give `listening_point`, `reference` or neither.

    Neither: the middle of the zone's horns is the listening point.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"listening_point": {"x_m": 40, "y_m": 0}, "temperature_c": 30}]},
    )

    listening_point: PlanPoint | None = Field(
        None, description="all horns are heard here at one instant: where the people are, such as a market"
    )
    reference: Name | None = Field(
        None, description="the horn that everybody hears first: each other one sounds when its sound passes by"
    )
    temperature_c: float = Field(
        TEMPERATURE_C, ge=-20, le=60, allow_inf_nan=False, description="of the air; it sets the speed of sound"
    )
    level: bool = Field(
        False, description="also lower the near horns, so that all are equally loud at the listening point"
    )
    level_limit_db: float = Field(
        LEVEL_LIMIT_DB, ge=0, le=24, allow_inf_nan=False, description="how much a horn is lowered at most, decibels"
    )
    dry_run: bool = Field(False, description="answer with what would be set, and set nothing")

    @model_validator(mode="after")
    def _one_way(self) -> "ZoneAlign":
        if self.reference is not None and self.listening_point is not None:
            raise ValueError("give listening_point or reference, not both")
        if self.reference is not None and self.level:
            raise ValueError(
                "level needs a listening point: from a reference horn there is no one place to be equal at"
            )
        return self


class Aligned(BaseModel):
    """One node's new settings. limited: the delay would be more than a node takes; it still comes too early."""

    id: str
    distance_m: float = Field(description="from the listening point, or from the reference")
    delay_us: int
    gain_db: float
    limited: bool


class ZoneAligned(BaseModel):
    """What was set, or would be. skipped: nodes that cannot be delayed, plain RTP receivers."""

    zone: str
    listening_point: PlanPoint | None
    reference: str | None
    speed_of_sound_m_s: float
    applied: bool
    nodes: list[Aligned]
    skipped: list[str]


class NodeNew(NodePatch):
    """A new node."""

    id: Name
    zone: Name


class NodeOut(BaseModel):
    """A node with what it told last. state new: never heard; silent: no health though it seems connected."""

    id: str
    title: str
    zone: str
    gain_db: float
    muted: bool
    delay_us: int
    x_m: float | None
    y_m: float | None
    lat: float | None
    lon: float | None
    rtp_address: Address | None
    state: NodeState
    status: dict[str, Any] | None
    health: dict[str, Any] | None
    seen_at: datetime | None


class Stranger(BaseModel):
    """Somebody at the broker that is none of our nodes; never obeyed."""

    id: str
    state: Literal["unknown"] = "unknown"
    seen_at: datetime | None


class NodeList(BaseModel):
    """Our nodes, and strangers (at most 200)."""

    nodes: list[NodeOut]
    unknown: list[Stranger]


class NodeFile(BaseModel):
    """The file node.json that makes a board this node."""

    id: str
    broker: tuple[str, int]
    media: tuple[str, int]
    zone: str
    gain_db: float
    delay_us: int


class Command(Body):
    """An order to one node. gain and mute are kept; tone, stop and reboot are done once."""

    op: Literal["gain", "mute", "tone", "stop", "reboot"]
    gain_db: GainDb | None = Field(None, description="of gain")
    muted: bool | None = Field(None, description="of mute")
    duration_ms: int = Field(500, ge=10, le=5000, description="of tone")

    @model_validator(mode="after")
    def _complete(self) -> "Command":
        if self.op == "gain" and self.gain_db is None:
            raise ValueError("the command gain needs gain_db")
        if self.op == "mute" and self.muted is None:
            raise ValueError("the command mute needs muted")
        return self

    def arguments(self) -> dict[str, object]:
        """Return the arguments as the wire has them."""
        names = {"gain": ["gain_db"], "mute": ["muted"], "tone": ["duration_ms"]}.get(self.op, [])
        return {name: getattr(self, name) for name in names}


class CommandOut(BaseModel):
    """What came of a command. acknowledged: the node answered in time. error: in its words."""

    counter: int
    acknowledged: bool
    error: str | None


class SessionNew(Body):
    """What to put on air, and where."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"source": {"kind": "text", "text": "Xin chào bà con"}, "zones": ["thon-1"], "priority": "live"},
                {"source": {"kind": "sound", "sound": "<sha256>"}, "zones": ["thon-1", "thon-2"]},
            ]
        },
    )

    source: SourceRequest
    zones: list[Name] = Field(min_length=1, max_length=1000)
    priority: Priority = Field("live", description="the highest is heard; lower ones are ducked")
    gain_db: GainDb = 0.0
    allow_empty: bool = Field(False, description="start although a zone has no nodes")

    def priority_number(self) -> int:
        """Return the priority as the wire has it."""
        return PRIORITY_NAMES.index(self.priority)


class SessionPatch(Body):
    """What of a session may be changed while it is on air."""

    gain_db: GainDb


class SessionSolo(Body):
    """Which node alone sounds while the session lasts."""

    node: Name | None = Field(description="null: nobody sounds")


class SoloOut(BaseModel):
    """silent: nodes that answered that they are. unanswered: nodes on line that did not answer in time."""

    node: str | None
    silent: list[str]
    unanswered: list[str]


class SessionOut(BaseModel):
    """A session. reason: why it ended or failed."""

    id: str
    state: State
    reason: str
    source: dict[str, Any]
    zones: list[str]
    priority: Priority
    gain_db: float
    accepted_at: datetime | None
    ended_at: datetime | None
    began_media_us: int | None = Field(description="media time of its first sample; null before it")


class SessionList(BaseModel):
    """Sessions, the newest first."""

    sessions: list[SessionOut]


class ZoneList(BaseModel):
    """All zones."""

    zones: list[ZoneOut]


class SoundOut(BaseModel):
    """A stored sound; id is the SHA-256 of its file."""

    id: str
    title: str
    duration_s: float
    loudness_lufs: float
    true_peak_db: float
    size_bytes: int
    added_at: datetime | None


class SoundList(BaseModel):
    """Sounds, the newest first."""

    sounds: list[SoundOut]
