"""Plans: read whole or refused whole, with the place of the mistake."""

import contextlib
import copy
import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec.profile import PROFILES
from controller.engine.plan import Mapping, Member, PlanError, parse_plan

GOOD = {
    "op": "plan",
    "zones": [
        {
            "id": "thon-1", "profile": "lan", "gain_db": -3.0, "multicast": ["239.1.2.3", 5004],
            "members": [{"tag": "00112233445566ff", "address": ["192.0.2.7", 40000], "fixed": False, "key": "5a" * 32}],
            "stream": {"ssrc": 1, "media0_us": 2, "lead_us": 160_000}, "lead_us": 200_000,
        },
        {
            "id": "thon-2", "profile": "low", "multicast": None,
            "members": [{"tag": "00" * 8, "address": None, "fixed": True}],
        },
    ],
    "sessions": [{"id": "s-1", "zones": ["thon-1", "thon-2"], "priority": 3, "gain_db": 0.0, "duck_db": -18.0}],
}  # fmt: skip


def test_a_plan_is_read_field_by_field():
    plan = parse_plan(GOOD)
    first, second = plan.zones
    assert first.profile is PROFILES["lan"]
    assert first.gain_db == -3.0
    assert first.multicast == ("239.1.2.3", 5004)
    assert first.members == (Member(bytes.fromhex("00112233445566ff"), ("192.0.2.7", 40000), False, b"Z" * 32),)
    assert second.members == (Member(bytes(8), None, True),)
    assert first.stream == Mapping(1, 2, 160_000)
    assert (first.lead_us, second.lead_us) == (200_000, PROFILES["low"].lead_us)
    assert (second.gain_db, second.stream, second.multicast) == (0.0, None, None)
    assert plan.sessions[0].zones == ("thon-1", "thon-2")


def test_a_profile_may_be_given_in_full():
    plan = copy.deepcopy(GOOD)
    wanted = dataclasses.replace(PROFILES["lan"], dtx=True, lead_us=200_000, frame_us=10_000)
    wanted = dataclasses.replace(wanted, lead_least_us=100_000, lead_most_us=1_000_000)
    plan["zones"][0]["profile"] = dataclasses.asdict(wanted)
    assert parse_plan(plan).zones[0].profile == wanted


def test_an_empty_plan_is_silence():
    assert parse_plan({"zones": [], "sessions": []}).zones == ()


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["zones"], {}, "zones must be a list of at most 1024"),
        (["zones", 0], "x", "a zone must be an object"),
        (["zones", 0, "id"], "Thôn 1", "zone Thôn 1: a name is 1 to 32 characters"),
        (["zones", 0, "profile"], "hifi", "zone thon-1: profile must be one of lan, low, mobile"),
        (["zones", 0, "profile"], {"name": "lan", "lead_us": 1}, "zone thon-1: lead_us must be an integer from 40000"),
        (["zones", 0, "lead_us"], 2_000_001, "zone thon-1: lead_us must be an integer from 40000 to 2000000"),
        (["zones", 1, "lead_us"], 1_000_001, "zone thon-2: lead_us must be an integer from 40000 to 1000000"),
        (["zones", 0, "stream", "lead_us"], None, "zone thon-1: lead_us must be an integer from 0 to 2000000"),
        (["zones", 0, "profile"], {"name": "lan", "lead_most_us": -1}, "zone thon-1: lead_most_us must be an integer"),
        (["zones", 0, "profile"], {"name": "lan", "frame_us": 15000}, "frame_us must be 10000 or 20000"),
        (["zones", 0, "gain_db"], 99, "zone thon-1: gain_db must be a number from -60.0 to 24.0"),
        (["zones", 0, "gain_db"], float("nan"), "zone thon-1: gain_db must be a number"),
        (["zones", 0, "multicast"], ["192.0.2.1", 5004], "192.0.2.1 is not a multicast group"),
        (["zones", 0, "members"], None, "zone thon-1: members must be a list"),
        (["zones", 0, "members", 0, "tag"], "xyz", "a member's tag must be 16 hexadecimal digits"),
        (["zones", 0, "members", 0, "address"], ["loa.example", 1], "address: loa.example is not an IPv4 address"),
        (["zones", 0, "members", 0, "address"], ["192.0.2.1", 0], "port must be from 1 to 65535"),
        (["zones", 0, "members", 0, "key"], "5a" * 31, "zone thon-1: key must be 64 hexadecimal digits"),
        (["zones", 0, "members", 0, "key"], "xy" * 32, "zone thon-1: key must be 64 hexadecimal digits"),
        (["zones", 0, "members", 0, "key"], None, "zone thon-1: key must be a text of at most 64 characters"),
        (["zones", 0, "members", 0, "fixed"], 1, "fixed must be true or false"),
        (["zones", 0, "stream"], {"ssrc": -1, "media0_us": 0}, "ssrc must be an integer from 0"),
        (["zones", 1, "id"], "thon-1", "zone thon-1 is there twice"),
        (["sessions", 0, "zones"], ["thon-9"], "session s-1: there is no zone thon-9"),
        (["sessions", 0, "zones"], ["thon-1", "thon-1"], "zone thon-1 is there twice"),
        (["sessions", 0, "priority"], 5, "session s-1: priority must be an integer from 0 to 4"),
        (["sessions", 0, "duck_db"], 3, "session s-1: duck_db must be a number from -120.0 to 0.0"),
    ],
)
def test_a_mistake_is_named_with_its_place(path, value, message):
    plan = copy.deepcopy(GOOD)
    holder = plan
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    with pytest.raises(PlanError) as error:
        parse_plan(plan)
    assert message in str(error.value)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["id", "zones", "members", "tag", "address", "key", "profile", "stream", "ssrc", "priority", "fixed"]
    ), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(zones=anything, sessions=anything)
def test_nothing_else_than_a_plan_error_comes_of_nonsense(zones, sessions):
    for message in ({"zones": zones, "sessions": sessions}, {"zones": [zones], "sessions": [sessions]}):
        with contextlib.suppress(PlanError):
            parse_plan(message)
