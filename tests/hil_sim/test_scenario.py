"""Scenarios: defaults, every refusal by the key's full name, and the files that come with the project."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil_sim.scenario import ACTIONS, MAX_NODES, Clock, Limits, LinkSettings, Position, ScenarioError, load, parse

HERE = Path(__file__).parent
SCENARIOS = sorted((HERE.parent.parent / "scenarios").glob("*.toml"))


def test_an_empty_file_is_a_village_of_six() -> None:
    scenario = parse("", "empty", HERE)
    assert (scenario.name, scenario.seed, scenario.duration_s, scenario.nodes) == ("empty", 1, 30.0, 6)
    assert (scenario.runtime, scenario.profile, scenario.network) == ("micropython", "lan", LinkSettings())
    assert scenario.positions[1] == Position(60.0, 0.0)
    assert scenario.limits == Limits()
    assert len(scenario.source.text) > 500


def test_everything_is_read() -> None:
    scenario = parse(
        """
        seed = 7
        duration_s = 12.5
        [village]
        nodes = 2
        runtime = "micropython"
        position = [{x_m = 0, y_m = 0}, {x_m = 80, y_m = -3.5}]
        [source]
        kind = "speech"
        text = "Xin chào"
        [session]
        profile = "mobile"
        [network]
        delay_ms = 5.0
        jitter_ms = 2
        loss = 0.01
        burst = 3
        rate_kbps = 128
        [clock]
        drift_ppm = [-50, 50]
        [[microphone]]
        x_m = 40
        y_m = 10
        [[event]]
        at_s = 3
        do = "reboot"
        node = 2
        [[event]]
        at_s = 4
        do = "attack"
        kind = "malformed"
        [assert]
        skew_ms_p99 = 2.0
        """,
        "all",
        HERE,
    )
    assert scenario.network == LinkSettings(5.0, 2.0, 0.01, 3.0, 128.0)
    assert scenario.clock == Clock((-50.0, 50.0))
    assert scenario.positions[1] == Position(80.0, -3.5)
    assert scenario.microphones == (Position(40.0, 10.0),)
    assert [(event.at_s, event.do, event.node, event.kind) for event in scenario.events] == [
        (3.0, "reboot", 2, None),
        (4.0, "attack", None, "malformed"),
    ]
    assert scenario.limits == Limits(skew_ms_p99=2.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seeds = 1", r"unknown key seeds; known here: .*seed"),
        ("seed = " + "1" * 5000, "not TOML"),
        ("seed = " + "[" * 5000, "not TOML"),
        ("[source]\nkind = 'file'\npath = '" + "a" * 5000 + "'", "there is no file"),
        ("[village]\nnode = 3", r"unknown key village\.node"),
        ("[network]\ndelay = 3", r"unknown key network\.delay; known here: delay_ms, .*delay_up_ms"),
        ("[assert]\nskew = 1", r"unknown key assert\.skew; known here: .*skew_ms_p99"),
        ("[village]\nnodes = 0", r"village\.nodes must be a whole number from 1 to"),
        ("[village]\nnodes = true", r"village\.nodes must be a whole number"),
        ("[village]\nruntime = 'lua'", r'village\.runtime must be "micropython" or "cpython", not "lua"'),
        ("[village]\nnodes = 201", r"village\.nodes must be a whole number from 1 to 200"),
        ("[[event]]\nat_s = 1\ndo = 'wall_step'\nstep_ms = 5", r'"wall_step" needs village\.runtime = "cpython"'),
        ("[village]\nruntime = 'cpython'\n[[event]]\nat_s = 1\ndo = 'delay_step'", r"event\[1\]\.delay_ms is missing"),
        ("[clock]\nuptime_days = 3", r'clock\.uptime_days needs village\.runtime = "cpython"'),
        ("[[event]]\nat_s = 1\ndo = 'reboot'\noff_s = 0", r"event\[1\]\.off_s must be a number from 0\.1"),
        ("[network]\ndelay_up_ms = -1", r"network\.delay_up_ms must be a number"),
        ("skew_settle_s = -1", r"skew_settle_s must be a number"),
        ("[village]\nnodes = 2\n[[village.position]]\nx_m=1\ny_m=1", r"village\.position is given 1 times for 2"),
        ("[session]\nprofile = 'fast'", r"session\.profile must be one of lan, low, mobile, not 'fast'"),
        ("[source]\nkind = 'song'", r"source\.kind must be one of speech, chirp, file"),
        ("[source]\nkind = 'file'", r"source\.path is missing"),
        ("[source]\nkind = 'file'\npath = 'none.wav'", r"source\.path: there is no file .*none\.wav"),
        ("[source]\nkind = 'chirp'\ntext = 'x'", r"unknown key source\.text"),
        ("[source]\ntext = '  '", r"source\.text must not be empty"),
        ("[network]\nloss = 1.5", r"network\.loss must be a number from 0 to 0\.95, not 1\.5"),
        ("[network]\nloss = nan", r"network\.loss must be a number"),
        ("[clock]\ndrift_ppm = [50, -50]", r"clock\.drift_ppm must be two rising numbers"),
        ("[clock]\ndrift_ppm = 50", r"clock\.drift_ppm must be two rising numbers"),
        ("[[event]]\nat_s = 1\ndo = 'explode'", r"event\[1\]\.do must be one of reboot, .*, not 'explode'"),
        ("[[event]]\ndo = 'reboot'", r"event\[1\]\.at_s is missing"),
        ("[[event]]\nat_s = 99\ndo = 'reboot'", r"event\[1\]\.at_s must be a number from 0 to 30"),
        ("[[event]]\nat_s = 1\ndo = 'reboot'\nnode = 7", r"event\[1\]\.node must be a whole number from 1 to 6"),
        ("[[event]]\nat_s = 1\ndo = 'kill_engine'\nnode = 1", r"event\[1\]\.node has no meaning for \"kill_engine\""),
        ("[[event]]\nat_s = 1\ndo = 'repair'\nnode = 9", r"event\[1\]\.node must be a whole number from 1 to 6"),
        ("[[event]]\nat_s = 1\ndo = 'speaker_open'\nkind = 'short'", r"unknown key event\[1\]\.kind"),
        ("[[event]]\nat_s = 1\ndo = 'attack'", r"event\[1\]\.kind is missing"),
        ("[[event]]\nat_s = 1\ndo = 'attack'\nkind = 'echo'", r"event\[1\]\.kind must be one of malformed"),
        ("[event]\nat_s = 1\ndo = 'reboot'", r"event must be written \[\[event\]\]"),
        ("village = 3", r"village must be a table"),
        ("duration_s = ", r"not TOML"),
    ],
)
def test_what_is_wrong_is_named(text: str, message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        parse(text, "wrong", HERE)


@given(
    st.integers(1, MAX_NODES["cpython"]),
    st.floats(1, 86400),
    st.floats(0, 0.95),
    st.lists(st.tuples(st.floats(0, 1), st.sampled_from(ACTIONS)), max_size=5),
)
def test_every_allowed_value_is_taken(
    nodes: int, duration_s: float, loss: float, events: list[tuple[float, str]]
) -> None:
    text = f"duration_s = {duration_s!r}\n[village]\nnodes = {nodes}\nruntime = 'cpython'\n[network]\nloss = {loss!r}\n"
    for at_s, action in events:
        text += f"[[event]]\nat_s = {at_s!r}\ndo = '{action}'\n"
        needs = {"attack": "kind = 'malformed'\n", "delay_step": "delay_ms = 5\n", "wall_step": "step_ms = 5\n"}
        text += needs.get(action, "")
    scenario = parse(text, "any", HERE)
    assert (scenario.nodes, scenario.duration_s, scenario.network.loss) == (nodes, duration_s, loss)
    assert len(scenario.positions) == nodes
    assert len(set(scenario.positions)) == nodes
    assert [event.do for event in scenario.events] == [action for _, action in events]


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ScenarioError):
        parse(text, "any", HERE)


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_the_scenarios_of_the_project_are_valid_and_ask_for_something(path: Path) -> None:
    assert load(path).limits != Limits()
