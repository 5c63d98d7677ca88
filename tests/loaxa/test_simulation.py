"""``loaxa sim``: what is answered when there is no verdict, and which villages are refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from loaxa.cli import main
from tests.hil_sim.test_run import VERDICT_KEYS

Capture = pytest.CaptureFixture[str]


def verdict_without_a_run(capsys: Capture, path: Path, why: str) -> dict[str, Any]:
    assert main(["sim", "run", str(path), "--json"]) == 1
    told = capsys.readouterr()
    assert why in told.err
    verdict: dict[str, Any] = json.loads(told.out)
    assert list(verdict) == list(VERDICT_KEYS), "every figure of the contract, though none is known"
    assert verdict["passed"] is False
    assert len(verdict["failures"]) == 1
    assert why in verdict["failures"][0]
    return verdict


@pytest.mark.parametrize(
    ("text", "why"),
    [("[village\n", "not TOML"), ("[village]\nnodes = 0\n", "village.nodes"), (None, "cannot be read")],
)
def test_a_bad_scenario_is_a_failed_verdict(tmp_path: Path, capsys: Capture, text: str | None, why: str) -> None:
    path = tmp_path / "hamlet.toml"
    if text is not None:
        path.write_text(text)
    verdict = verdict_without_a_run(capsys, path, why)
    assert verdict["scenario"] == "hamlet"
    assert verdict["skew_ms"] == {"p50": None, "p99": None, "max": None}
    assert main(["sim", "run", str(path), "--keep", str(tmp_path / "kept")]) == 1
    assert json.loads((tmp_path / "kept" / "verdict.json").read_text()) == verdict
    for_people = capsys.readouterr()
    assert for_people.out == ""
    assert why in for_people.err


@pytest.mark.timeout(120)
def test_a_village_that_cannot_be_run_is_a_failed_verdict(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOAXA_MICROPYTHON", str(tmp_path / "none"))
    path = tmp_path / "hamlet.toml"
    path.write_text("seed = 7\nduration_s = 2\n[village]\nnodes = 1\n")
    verdict = verdict_without_a_run(capsys, path, "the village could not be run")
    assert (verdict["seed"], verdict["nodes"], verdict["duration_s"]) == (7, 1, 2)


@pytest.mark.parametrize("nodes", ["0", "-3", "100000"])
def test_a_village_that_cannot_be_is_refused(capsys: Capture, nodes: str) -> None:
    assert main(["sim", "village", "--nodes", nodes]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert f"A village has 1 to 200 nodes, not {nodes}" in told.err


@pytest.mark.parametrize("under", [False, True])
def test_what_nothing_can_be_kept_in_is_refused_before_the_run(tmp_path: Path, capsys: Capture, under: bool) -> None:
    path = tmp_path / "hamlet.toml"
    path.write_text("seed = 7\n")
    keep = str(path / "x" if under else path)
    assert main(["sim", "run", str(path), "--keep", keep, "--json"]) == 1
    told = capsys.readouterr()
    verdict = json.loads(told.out)
    assert "Nothing can be kept in" in told.err
    assert list(verdict) == list(VERDICT_KEYS)
    assert main(["sim", "search", "--seeds", "1", "--keep", keep]) == 1
    assert "Nothing can be kept in" in capsys.readouterr().err
    assert path.read_text() == "seed = 7\n"
