"""Whole villages in virtual time: the same to the bit every time, in time, and heard whatever happens."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hil_sim.scenario import Scenario, parse
from hil_sim.search.invariants import broken
from hil_sim.virtual.verdict import make_verdict
from hil_sim.virtual.village import play

pytestmark = pytest.mark.timeout(120)


def scenario(text: str, nodes: int = 3, duration_s: float = 12.0) -> Scenario:
    head = f'seed = 5\nduration_s = {duration_s}\n[village]\nnodes = {nodes}\nruntime = "cpython"\n'
    return parse(f"{head}[clock]\ndrift_ppm = [-50, 50]\n{text}", "hamlet", Path())


LAN = "[network]\ndelay_ms = 5\njitter_ms = 2\n"


def test_the_same_seed_gives_the_same_verdict_to_the_last_digit(tmp_path: Path) -> None:
    path = tmp_path / "hamlet.toml"
    path.write_text(
        'seed = 11\nduration_s = 8\n[village]\nnodes = 3\nruntime = "cpython"\n[session]\nprofile = "mobile"\n'
        "[network]\ndelay_ms = 50\njitter_ms = 20\nloss = 0.05\nburst = 3\n[clock]\ndrift_ppm = [-50, 50]\n"
        '[[event]]\nat_s = 3\ndo = "reboot"\nnode = 2\n[[event]]\nat_s = 5\ndo = "kill_engine"\n'
    )
    verdicts = []
    for hash_seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-m", "loaxa.cli", "sim", "run", str(path), "--json"],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=False,
        )
        verdicts.append(done.stdout)
    assert verdicts[0] == verdicts[1]
    assert json.loads(verdicts[0])["frames"]["played"] > 0


def test_a_village_on_a_lan_is_in_time() -> None:
    given = scenario(LAN)
    outcome = play(given)
    verdict = make_verdict(given, outcome)
    assert verdict["failures"] == []
    assert verdict["frames"]["played"] == verdict["frames"]["expected"] > 1700
    assert verdict["dropouts"] == 0
    assert verdict["skew_ms"]["max"] < 2.0
    assert 149.0 < verdict["latency_ms"]["p50"] < 152.0
    assert broken(given, outcome) == []


@pytest.mark.parametrize(
    "event",
    [
        '[[event]]\nat_s = 4\ndo = "reboot"\nnode = 2\n',
        '[[event]]\nat_s = 4\ndo = "kill_engine"\n',
        '[[event]]\nat_s = 4\ndo = "kill_broker"\n',
        '[[event]]\nat_s = 3\ndo = "kill_controller"\n',
        '[[event]]\nat_s = 4\ndo = "wall_step"\nstep_ms = -3600000\n',
        '[[event]]\nat_s = 4\ndo = "attack"\nkind = "malformed"\n',
        '[[event]]\nat_s = 3\ndo = "cut_network"\n[[event]]\nat_s = 5.5\ndo = "restore_network"\n',
    ],
    ids=["reboot", "engine", "broker", "controller", "wall", "attack", "cut"],
)
def test_every_invariant_holds_whatever_happens(event: str) -> None:
    given = scenario(LAN + event, nodes=2)
    outcome = play(given)
    assert broken(given, outcome) == []
    assert all(ear.played > 200 for ear in outcome.ears)


def test_lost_frames_are_asked_for_and_come() -> None:
    bad = '[session]\nprofile = "mobile"\n[network]\ndelay_ms = 60\njitter_ms = 20\nloss = 0.05\nburst = 2\n'
    given = scenario(bad)
    outcome = play(given)
    frames = make_verdict(given, outcome)["frames"]
    assert sum(node.counters["repaired"] for node in outcome.nodes) > 40
    assert frames["played"] >= 0.995 * frames["expected"]


def test_a_crystal_after_25_days_and_a_short_lead() -> None:
    given = scenario('uptime_days = 25\n[session]\nprofile = "low"\n[network]\ndelay_ms = 1\n')
    verdict = make_verdict(given, play(given))
    assert verdict["failures"] == []
    assert verdict["dropouts"] == 0
    assert verdict["skew_ms"]["p99"] < 0.2


def test_asymmetry_is_an_error_that_the_node_knows_the_bound_of() -> None:
    given = scenario("[network]\ndelay_ms = 10\ndelay_up_ms = 40\njitter_ms = 1\n")
    outcome = play(given)
    for ear, health in zip(outcome.ears, outcome.office.health.values(), strict=True):
        errors_us = [abs(late_us) for late_us in ear.late_us.values()]
        assert min(errors_us) > 10_000, "nothing can see it"
        assert max(errors_us) < health["gauges"]["offset_uncertainty_us"]


def test_what_is_kept_can_be_looked_at(tmp_path: Path) -> None:
    from hil_sim.signals import read_wav
    from hil_sim.virtual.run import run

    verdict = run(scenario(LAN, nodes=2, duration_s=3.0), tmp_path / "kept")
    kept = {str(path.relative_to(tmp_path / "kept")) for path in (tmp_path / "kept").rglob("*") if path.is_file()}
    assert kept >= {"verdict.json", "packets.pcap", "source.wav", "node-01.wav", "node-02.wav", "plots/skew.png"}
    assert json.loads((tmp_path / "kept" / "verdict.json").read_text()) == verdict
    source, node = (read_wav(tmp_path / "kept" / name) for name in ("source.wav", "node-01.wav"))
    assert len(source) == len(node)
    # The sawtooth of the source is at the node a lead later.
    at = 2 * 48_000
    assert node[at + 7200 + 500] == pytest.approx(source[at + 500], abs=0.01)
