"""Bodies about zones."""

from ipaddress import IPv4Address
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from codec.profile import PROFILES
from controller.acoustics.placement import LEVEL_LIMIT_DB, TEMPERATURE_C
from controller.bodies import Body
from controller.web.models.fields import Address, GainDb, Metres, Name, Title, no_null


class Group(Address):
    """A multicast group and a UDP port."""

    host: IPv4Address = Field(examples=["239.1.2.3"])

    @field_validator("host")
    @classmethod
    def _multicast(cls, host: IPv4Address) -> IPv4Address:
        if not host.is_multicast:
            raise ValueError("a multicast group is 224.0.0.0 to 239.255.255.255")
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

    area: Name | None = Field(None, description="the area that it lies in")

    _checked = model_validator(mode="before")(no_null)

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
    area: str | None
    nodes: list[str]
    on_air: dict[str, int] | None
    behind: list[str]


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


class ZoneList(BaseModel):
    """All zones."""

    zones: list[ZoneOut]
