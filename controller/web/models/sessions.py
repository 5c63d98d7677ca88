"""Bodies about sessions."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from codec.wire.announcement import PRIORITY_NAMES
from controller.bodies import Body
from controller.ingest.request import SourceRequest
from controller.web.models.fields import GainDb, Name

Priority = Literal["background", "normal", "priority", "live", "emergency"]
State = Literal["starting", "on_air", "stalled", "ended", "failed"]


class SessionNew(Body):
    """What to put on air, and where."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"source": {"kind": "text", "text": "Xin chào bà con"}, "zones": ["thon-1"], "priority": "live"},
                {"source": {"kind": "sound", "sound": "<sha256>"}, "zones": ["thon-1", "thon-2"]},
                {"source": {"kind": "chime"}, "areas": ["xa-tan-hoa"]},
            ]
        },
    )

    source: SourceRequest
    zones: list[Name] = Field(default=[], max_length=1000)
    areas: list[Name] = Field(
        default=[], max_length=1000, description="all zones that are in them now; at least one of zones and areas"
    )
    priority: Priority = Field("live", description="the highest is heard; lower ones are ducked")
    gain_db: GainDb = 0.0
    allow_empty: bool = Field(False, description="start although a zone has no nodes")

    @model_validator(mode="after")
    def _somewhere(self) -> "SessionNew":
        if not self.zones and not self.areas:
            raise ValueError("zones: name a zone, or an area")
        return self

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
    by: str = Field(description="who began it: an account, or local")
    accepted_at: datetime | None
    ended_at: datetime | None
    began_media_us: int | None = Field(description="media time of its first sample; null before it")


class SessionList(BaseModel):
    """Sessions, the newest first."""

    sessions: list[SessionOut]
