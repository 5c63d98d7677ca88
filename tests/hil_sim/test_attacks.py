"""The attack suite against real nodes on air; and that it would be heard if nodes believed what comes."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from hil_sim import flash, image
from hil_sim.attacks import KINDS
from hil_sim.run import run
from hil_sim.scenario import load, parse

pytestmark = pytest.mark.alone

SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"
NAIVE = (
    (
        "firmware/node/verifier.py",
        "        counters = self._counters\n        kind = rtp.tag_kind(data)\n",
        "        return GENUINE\n        kind = 0\n",
    ),
)


def play(scenario: Any) -> dict[str, Any]:
    verdict, _ = run(scenario, None)
    return verdict


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


@pytest.mark.timeout(240)
def test_the_siren_is_heard_where_a_node_believes_what_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "naive"
    for folder in ("codec", "firmware"):
        shutil.copytree(flash.ROOT / folder, root / folder)
    for name, true, naive in NAIVE:
        path = root / name
        text = path.read_text()
        assert true in text
        path.write_text(text.replace(true, naive))
    naive_image = tmp_path / "naive.romfs"
    image.build(naive_image, "x64", flash.BOARD, root)
    monkeypatch.setattr(flash, "image", lambda: naive_image)
    text = (SCENARIOS / "attack-forged-rtp.toml").read_text().replace("nodes = 3", "nodes = 1")
    verdict = play(parse(text, "naive", SCENARIOS))
    assert verdict["foreign_ms"] > 1000
    assert not verdict["passed"]


def test_every_attack_has_its_scenario() -> None:
    found = {event.kind for path in SCENARIOS.glob("*.toml") for event in load(path).events if event.do == "attack"}
    assert found == set(KINDS)
