"""Bodies about alerts and how people are told of them."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from controller.bodies import Body
from controller.web.models.fields import Name

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""RFC 3339 in UTC, letter for letter as events and webhooks have it."""


class AlertOut(BaseModel):
    """Something that is or was wrong. node: null for the controller itself. detail: what was found; `count`: how often
    it began again."""

    id: str
    node: str | None
    kind: str
    severity: Literal["fault", "warning"]
    since: Time
    cleared_at: Time | None
    acknowledged_at: Time | None
    acknowledged_by: str | None
    note: str
    detail: dict[str, Any]


class AlertList(BaseModel):
    """Alerts. faults, warnings: how many are active in all, whatever was asked for."""

    alerts: list[AlertOut]
    faults: int
    warnings: int


class Acknowledgement(Body):
    """Somebody has seen it, and what he says about it."""

    note: str = Field("", max_length=1000, description="for people", examples=["đã gọi điện lực"])


class ChannelOut(BaseModel):
    """A channel of notification, without its secrets. failing: why the last message did not get through, or null.

    waiting: what it has yet to tell.
    """

    name: str
    kind: str
    language: str
    min_severity: str
    kinds: list[str]
    failing: str | None
    hint: str | None
    waiting: int


class ChannelList(BaseModel):
    """All channels."""

    channels: list[ChannelOut]


class TestRequest(Body):
    """Which channel is tried; null: all."""

    channel: Name | None = None


class TrialOut(BaseModel):
    """What came of a test message."""

    name: str
    kind: str
    sent: bool
    error: str | None
    hint: str | None


class TrialList(BaseModel):
    """One of each channel that was tried."""

    results: list[TrialOut]
