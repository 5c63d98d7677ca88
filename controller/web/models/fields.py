"""Fields that several bodies have. Times are RFC 3339 in UTC."""

from datetime import UTC, datetime
from ipaddress import IPv4Address
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field, field_validator

from codec.wire.command import MAX_GAIN_DB, MIN_GAIN_DB
from codec.wire.names import check_name
from controller.bodies import Body

Name = Annotated[
    str,
    AfterValidator(check_name),
    Field(max_length=32, description="1 to 32 characters of a-z, 0-9 and '-'", examples=["thon-1"]),
]
Title = Annotated[str, Field(max_length=200, description="for people", examples=["Thôn Đông"])]
GainDb = Annotated[float, Field(ge=MIN_GAIN_DB, le=MAX_GAIN_DB, allow_inf_nan=False, description="decibels")]
Metres = Annotated[
    float, Field(ge=-1e6, le=1e6, allow_inf_nan=False, description="place on the village's plan, metres")
]


def at(wall_us: int | None) -> datetime | None:
    """Return wall microseconds as a time in UTC."""
    return None if wall_us is None else datetime.fromtimestamp(wall_us / 1e6, UTC)


def no_null(cls: type[BaseModel], values: Any) -> Any:
    """Let a patch leave a field out, but set to null only what may be null."""
    nullable = {"multicast", "sync_group", "rtp_address", "x_m", "y_m", "lat", "lon", "horns", "height_m", "aim_deg"}
    nullable |= {"area", "parent", "outline", "outline_geojson"}
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
