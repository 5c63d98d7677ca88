"""The lead of a zone: what its members need, raised at once, lowered slowly, and one for all who play together."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec.profile import PROFILES
from controller.leads import RELAX_US, STEP_US, Arrival, Leads

MOBILE = PROFILES["mobile"]
FIRST_US, LEAST_US, MOST_US = MOBILE.lead_us, MOBILE.lead_least_us, MOBILE.lead_most_us
GOOD = Arrival(50_000, 40_000)
MIDDLE = Arrival(100_000, 60_000)
BAD = Arrival(200_000, 60_000)
HOPELESS = Arrival(MOST_US, 60_000)
BAD_US = 1_100_000


def roster(**profiles: str) -> Any:
    """Return zones with these profiles, each with twenty nodes: a1, a2, … in zone a."""
    return SimpleNamespace(
        zones={name: SimpleNamespace(id=name, profile=profile) for name, profile in profiles.items()},
        members={name: [SimpleNamespace(id=f"{name}{number}") for number in range(1, 21)] for name in profiles},
    )


class Bench:
    def __init__(self, **profiles: str) -> None:
        self.roster = roster(**profiles)
        self.leads = Leads(PROFILES)
        self.now_us = 1_000_000

    def hear(self, seconds: float = 10, **arrivals: Arrival) -> bool:
        self.now_us += int(seconds * 1e6)
        return self.leads.update(self.roster, arrivals, self.now_us)

    def now(self, *sessions: list[str]) -> dict[str, int]:
        zones = [{"id": zone.id, "profile": zone.profile} for zone in self.roster.zones.values()]
        return self.leads.joined(zones, [{"zones": names} for names in sessions])


def test_what_a_member_needs() -> None:
    assert Arrival(0, 0).lead_us(0) == 100_000  # what a node needs for itself, and a margin
    assert Arrival(-5_000, 0).lead_us(0) == Arrival(0, 0).lead_us(0)
    assert BAD.lead_us(MOBILE.lag_us) == BAD_US  # its tail, and two round trips of twice that
    assert Arrival(200_000, 500_000).lead_us(0) == 1_300_000  # the way there is worse than the way back
    assert Arrival(200_001, 0).lead_us(0) == BAD_US
    assert Arrival(203_000, 0).lead_us(0) == BAD_US + STEP_US
    assert Arrival(10_000, 5_000).lead_us(240_000) == 300_000  # its key takes longer than its repair


def test_a_bad_tail_raises_the_lead_at_once() -> None:
    bench = Bench(a="mobile")
    assert bench.now() == {"a": FIRST_US}
    assert not bench.hear(a1=GOOD)
    assert bench.hear(a1=GOOD, a2=BAD)
    assert bench.now() == {"a": BAD_US}
    assert not bench.hear(a1=GOOD, a2=BAD)


def test_the_lead_falls_after_ten_minutes_to_the_most_that_was_needed_in_them() -> None:
    bench = Bench(a="mobile")
    relax_s = RELAX_US // 1_000_000
    for second in range(0, relax_s, 10):
        assert not bench.hear(a1=MIDDLE if second == 300 else GOOD)
    assert bench.hear(a1=GOOD)
    assert bench.now() == {"a": MIDDLE.lead_us(MOBILE.lag_us)}
    for _ in range(0, relax_s, 10):
        assert not bench.hear(a1=GOOD)
    assert bench.hear(a1=GOOD)
    assert bench.now() == {"a": LEAST_US}


def test_one_moment_of_need_begins_the_ten_minutes_again() -> None:
    bench = Bench(a="mobile")
    bench.hear(a1=GOOD)
    bench.hear(590, a1=Arrival(142_000, 60_000))
    bench.hear(590, a1=GOOD)
    assert bench.now() == {"a": FIRST_US}


def test_silence_changes_nothing() -> None:
    bench = Bench(a="mobile")
    bench.hear(a1=BAD)
    for _ in range(200):
        assert not bench.hear()
    assert bench.now() == {"a": BAD_US}


def test_a_single_hopeless_member_is_left_behind_and_named() -> None:
    bench = Bench(a="mobile")
    assert bench.hear(a1=BAD, a2=HOPELESS, a3=GOOD)
    assert bench.now() == {"a": BAD_US}
    assert bench.leads.behind == {"a": ["a2"]}
    bench.hear(a1=BAD, a2=GOOD, a3=GOOD)
    assert bench.leads.behind == {"a": []}


def test_one_that_leaves_no_room_for_asking_twice_gets_the_longest() -> None:
    bench = Bench(a="mobile")
    assert bench.hear(a1=Arrival(MOST_US - 50_000 - MOBILE.lag_us, 60_000), a2=GOOD)
    assert bench.now() == {"a": MOST_US}
    assert bench.leads.behind == {"a": []}


@pytest.mark.parametrize("names", [["a1"], ["a1", "a2"]])
def test_where_many_are_hopeless_everybody_gets_the_longest(names: list[str]) -> None:
    bench = Bench(a="mobile")
    others = {"a9": GOOD} if len(names) > 1 else {}
    assert bench.hear(**dict.fromkeys(names, HOPELESS), **others)
    assert bench.now() == {"a": MOST_US}
    assert bench.leads.behind == {"a": names}


def test_a_fixed_lead_stays() -> None:
    bench = Bench(a="lan", b="low")
    assert not bench.hear(a1=BAD, b1=BAD)
    assert bench.now(["a", "b"]) == {"a": PROFILES["lan"].lead_us, "b": PROFILES["low"].lead_us}
    assert bench.leads.behind == {}


def test_zones_that_a_session_joins_have_one_lead() -> None:
    bench = Bench(a="mobile", b="mobile", c="mobile", d="mobile", e="lan")
    bench.hear(a1=BAD)
    assert bench.now(["a"], ["b"]) == dict.fromkeys("bcd", FIRST_US) | {"a": BAD_US, "e": 150_000}
    assert bench.now(["c", "b"], ["b", "a", "e"]) == dict.fromkeys("abc", BAD_US) | {"d": FIRST_US, "e": 150_000}


def test_another_profile_begins_anew() -> None:
    bench = Bench(a="mobile")
    bench.hear(a1=BAD)
    bench.roster.zones["a"].profile = "lan"
    bench.hear(a1=BAD)
    assert bench.now() == {"a": 150_000}
    bench.roster.zones["a"].profile = "mobile"
    assert bench.now() == {"a": FIRST_US}


gauge = st.integers(-(1 << 40), 1 << 40) | st.integers(0, 2_000_000)


@given(
    st.lists(
        st.dictionaries(st.sampled_from(["a1", "a2", "a3", "b1"]), st.builds(Arrival, gauge, gauge.map(abs))),
        max_size=30,
    )
)
def test_whatever_is_reported_the_lead_stays_within_its_bounds(reports: list[dict[str, Arrival]]) -> None:
    bench = Bench(a="mobile", b="lan")
    for arrivals in reports:
        before_us = bench.now()["a"]
        changed = bench.hear(120, **arrivals)
        after_us = bench.now()["a"]
        assert LEAST_US <= after_us <= MOST_US
        assert after_us % STEP_US == 0
        assert changed == (after_us != before_us)
