"""Real villages: controller, broker, network and firmware, a few seconds each."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from hil_sim import children
from hil_sim.alignment import align
from hil_sim.signals import RATE, read_wav
from loaxa.cli import main

pytestmark = pytest.mark.alone

HEAD = """
seed = 11
duration_s = {seconds}
[village]
nodes = 3
[network]
delay_ms = 5.0
jitter_ms = 2.0
[clock]
drift_ppm = [-50, 50]
"""

VERDICT_KEYS = {
    "scenario": str,
    "seed": int,
    "runtime": str,
    "nodes": int,
    "duration_s": float,
    "skew_ms": dict,
    "latency_ms": dict,
    "frames": dict,
    "dropouts": int,
    "stoi": float,
    "pesq": float,
    "first_sound_ms": dict,
    "rejected": dict,
    "foreign_ms": float,
    "passed": bool,
    "failures": list,
}


@pytest.fixture(autouse=True)
def no_process_stays_behind():
    """What a run starts, it ends."""
    before = set(children.descendants(os.getpid()))
    yield
    left = set(children.descendants(os.getpid())) - before
    assert not [children.command_line(pid) for pid in left]


def play(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, seconds: float = 6) -> tuple[int, dict]:
    path = tmp_path / "village.toml"
    path.write_text(HEAD.format(seconds=seconds) + text)
    code = main(["sim", "run", str(path), "--json", "--keep", str(tmp_path / "kept")])
    captured = capsys.readouterr()
    assert captured.out, captured.err
    return code, json.loads(captured.out)


@pytest.mark.timeout(120)
def test_a_voice_is_on_air_in_a_real_village(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, verdict = play(
        tmp_path,
        capsys,
        '[source]\nkind = "speech"\n[[microphone]]\nx_m = 90\ny_m = 10\n'
        "[assert]\nskew_ms_p99 = 5\nlatency_ms_p50 = 200\nplayed_ratio = 0.95\nstoi = 0.8\n",
    )
    assert verdict["failures"] == []
    assert code == 0
    assert {key: type(value) for key, value in verdict.items()} == VERDICT_KEYS
    assert verdict["frames"]["expected"] > 3 * 200
    kept = tmp_path / "kept"
    names = {path.name for path in kept.iterdir()}
    assert names >= {"verdict.json", "source.wav", "node-01.wav", "node-03.wav", "mic-01.wav", "packets.pcap"}
    assert json.loads((kept / "verdict.json").read_text()) == verdict
    assert len(list((kept / "plots").glob("*.png"))) == 4
    assert (kept / "logs" / "controller.log").exists()
    # Anyone can check the verdict from the recordings.
    source = read_wav(kept / "source.wav")
    found = [align(source, read_wav(kept / f"node-{n:02d}.wav")) for n in (1, 2, 3)]
    skew = np.abs(found[0].delay_s - found[2].delay_s) * 1000
    assert np.nanmax(skew) <= verdict["skew_ms"]["max"] + 1e-3
    assert np.nanmedian(found[1].delay_s) * 1000 == pytest.approx(verdict["latency_ms"]["p50"], abs=2)
    assert len({len(read_wav(path)) for path in kept.glob("*.wav")}) == 1
    assert len(source) > 6 * RATE


@pytest.mark.timeout(120)
def test_the_engine_and_a_node_die_and_the_broadcast_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, verdict = play(
        tmp_path,
        capsys,
        '[source]\nkind = "chirp"\n[[event]]\nat_s = 3\ndo = "kill_engine"\n'
        '[[event]]\nat_s = 5\ndo = "reboot"\nnode = 2\n'
        '[[event]]\nat_s = 8\ndo = "attack"\nkind = "malformed"\n'
        "[assert]\nskew_ms_p99 = 5\ndropout_ms_max = 5000\n",
        seconds=12,
    )
    assert verdict["failures"] == []
    assert verdict["dropouts"] >= 4  # the engine's at each node, and the node's own
    last = read_wav(tmp_path / "kept" / "node-02.wav")[-3 * RATE : -2 * RATE]
    assert np.sqrt(np.mean(last**2)) > 0.01


@pytest.mark.timeout(120)
def test_nodes_of_one_lan_agree_by_real_multicast(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Their ways to the controller differ by 60 ms: without the group the outer ones are 30 ms apart."""
    path = tmp_path / "hamlet.toml"
    path.write_text(
        'seed = 12\nduration_s = 12\nskew_settle_s = 2\n[village]\nnodes = 3\n[source]\nkind = "chirp"\n'
        '[session]\nprofile = "mobile"\nsync_group = true\n'
        "[network]\ndelay_ms = 50\ndelay_up_ms = 20\ndelay_up_spread_ms = 60\njitter_ms = 2\n"
        "[clock]\ndrift_ppm = [-50, 50]\n[assert]\nskew_ms_p99 = 5\ndropouts = 0\n"
    )
    code = main(["sim", "run", str(path), "--json", "--keep", str(tmp_path / "kept")])
    verdict = json.loads(capsys.readouterr().out)
    assert verdict["failures"] == []
    assert code == 0
