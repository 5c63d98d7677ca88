"""A village whose nodes agree on the time on their LAN, behind 4G paths that are asymmetric each in its own way."""

from functools import cache
from itertools import pairwise
from pathlib import Path
from statistics import median

import numpy as np
import pytest

from hil_sim.scenario import Scenario, ScenarioError, parse
from hil_sim.virtual.verdict import make_verdict, skews_ms
from hil_sim.virtual.village import Outcome, play

pytestmark = pytest.mark.timeout(120)

PATHS = "[network]\ndelay_ms = 50\njitter_ms = 10\ndelay_up_ms = 30\ndelay_up_spread_ms = 40\n"
"""The first node errs by 10 ms one way, the last one by 10 ms the other way."""
STEP_MS = 1.0
"""A tenth of a second later a node is late by hardly anything else: a slew is no step."""
NS = 1_000_000_000


def scenario(text: str = "", sync_group: bool = True, duration_s: float = 20.0) -> Scenario:
    head = f'seed = 5\nduration_s = {duration_s}\n[village]\nnodes = 6\nruntime = "cpython"\n'
    session = f'[session]\nprofile = "mobile"\nsync_group = {str(sync_group).lower()}\n'
    return parse(f"{head}{session}[clock]\ndrift_ppm = [-50, 50]\n{PATHS}{text}", "hamlet", Path())


def event(at_s: float, do: str, node: int = 0) -> str:
    return f'[[event]]\nat_s = {at_s}\ndo = "{do}"\n' + (f"node = {node}\n" if node else "")


def leaders(outcome: Outcome, from_s: float, until_s: float) -> list[int]:
    """Who sent beacons so long after the session began, each once, in order."""
    found = [node for at_ns, node in outcome.beacons if from_s <= (at_ns - outcome.command_ns) / NS < until_s]
    return list(dict.fromkeys(found))


@cache
def first_leader() -> int:
    (found,) = leaders(play(scenario(duration_s=5)), 0, 5)
    return found


def most_step_ms(outcome: Outcome) -> float:
    """By how much a node became later or earlier at most from one 100 ms to the next, and stayed so.

    Where the sawtooth falls in the middle of what it looks at, the ear misreads a single window.
    """
    steps = []
    for ear in outcome.ears:
        late_us = ear.late_us
        level_us = {
            at: median((late_us[at - 1], late_us[at], late_us[at + 1]))
            for at in late_us
            if at - 1 in late_us and at + 1 in late_us
        }
        steps += [abs(level_us[one] - level_us[other]) for one, other in pairwise(level_us) if other == one + 1]
    return max(steps) / 1000


def test_without_a_group_the_paths_set_the_nodes_apart() -> None:
    given = scenario(sync_group=False)
    outcome = play(given)
    assert make_verdict(given, outcome)["skew_ms"]["p99"] > 10
    assert outcome.beacons == []


def test_a_group_makes_the_village_tight() -> None:
    given = scenario()
    outcome = play(given)
    verdict = make_verdict(given, outcome)
    assert verdict["failures"] == []
    assert verdict["dropouts"] == 0
    assert verdict["skew_ms"]["p99"] < 0.5
    assert len(leaders(outcome, 0, 20)) == 1
    for ear, health in zip(outcome.ears, outcome.office.health.values(), strict=True):
        assert np.abs(list(ear.late_us.values())).max() < health["gauges"]["offset_uncertainty_us"]


@pytest.mark.parametrize("do", ["reboot", "cut_lan"])
def test_another_leads_when_the_leader_is_gone(do: str) -> None:
    gone = first_leader()
    given = scenario(event(6, do, gone), duration_s=30)
    outcome = play(given)
    others = [node for node in range(1, 7) if node != gone]
    assert leaders(outcome, 6, 11)
    assert gone not in leaders(outcome, 6.1, 30)
    assert all(not outcome.ears[node - 1].gaps_ms for node in others)
    assert most_step_ms(outcome) < STEP_MS
    if do == "cut_lan":
        outcome.ears.pop(gone - 1)
    assert np.percentile(skews_ms(outcome, 1), 99) < 0.5


def test_of_two_that_lead_one_stays() -> None:
    alone = first_leader()
    given = scenario(event(4, "cut_lan", alone) + event(20, "restore_lan", alone), duration_s=50)
    outcome = play(given)
    assert len(leaders(outcome, 22, 50)) == 1
    assert make_verdict(given, outcome)["dropouts"] == 0
    assert most_step_ms(outcome) < STEP_MS
    for ear in outcome.ears:
        ear.late_us = {window: late_us for window, late_us in ear.late_us.items() if window > max(ear.late_us) - 200}
    assert np.percentile(skews_ms(outcome, 1), 99) < 0.5


def test_a_minute_without_the_controller() -> None:
    given = scenario(event(6, "cut_network") + event(66, "restore_network"), duration_s=80)
    outcome = play(given)
    assert len(leaders(outcome, 0, 80)) == 1
    # What was heard just before the cut and just after it may be half a window.
    assert np.percentile(skews_ms(outcome, 1), 99) < 0.5
    assert sum(ear.played for ear in outcome.ears) > 6 * 15 * 50


def test_one_node_without_the_controller_leads_on() -> None:
    leader = first_leader()
    outcome = play(scenario(event(6, "cut_network", leader), duration_s=30))
    assert leaders(outcome, 0, 30) == [leader]
    assert np.percentile(skews_ms(outcome, 1), 99) < 0.5


def test_a_lan_that_loses_is_still_a_lan() -> None:
    given = scenario("[lan]\ndelay_ms = 2\njitter_ms = 1\nloss = 0.1\n")
    verdict = make_verdict(given, play(given))
    assert verdict["dropouts"] == 0
    assert verdict["skew_ms"]["p99"] < 1.0


def test_nodes_that_are_far_apart_are_measured_and_not_left_out() -> None:
    # Who knows the time this badly plays nothing but where keys are told late enough.
    text = '[village]\nnodes = 2\nruntime = "cpython"\n[session]\nprofile = "mobile"\n'
    text += "[network]\ndelay_up_spread_ms = 100\n"
    given = parse(f"duration_s = 6\n{text}", "apart", Path())
    verdict = make_verdict(given, play(given))
    assert verdict["skew_ms"]["p50"] == pytest.approx(50, abs=1)
    # One of them begins, and ends, before its time.
    assert verdict["frames"]["played"] >= verdict["frames"]["expected"] - 4


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[session]\nsync_group = 1\n", "session.sync_group must be true or false"),
        ("[lan]\ndelay_ms = 1\n", "in real time the LAN is the loopback"),
        ('[[event]]\nat_s = 1\ndo = "cut_lan"\n', '"cut_lan" needs'),
        ('[village]\nruntime = "cpython"\n[lan]\nrate_kbps = 1\n', "unknown key lan.rate_kbps"),
    ],
)
def test_what_only_virtual_time_has(text: str, complaint: str) -> None:
    with pytest.raises(ScenarioError, match=complaint):
        parse(text, "hamlet", Path())
