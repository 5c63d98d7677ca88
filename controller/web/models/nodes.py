"""Bodies about nodes."""

from datetime import datetime
from ipaddress import IPv4Address
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, field_validator, model_validator

from codec.wire.command import MAX_DELAY_US
from controller.bodies import Body
from controller.web.models.fields import Address, GainDb, Metres, Name, Title, no_null

DelayUs = Annotated[
    int, Field(ge=0, le=MAX_DELAY_US, description="how much later this node plays, microseconds (acoustics)")
]
PRINTABLE = r"^[ -~]*$"
"""Of what boards say of themselves: it is shown on terminals, which obey other characters."""
NodeState = Literal["new", "online", "silent", "offline", "retired"]


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
    serial: str = Field(
        "", max_length=64, pattern=PRINTABLE, description="of its hardware; what the board says when it is enrolled"
    )
    sim_number: str = Field("", pattern=r"^(\+?[0-9]{4,19})?$", description="telephone number of its SIM")
    sim_serial: str = Field("", pattern=r"^([0-9]{10,22})?$", description="of its SIM (ICCID), digits")
    postal_address: str = Field("", max_length=300, description="where it hangs, for people")
    horns: int | None = Field(None, ge=0, le=64, description="how many horns it drives")
    height_m: float | None = Field(None, ge=0, le=300, allow_inf_nan=False, description="of its horns over the ground")
    aim_deg: float | None = Field(None, ge=0, lt=360, allow_inf_nan=False, description="where they point, from north")
    note: str = Field("", max_length=1000, description="for people")

    _checked = model_validator(mode="before")(no_null)

    def columns(self) -> dict[str, Any]:
        """Return what was given, as columns."""
        values = self.model_dump(exclude_unset=True)
        if self.rtp_address:
            values["rtp_address"] = self.rtp_address.pair()
        return values


class NodeNew(NodePatch):
    """A new node."""

    id: Name
    zone: Name


class NodeOut(BaseModel):
    """A node with what it told last. state new: never heard; silent: no health though it seems connected; retired: out
    of service, without a key. enrolled_at: when a board got its key. serial, sim_number, sim_serial, postal_address and
    note are null for who has neither nodes.write nor audit.read."""

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
    board: str
    serial: str | None
    sim_number: str | None
    sim_serial: str | None
    postal_address: str | None
    horns: int | None
    height_m: float | None
    aim_deg: float | None
    note: str | None
    enrolled_at: datetime | None
    retired_at: datetime | None
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


class Commands(Command):
    """An order to many nodes."""

    nodes: list[Name] = Field(min_length=1, max_length=2000, description="each is ordered once")


class CommandedOut(BaseModel):
    """What came of a command at one node. acknowledged: it answered in time. error: null, the node's own words, or a
    code: unknown_node, retired, plain_receiver, broker_away."""

    node: str
    acknowledged: bool
    error: str | None


class CommandsOut(BaseModel):
    """One result for each node, in the order in which they were named."""

    results: list[CommandedOut]


class CommandOut(BaseModel):
    """What came of a command. acknowledged: the node answered in time. error: in its words."""

    counter: int
    acknowledged: bool
    error: str | None
