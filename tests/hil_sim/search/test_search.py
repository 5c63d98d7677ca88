"""What is drawn repeats itself, what fails is shrunk to what matters, and what is found can be played again."""

from dataclasses import replace
from pathlib import Path

import pytest

from hil_sim.scenario import Event, Scenario, parse
from hil_sim.search.draw import draw
from hil_sim.search.invariants import broken
from hil_sim.search.shrink import shrink, to_toml
from hil_sim.virtual.village import play


def test_a_seed_is_always_the_same_scenario_and_a_file_plays_it() -> None:
    for seed in range(60):
        drawn = draw(seed)
        assert drawn == draw(seed)
        read = parse(to_toml(drawn), drawn.name, Path())
        assert replace(read, source=drawn.source) == drawn


def test_seeds_draw_all_that_can_happen() -> None:
    drawn = [draw(seed) for seed in range(300)]
    assert {event.do for scenario in drawn for event in scenario.events} >= {
        "reboot", "cut_network", "restore_network", "kill_engine", "kill_broker", "kill_controller", "delay_step",
        "wall_step", "attack",
    }  # fmt: skip
    assert {scenario.profile for scenario in drawn} == {"lan", "low", "mobile"}
    assert any(scenario.network.duplicate for scenario in drawn)
    assert any(scenario.network.delay_up_ms is not None for scenario in drawn)
    assert any(scenario.clock.uptime_days == 25 for scenario in drawn)


def test_shrinking_keeps_what_the_failure_needs_and_nothing_else() -> None:
    asked = []

    def fails(scenario: Scenario) -> bool:
        asked.append(scenario)
        return any(event.do == "kill_broker" for event in scenario.events) and scenario.network.loss > 0

    events = (Event(5.0, "reboot", 1), Event(6.0, "kill_broker"), Event(7.0, "wall_step", step_ms=5.0))
    scenario = replace(draw(4), events=events, duration_s=30.0, nodes=4)
    scenario = replace(scenario, network=replace(scenario.network, loss=0.1, jitter_ms=3.0, duplicate=0.1))
    shortest = shrink(scenario, fails)
    assert [event.do for event in shortest.events] == ["kill_broker"]
    assert shortest.nodes == 1
    assert shortest.duration_s < 10
    assert shortest.network.loss > 0
    assert (shortest.network.jitter_ms, shortest.network.duplicate) == (0.0, 0.0)
    assert fails(shortest)
    assert len(asked) <= 62
    assert shrink(scenario, lambda _: False) == scenario


@pytest.mark.timeout(120)
def test_a_firmware_that_fails_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from firmware.node.repair import Repair

    scenario = replace(draw(3), events=(), nodes=1, duration_s=6.0)
    assert broken(scenario, play(scenario)) == []

    def fail(*_: object) -> None:
        raise IndexError("a fault of the firmware")

    monkeypatch.setattr(Repair, "arrived", fail)
    found = broken(scenario, play(scenario))
    assert any(sentence.startswith("crash: node-01: receiver: IndexError") for sentence in found)
    assert any(sentence.startswith("silent") for sentence in found)


@pytest.mark.timeout(300)
def test_a_few_seeds_hold() -> None:
    for seed in (0, 2, 7, 9):
        scenario = draw(seed)
        assert broken(scenario, play(scenario)) == [], to_toml(scenario)
