"""The attack suite against real nodes on air; and that each of its attacks is heard where a node lacks the check that
stops it."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hil_sim import flash, image
from hil_sim.attacks import KINDS
from hil_sim.run import run
from hil_sim.scenario import Scenario, load, poles

pytestmark = pytest.mark.alone

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"
VERIFIER = "firmware/node/verifier.py"
SAFE = "if latest_us + early_us >= terms.told_us(interval) or self._keychain.told(interval):"
LATEST = "latest_us = self._clock.latest_us(now_us)\n        if"
ESTIMATE = "latest_us = self._clock.media_us(now_us) if self._clock.locked(now_us) else None\n        if"
CHAINED = "if not same(part.chain.before(key, interval - part.newest), part.key):"
SEALED = "if latest_us + terms.interval_us // tesla.EARLY_SHARE >= terms.told_us(interval):"
NEXT = "self.sealed(raw, lambda _: take_next(after), now_us)"
CHAINS = "        for part in self._parts:\n            if part.after"
TIME_TAG = "if not sync.genuine(data, self._key):"
COMMANDS = "firmware/node/commands.py"
COUNTER = "if counter <= settings.counter:"
EXPIRY = "if media_us > expires_us:"
WITHOUT: dict[str, Any] = {
    "a bound of the time": ("forged-rtp", (VERIFIER, SAFE, "if self._keychain.told(interval):")),
    "any look at the time": ("forged-rtp", (VERIFIER, SAFE, "if False:")),
    "a look at whose key it is": ("forged-rtp", ("firmware/node/keychain.py", CHAINED, "if False:")),
    "a bound that delays cannot move": ("time-delay", (VERIFIER, LATEST, ESTIMATE)),
    "a look at the time of what is announced": (
        "lying-broker",
        (VERIFIER, SEALED, "if False:"),
        (VERIFIER, SAFE, "if False:"),
    ),
    "proof of the next chain": (
        "lying-broker",
        (VERIFIER, NEXT, "take_next(after)"),
        ("firmware/node/keychain.py", CHAINS, CHAINS.replace("self._parts", "reversed(self._parts)")),
    ),
    "tags of time": ("time-forgery", ("firmware/node/bursts.py", TIME_TAG, "if False:")),
}
"""A node without what: the scenario by which it must be heard, and what is replaced in which file."""
SOONEST = "any look at the time"
"""The one that every run of the tests tries; `make attacks` tries all."""
ALONE = sorted(set(SCENARIOS.glob("attack-*.toml")) - {SCENARIOS / "attack-all.toml"})


def play(scenario: Scenario) -> dict[str, Any]:
    verdict, _ = run(scenario, None)
    return verdict


@pytest.fixture
def weaken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Have all nodes run another firmware, in which some text is replaced; it must be there."""

    def weakened(*changes: tuple[str, str, str]) -> None:
        root = tmp_path / "weakened"
        for folder in ("codec", "firmware"):
            shutil.copytree(flash.ROOT / folder, root / folder)
        for name, true, false in changes:
            text = (root / name).read_text()
            assert text.count(true) == 1, f"{name} has not once: {true}"
            (root / name).write_text(text.replace(true, false))
        made = tmp_path / "weakened.romfs"
        image.build(made, "x64", flash.BOARD, root)
        monkeypatch.setattr(flash, "image", lambda: made)

    return weakened


@pytest.mark.timeout(240)
def test_nothing_is_heard_of_any_attack_and_no_foreign_command_obeyed() -> None:
    scenario = load(SCENARIOS / "attack-all.toml")
    assert {event.kind for event in scenario.events} >= set(KINDS) - {"malformed", "command_replay"}
    verdict = play(scenario)
    assert verdict["passed"], verdict["failures"]
    assert verdict["foreign_ms"] == 0
    assert verdict["dropouts"] == 0
    assert verdict["rejected"]["forged"] > 1000
    assert verdict["rejected"]["replayed"] > 50


@pytest.mark.attacks
@pytest.mark.timeout(300)
@pytest.mark.parametrize("path", ALONE, ids=lambda path: path.stem)
def test_nothing_is_heard_of(path: Path) -> None:
    verdict = play(load(path))
    assert verdict["passed"], verdict["failures"]


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    "what", [pytest.param(what, marks=[] if what == SOONEST else pytest.mark.attacks) for what in WITHOUT]
)
def test_the_siren_is_heard_from_a_node_without(what: str, weaken: Any) -> None:
    name, *changes = WITHOUT[what]
    weaken(*changes)
    verdict = play(load(SCENARIOS / f"attack-{name}.toml"))
    assert verdict["foreign_ms"] > 0, json.dumps(verdict)
    assert not verdict["passed"]


@pytest.mark.attacks
@pytest.mark.timeout(240)
@pytest.mark.parametrize(("number", "check"), [(1, EXPIRY), (2, COUNTER)], ids=["expiry", "counter"])
def test_a_node_that_obeys_what_was_said_before_falls_silent(number: int, check: str, weaken: Any) -> None:
    weaken((COMMANDS, check, "if False:"))
    scenario = load(SCENARIOS / "attack-command-replay.toml")
    verdict = play(replace(scenario, nodes=number, positions=poles(number)))
    assert verdict["dropouts"] > 0
    assert not verdict["passed"]


def test_every_attack_has_its_scenario() -> None:
    found = {event.kind for path in SCENARIOS.glob("*.toml") for event in load(path).events if event.do == "attack"}
    assert found == set(KINDS)
