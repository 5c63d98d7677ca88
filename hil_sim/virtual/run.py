"""``loaxa sim run`` in virtual time: plays, judges, and keeps what was asked for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from hil_sim.capture import SEAM_NS, Run, Track, lay
from hil_sim.packets import write_pcap
from hil_sim.report import keep_verdict
from hil_sim.scenario import Scenario
from hil_sim.signals import RATE, write_wav
from hil_sim.virtual.ear import WINDOW_US
from hil_sim.virtual.verdict import make_verdict
from hil_sim.virtual.village import Node, Outcome, play

_NS = 1_000_000_000
_BEFORE_NS = _NS // 2
MOST_KEPT_S = 3600.0
"""Seconds of sound, all nodes together, that are kept as WAV files: 350 MB."""


def run(scenario: Scenario, keep: Path | None, note: Callable[[str], None] = lambda text: None) -> dict[str, Any]:
    """Return the verdict of one run; keep: a folder that is left with verdict, recordings, packets, plots and logs."""
    note(f"{scenario.name}: {scenario.nodes} nodes, {scenario.duration_s:g} s in virtual time")
    sounds = keep is not None and scenario.nodes * scenario.duration_s <= MOST_KEPT_S
    outcome = play(scenario, keep=keep is not None, sounds=sounds)
    verdict = make_verdict(scenario, outcome)
    if keep is not None:
        if not sounds:
            note(f"no WAV files: {scenario.nodes} nodes x {scenario.duration_s:g} s are more than {MOST_KEPT_S:g} s")
        _keep(keep, scenario, outcome, verdict)
    return verdict


def _keep(keep: Path, scenario: Scenario, outcome: Outcome, verdict: dict[str, Any]) -> None:
    keep_verdict(keep, verdict)
    origin_ns = outcome.command_ns - _BEFORE_NS
    length = round((outcome.stop_ns - origin_ns) / _NS * RATE) + 2 * RATE
    write_pcap(keep / "packets.pcap", outcome.datagrams, origin_ns)
    for node in outcome.nodes if outcome.sounds else ():
        write_wav(keep / f"node-{node.number:02d}.wav", _laid(outcome.sounds[node.number - 1], node, origin_ns, length))
    if outcome.sounds:
        write_wav(keep / "source.wav", lay(outcome.mix, origin_ns, length).samples)
    logs, plots = keep / "logs", keep / "plots"
    logs.mkdir(parents=True, exist_ok=True)
    plots.mkdir(parents=True, exist_ok=True)
    for node in outcome.nodes:
        (logs / f"{node.name}.log").write_text("".join(f"{line}\n" for line in node.log), encoding="utf-8")
    _plot(scenario, outcome).savefig(plots / "skew.png", dpi=110)


def _laid(heard: list[tuple[int, bytes]], node: Node, origin_ns: int, length: int) -> "np.ndarray[Any, Any]":
    """Return what a DAC emitted on the axis of true time; blocks that follow each other are one run of its crystal."""
    runs: list[Run] = []
    first_ns, joined, due_ns = 0, bytearray(), -1.0
    for at_ns, data in [*heard, (1 << 62, b"")]:
        if joined and abs(at_ns - due_ns) > SEAM_NS:
            runs.append(Run(first_ns, node.rate_hz, np.frombuffer(bytes(joined), "<i2") / 32768.0))
            joined = bytearray()
        if not joined:
            first_ns = at_ns
        joined += data
        due_ns = first_ns + len(joined) // 2 * 1e9 / node.rate_hz
    track: Track = lay(runs, origin_ns, length)
    return track.samples


def _plot(scenario: Scenario, outcome: Outcome) -> Figure:
    figure = Figure(figsize=(10.0, 4.5), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(f"{scenario.name}: each node against its instant", loc="left")
    axes.set_xlabel("seconds of programme")
    axes.set_ylabel("early / late, ms")
    axes.grid(alpha=0.3)
    windows = [window for ear in outcome.ears for window in ear.late_us]
    first = min(windows, default=0)
    for number, ear in enumerate(outcome.ears, 1):
        time_s = [(window - first) * WINDOW_US / 1e6 for window in ear.late_us]
        axes.plot(time_s, [late / 1000 for late in ear.late_us.values()], ".", markersize=2, label=f"node {number}")
    if 0 < len(outcome.ears) <= 12:
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize="small")
    return figure
