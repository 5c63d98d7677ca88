"""A run: plays a scenario, judges what was captured and keeps what was asked for."""

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from codec.profile import PROFILES
from hil_sim import flash, plots
from hil_sim.air import hear
from hil_sim.capture import Track, lay, read_runs
from hil_sim.ear import EarReport, Programme
from hil_sim.packets import write_pcap
from hil_sim.patience import doubt_us, given_up_us
from hil_sim.report import keep_verdict
from hil_sim.scenario import Scenario
from hil_sim.signals import RATE, db_to_ratio, moving_rms, write_wav
from hil_sim.stream import decode, read_frames
from hil_sim.verdict import Heard, judge_ears, make_verdict
from hil_sim.village import Recording, play

_NS = 1_000_000_000
MAX_PAUSE_S = 2.0
"""Neither the bulletin nor the sweeps have a longer pause."""


def run(scenario: Scenario, keep: Path | None, note: Any = lambda text: None) -> tuple[dict[str, Any], Recording]:
    """Return verdict and recording of one run; `note` is told how far it is.

    keep: a folder that is left with the verdict, recordings, packets, plots and logs; made when it does not exist.
    Raises OfficeError, NetworkError, CaptureError.
    """
    with tempfile.TemporaryDirectory(prefix="loaxa-sim-") as name:
        folder = Path(name)
        note(f"{scenario.name}: {scenario.nodes} nodes, {scenario.duration_s:g} s in real time")
        try:
            recording = play(scenario, folder)
            note("judging")
            heard = listen(scenario, recording)
            ears = judge_ears(heard)
            verdict = make_verdict(scenario, heard, ears)
        finally:
            if keep is not None:
                _keep_logs(folder, keep)
        if keep is not None:
            _keep(scenario, keep, recording, heard, ears, verdict)
        return verdict, recording


def listen(scenario: Scenario, recording: Recording) -> Heard:
    """Return what was recorded, laid on one axis of true time that begins shortly before the command."""
    origin_ns = recording.listen_ns
    length = round((recording.end_ns - origin_ns) / _NS * RATE)
    entered = lay(read_runs(recording.source), origin_ns, length)
    tracks = [lay(read_runs(capture), origin_ns, length) for capture in recording.captures]
    profile = PROFILES[scenario.profile]
    doubt = max(doubt_us(scenario.network.of_node(number, scenario.nodes)) for number in range(1, scenario.nodes + 1))
    datagrams = [each for each in recording.datagrams if each.entered_ns >= origin_ns]  # not of a broadcast before it
    frames, sent = decode(read_frames(datagrams, origin_ns, profile, doubt), entered.samples)
    programme = Programme(
        source=entered.samples,
        held=_held(entered),
        sent=sent,
        frames=frames,
        origin_ns=origin_ns,
        command_s=(recording.command_ns - origin_ns) / _NS,
        stop_s=(recording.stop_ns - origin_ns) / _NS,
        given_up_s=given_up_us(profile) / 1e6,
    )
    mishaps = list(recording.mishaps)
    sounding = np.flatnonzero(moving_rms(entered.samples, RATE // 100) > db_to_ratio(-50.0))
    if not len(sounding):
        mishaps.append("no sound entered the mixer")
    elif scenario.source.fills and sounding[-1] / RATE < programme.stop_s - MAX_PAUSE_S:
        last_s = sounding[-1] / RATE - programme.command_s
        mishaps.append(f"the programme broke off {last_s:.1f} s after the command")
    return Heard(programme, tracks, runtime(), recording.rejected, mishaps)


def _held(entered: Track) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return where nothing entered the mixer between the first and the last that did."""
    covered = np.flatnonzero(entered.covered)
    held = ~entered.covered
    if not len(covered):
        return np.zeros(len(held), dtype=np.bool_)
    held[: covered[0]] = held[covered[-1] :] = False
    return held


def runtime() -> str:
    """Return name and version of what the nodes run on."""
    command = [flash.micropython(), "-c", "import sys; print('%d.%d.%d' % sys.implementation[1][:3])"]
    found = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    return f"micropython {found.stdout.strip()}"


def _keep_logs(folder: Path, keep: Path) -> None:
    logs = keep / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    for log in folder.rglob("*.log"):
        if log.name != "packets.log":
            shutil.copy(log, logs / log.name)


def _keep(
    scenario: Scenario,
    keep: Path,
    recording: Recording,
    heard: Heard,
    ears: list[EarReport],
    verdict: dict[str, Any],
) -> None:
    keep_verdict(keep, verdict)
    write_wav(keep / "source.wav", heard.programme.source)
    for number, track in enumerate(heard.ears, 1):
        write_wav(keep / f"node-{number:02d}.wav", track.samples)
    tracks = [track.samples for track in heard.ears]
    for number, microphone in enumerate(scenario.microphones, 1):
        write_wav(keep / f"mic-{number:02d}.wav", hear(tracks, list(scenario.positions), microphone))
    write_pcap(keep / "packets.pcap", recording.datagrams, recording.listen_ns)
    plots.draw(keep / "plots", heard.programme, ears)
