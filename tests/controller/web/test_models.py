"""Bodies of requests, each field by itself."""

from typing import Any

import pytest
from pydantic import ValidationError

from controller.bodies import Body
from controller.web.models.fields import Address
from controller.web.models.nodes import Command, NodeNew, NodePatch
from controller.web.models.sessions import SessionNew, SessionPatch
from controller.web.models.zones import ZoneNew, ZonePatch

TONE = {"kind": "tone"}
BODIES: list[tuple[type[Body], dict[str, Any], tuple[str, ...]]] = [
    (Address, {"host": "192.0.2.7", "port": 5004}, ("port",)),
    (ZonePatch, {}, ("gain_db",)),
    (ZoneNew, {"id": "thon-1"}, ("gain_db",)),
    (NodePatch, {}, ("gain_db", "delay_us", "x_m", "y_m", "lat", "lon")),
    (NodeNew, {"id": "cum-1", "zone": "thon-1"}, ("gain_db", "delay_us", "x_m", "y_m", "lat", "lon")),
    (Command, {"op": "tone"}, ("gain_db", "duration_ms")),
    (SessionNew, {"source": TONE, "zones": ["thon-1"]}, ("gain_db",)),
    (SessionPatch, {"gain_db": 0.0}, ("gain_db",)),
]


@pytest.mark.parametrize("flag", [True, False])
@pytest.mark.parametrize(
    ("model", "body", "field"), [(model, body, field) for model, body, fields in BODIES for field in fields]
)
def test_a_flag_is_no_number(model: type[Body], body: dict[str, Any], field: str, flag: bool) -> None:
    model.model_validate(body)
    with pytest.raises(ValidationError) as caught:
        model.model_validate({**body, field: flag})
    assert f"{field}: this is a number, not true or false" in str(caught.value)


def test_flags_stay_flags() -> None:
    assert NodePatch(muted=True).muted is True
    assert Command(op="mute", muted=False).muted is False
    assert SessionNew.model_validate({"source": TONE, "zones": ["thon-1"], "allow_empty": True}).allow_empty is True


@pytest.mark.parametrize("host", ["192.0.2.7", "10.255.255.255", "127.0.0.1", "169.254.3.4"])
def test_a_receiver_has_an_address_of_its_own(host: str) -> None:
    body = NodePatch.model_validate({"rtp_address": {"host": host, "port": 5004}})
    assert body.columns() == {"rtp_address": [host, 5004]}


@pytest.mark.parametrize(
    ("host", "port", "said"),
    [
        ("255.255.255.255", 5004, "255.255.255.255 is no device's address"),
        ("0.0.0.0", 5004, "0.0.0.0 is no device's address"),
        ("0.0.0.7", 5004, "no device's address"),
        ("240.0.0.1", 5004, "no device's address"),
        ("239.1.2.3", 5004, "a multicast group is set at the zone"),
        ("192.0.2.7", 0, "greater than or equal to 1"),
        ("192.0.2.7", 65536, "less than or equal to 65535"),
        (7, 5004, "an address is a text"),
        (True, 5004, "an address is a text"),
        ("may-thu.local", 5004, "valid IPv4 address"),
    ],
)
@pytest.mark.parametrize("model", [NodeNew, NodePatch])
def test_an_address_of_nobody_or_of_many_is_no_receiver(model: type[Body], host: object, port: int, said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        model.model_validate({"id": "cum-1", "zone": "thon-1", "rtp_address": {"host": host, "port": port}})
    assert said in str(caught.value)
