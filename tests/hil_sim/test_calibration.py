"""Nodes are calibrated by ear: a microphone in a real village hears horn after horn, and then all at one instant."""

import json
import time
from pathlib import Path

import numpy as np
import pytest

from controller.acoustics import arrival
from controller.acoustics.probe import SWEEP_S, sweep
from hil_sim.air import SPEED_OF_SOUND_M_S, hear
from hil_sim.capture import lay, read_runs
from hil_sim.resampling import interpolate
from hil_sim.scenario import Position, parse
from hil_sim.signals import RATE, Floats, write_wav
from hil_sim.village import ZONE, Village
from loaxa.cli import main

pytestmark = pytest.mark.alone

SCENARIO = """
seed = 5
[village]
nodes = 3
[network]
delay_ms = 5.0
jitter_ms = 2.0
[clock]
drift_ppm = [-50, 50]
"""
MICROPHONE = Position(x_m=20.0, y_m=15.0)
RECORDER_PPM = 40.0
NOISE = 0.001
SET_BEFORE_US = 70_000
TOLERANCE_US = 1000


def recorded(village: Village, since_ns: int) -> list[Floats]:
    """Return what each DAC emitted since then, on one axis of time."""
    length = (time.monotonic_ns() - since_ns) * RATE // 1_000_000_000
    return [lay(read_runs(node.capture), since_ns, length).samples for node in village.nodes]


def calibrate(village: Village, capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    code = main(["node", "calibrate", "--controller", village.office.url, "--json", *arguments])
    told = capsys.readouterr()
    assert code == 0, told.err
    return json.loads(told.out)


def differences(village: Village, ears: list[Floats]) -> Floats:
    """Return when each horn's sweep arrives at the microphone, after the earliest, seconds."""
    found = [
        arrival.find(hear([ear], [horn], MICROPHONE), sweep(), 0.0, 10.0)
        for ear, horn in zip(ears, village.scenario.positions, strict=True)
    ]
    assert [each.problem for each in found] == ["", "", ""]
    at_s = np.array([each.at_s for each in found])
    return at_s - at_s.min()


def play_a_sweep(village: Village, folder: Path) -> Floats:
    """Broadcast one sweep to all and return :func:`differences`."""
    path = folder / "sweep.wav"
    write_wav(path, np.concatenate((np.zeros(RATE // 4), sweep())))
    source = {"kind": "sound", "sound": village.office.upload(path)}
    since_ns = time.monotonic_ns()
    village.office.post("/api/sessions", {"source": source, "zones": [ZONE]})
    time.sleep(SWEEP_S + 2.0)
    return differences(village, recorded(village, since_ns))


@pytest.mark.timeout(120)
def test_all_horns_are_heard_at_one_instant(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    played, heard = str(tmp_path / "played.json"), tmp_path / "heard.wav"
    with Village(parse(SCENARIO, "hamlet", tmp_path), tmp_path / "village") as village:
        village.wait_online()
        names = [node.setup.name for node in village.nodes]
        url = village.office.url
        assert main(["node", "set", names[1], "--delay-ms", str(SET_BEFORE_US / 1000), "--controller", url]) == 0
        capsys.readouterr()
        since_ns = time.monotonic_ns()
        what = calibrate(village, capsys, "--zone", ZONE, "--rounds", "1", "--play-only", "--played", played)
        assert [node["id"] for node in what["nodes"]] == names
        assert what["lost"] == []
        assert village.office.get("/api/sessions?active=true")["sessions"] == []
        assert village.office.get("/api/sounds")["sounds"] == [], "what was uploaded is removed"
        sound = hear(recorded(village, since_ns), list(village.scenario.positions), MICROPHONE)
        sound += NOISE * np.random.default_rng(1).standard_normal(len(sound))
        write_wav(heard, interpolate(sound, np.arange(len(sound)) * (1 - RECORDER_PPM * 1e-6)))

        found = calibrate(village, capsys, "--recording", str(heard), "--played", played, "--dry-run")
        assert found["applied"] is False
        assert [node["delay_us"] for node in village.office.get("/api/nodes")["nodes"]] == [0, SET_BEFORE_US, 0]
        found = calibrate(village, capsys, "--recording", str(heard), "--played", played, "--level")
        assert found["applied"] is True
        assert found["recorder_ppm"] == pytest.approx(RECORDER_PPM, abs=80)
        away_m = np.array(
            [np.hypot(at.x_m - MICROPHONE.x_m, at.y_m - MICROPHONE.y_m) for at in village.scenario.positions]
        )
        wanted_us = (away_m.max() - away_m) / SPEED_OF_SOUND_M_S * 1e6
        wrong_us = np.array([node["delay_us"] for node in found["nodes"]]) - wanted_us
        assert np.max(np.abs(wrong_us)) < TOLERANCE_US, wrong_us
        gains_db = [node["gain_db"] for node in found["nodes"]]
        assert gains_db == pytest.approx(np.maximum(20 * np.log10(away_m / away_m.max()), -6.0), abs=0.5)
        set_now = {node["id"]: (node["delay_us"], node["muted"]) for node in village.office.get("/api/nodes")["nodes"]}
        assert set_now == {node["id"]: (node["delay_us"], False) for node in found["nodes"]}

        late_s = play_a_sweep(village, tmp_path)
        assert np.max(late_s) < TOLERANCE_US * 1e-6, late_s
