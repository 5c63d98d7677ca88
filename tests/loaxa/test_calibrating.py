"""``loaxa node calibrate``: who is measured, what is set, and that a measurement with a problem changes nothing."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from controller.acoustics.calibration import MOST_MINUTES
from controller.acoustics.probe import RATE_HZ, Floats
from hil_sim.signals import write_wav
from loaxa import calibrating, cli, played, sweeping
from loaxa.errors import CommandError
from loaxa.output import Output
from loaxa.played import Played, PlayedNode

LATE_MS = {"a": 100.0, "b": 20.0, "c": 60.0}
GAINS = {"a": 0.1, "b": 0.2, "c": 0.1}


class Controller:
    """Three nodes on line in one zone, and more that cannot be measured."""

    def __init__(self) -> None:
        self.nodes = {name: self.node(name) for name in "abc"}
        self.nodes["off"] = self.node("off", state="offline")
        self.nodes["quiet"] = self.node("quiet", muted=True)
        self.nodes["plain"] = self.node("plain", rtp_address={"host": "192.0.2.9", "port": 5004}, state="new")
        self.nodes["far"] = self.node("far", zone="thon-2")
        self.fails = ""

    def node(self, name: str, **more: Any) -> dict[str, Any]:
        plain = {"zone": "thon-1", "state": "online", "delay_us": 7, "gain_db": -1.0, "muted": False}
        return {"id": name, "rtp_address": None, **plain, **more}

    def get(self, path: str) -> Any:
        if path == "/nodes":
            return {"nodes": [dict(node) for node in self.nodes.values()]}
        assert path == "/zones"
        return {"zones": [{"id": "thon-1", "profile": "lan"}, {"id": "thon-2", "profile": "mobile"}]}

    def patch(self, path: str, body: dict[str, Any]) -> None:
        name = path.removeprefix("/nodes/")
        if name == self.fails:
            self.fails = ""
            raise CommandError("The connection was lost.")
        self.nodes[name].update(body)

    @property
    def set_now(self) -> dict[str, tuple[int, float]]:
        return {name: (self.nodes[name]["delay_us"], self.nodes[name]["gain_db"]) for name in "abc"}


@pytest.fixture
def office() -> Controller:
    return Controller()


def calibrate(office: Controller, *words: str) -> int:
    args = cli.build_parser().parse_args(["node", "calibrate", *words, "--json"])
    return calibrating.run(office, args, Output(as_json=True))  # type: ignore[arg-type]


def recorded(what: Played, silent: str = "") -> Floats:
    """Return what is heard of `what` by a recorder that was begun two seconds before it; `silent` is not heard."""
    programme = what.programme
    sound = programme.samples()
    total = 1e-3 * np.random.default_rng(1).standard_normal(round((programme.duration_s + 6) * RATE_HZ))
    for slot, name in enumerate(programme.slots):
        first = round(programme.start_s(slot) * RATE_HZ)
        at = round((2 + programme.start_s(slot) + programme.delays_us[name] / 1e6 + LATE_MS[name] / 1e3) * RATE_HZ)
        if name != silent:
            total[at : at + RATE_HZ] += GAINS[name] * sound[first : first + RATE_HZ]
    return total


@pytest.fixture
def keep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Played]:
    """Return what keeps a programme that was played, and its recording, where the command looks for them."""
    monkeypatch.chdir(tmp_path)

    def keep(silent: str = "", lost: list[int] | None = None) -> Played:
        nodes = [PlayedNode(id=name, delay_us=40_000, gain_db=-2.0) for name in LATE_MS]
        what = Played(nodes=nodes, rounds=1, lost=lost or [])
        played.keep(what, Path("calibration.json"))
        write_wav(tmp_path / "heard.wav", recorded(what, silent))
        return what

    return keep


def answer(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_all_are_set_to_arrive_with_the_latest(
    office: Controller, keep: Callable[..., Played], capsys: pytest.CaptureFixture[str]
) -> None:
    keep()
    assert calibrate(office, "--recording", "heard.wav", "--dry-run") == 0
    assert answer(capsys)["applied"] is False
    assert office.set_now == dict.fromkeys("abc", (7, -1.0))
    assert calibrate(office, "--recording", "heard.wav") == 0
    found = answer(capsys)
    assert found["applied"] is True
    assert {one["id"]: round(one["late_ms"]) for one in found["nodes"]} == {"a": 80, "b": 0, "c": 40}
    delays_us = {name: delay_us for name, (delay_us, _) in office.set_now.items()}
    assert delays_us == pytest.approx({"a": 0, "b": 80_000, "c": 40_000}, abs=30)
    assert {gain_db for _, gain_db in office.set_now.values()} == {-1.0}, "levels are another matter"
    assert calibrate(office, "--recording", "heard.wav", "--level") == 0
    assert {name: gain_db for name, (_, gain_db) in office.set_now.items()} == pytest.approx(
        {"a": -2.0, "b": -8.0, "c": -2.0}, abs=0.11
    )


def test_a_node_with_a_problem_is_left_as_it_is(
    office: Controller, keep: Callable[..., Played], capsys: pytest.CaptureFixture[str]
) -> None:
    keep(silent="b")
    assert calibrate(office, "--recording", "heard.wav") == 1
    found = answer(capsys)
    assert [bool(one["problem"]) for one in found["nodes"]] == [False, True, False]
    assert found["nodes"][1]["delay_us"] is None and found["nodes"][1]["late_ms"] is None
    assert office.set_now["b"] == (7, -1.0)
    assert office.set_now["c"][0] == pytest.approx(40_000, abs=30)


def test_one_good_node_is_not_in_time_with_itself(
    office: Controller, keep: Callable[..., Played], capsys: pytest.CaptureFixture[str]
) -> None:
    keep(silent="b", lost=[3])
    assert calibrate(office, "--recording", "heard.wav") == 1
    assert "did not answer" in answer(capsys)["nodes"][2]["problem"]
    assert office.set_now == dict.fromkeys("abc", (7, -1.0))


def test_all_or_none_are_set(office: Controller, keep: Callable[..., Played]) -> None:
    keep()
    office.fails = "c"
    with pytest.raises(CommandError, match=r"connection was lost\. Nothing was changed"):
        calibrate(office, "--recording", "heard.wav")
    assert office.set_now == dict.fromkeys("abc", (7, -1.0))
    del office.nodes["c"]
    with pytest.raises(CommandError, match="c is no node any more"):
        calibrate(office, "--recording", "heard.wav")


def test_who_is_measured(office: Controller, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = calibrating.choose(office, [], "thon-1", 2, Output(as_json=True))  # type: ignore[arg-type]
    assert [node.id for node in chosen.played.nodes] == ["a", "b", "c"]
    notes = capsys.readouterr().err
    for told in ("off is not on line", "quiet is muted", "plain is a plain RTP receiver", "switch it off"):
        assert told in notes
    chosen = calibrating.choose(office, ["c", "a", "c"], None, 1, Output(as_json=True))  # type: ignore[arg-type]
    assert [node.id for node in chosen.played.nodes] == ["c", "a"]
    assert chosen.zones == ["thon-1"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "Name the nodes to be measured, or a zone"),
        (["a", "--zone", "thon-1"], "Name the nodes to be measured, or a zone"),
        (["a", "x"], "There is no node x. There are: a, b"),
        (["a", "off"], "off is not on line."),
        (["a"], "at least two"),
        (["--zone", "thon-9"], "The zone thon-9 has no node"),
        (["--zone", "thon-2"], "at least two"),
        (["a", "far"], "have the profiles lan, mobile"),
        (["a", "b", "--rounds", "6"], "--rounds is a number from 1 to 5"),
        (["a", "b", "--level-limit-db", "99"], "from 0 to 24"),
        (["a", "--recording", "heard.wav"], "leave out nodes"),
        (["--recording", "heard.wav"], "calibration.json, which tells what was played, cannot be read"),
        (["a", "b", "--play-only", "--played", "/none/x.json"], "/none/x.json"),
    ],
)
def test_what_cannot_be_measured(
    office: Controller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CommandError, match=told):
        calibrate(office, *words)


def test_what_was_played_is_kept_only_when_it_was_played(
    office: Controller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sweeping, "play", lambda *_: {2})
    assert calibrate(office, "a", "b", "--play-only") == 0
    kept = played.load(Path("calibration.json"))
    assert kept.model_dump() == answer(capsys)
    assert (kept.lost, kept.gains_db) == ([2], {"a": -1.0, "b": -1.0})

    def fail(*_: object) -> set[int]:
        raise CommandError("The sweeps ended.")

    monkeypatch.setattr(sweeping, "play", fail)
    with pytest.raises(CommandError, match="ended"):
        calibrate(office, "a", "b", "--play-only")
    assert not Path("calibration.json").exists()


def test_more_nodes_than_a_recording_holds() -> None:
    nodes = [PlayedNode(id=f"cum-{number}", delay_us=0, gain_db=0.0) for number in range(200)]
    Played(nodes=nodes[:180], rounds=1).check_length()
    with pytest.raises(CommandError, match=f"more than the {MOST_MINUTES}"):
        Played(nodes=nodes, rounds=1).check_length()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "\xff",
        "[" * 100_000,
        '{"nodes": [], "rounds": 1}',
        '{"nodes": [{"id": "a", "delay_us": 0, "gain_db": 0}], "rounds": 6}',
        '{"nodes": [{"id": "a", "delay_us": -1, "gain_db": 0}], "rounds": 1}',
        '{"nodes": [{"id": "../a", "delay_us": 0, "gain_db": 0}], "rounds": 1}',
        '{"nodes": [{"id": "a", "delay_us": 0, "gain_db": 0}, {"id": "a", "delay_us": 0, "gain_db": 0}], "rounds": 1}',
    ],
)
def test_a_file_that_tells_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / "calibration.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(CommandError, match="does not tell what was played"):
        played.load(path)
