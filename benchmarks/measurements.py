"""Timing, loss and latency as measured: writes ``docs/measurements.md`` and its pictures.

Villages of real firmware in real time, snapcast on the same rig, and in virtual time what loss does to what is heard.
It takes half an hour and wants the machine for itself.
"""

import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from benchmarks import asymmetry, snapcast, table
from hil_sim.alignment import Alignment
from hil_sim.run import run as run_village
from hil_sim.scenario import load
from hil_sim.virtual.verdict import make_verdict
from hil_sim.virtual.village import play

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "measurements.md"
TEMPLATE = Path(__file__).parent / "measurements.template.md"
PICTURES = ROOT / "docs" / "pictures"
VILLAGES = ("sync12", "low", "mobile-loss-2", "mobile-loss-10")
SHOWN = {"sync12": ("skew",), "mobile-loss-2": ("arrivals",)}
"""Plots of these runs that the page has."""
LOSSES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2)
BURSTS = (1.0, 4.0)
_SWEEP_S = 60.0


def run() -> dict[str, Any]:
    """Return the verdicts by scenario, `snapcast`, `asymmetry` and `loss`: frames that did not come in time."""
    PICTURES.mkdir(exist_ok=True)
    result: dict[str, Any] = {name: _village(name) for name in VILLAGES}
    result["asymmetry"] = asymmetry.run()
    result["loss"] = _sweep()
    result["snapcast"], ears = snapcast.measure()
    if ears:
        _plot_snapcast(ears).savefig(PICTURES / "measured-snapcast.png", dpi=110)
    _plot_loss(result["loss"]).savefig(PICTURES / "measured-loss.png", dpi=110)
    PAGE.write_text(page(result), encoding="utf-8")
    return result


def describe(result: dict[str, Any]) -> str:
    """Return the figures as a table."""
    rows = [(name, result[name]["skew_ms"]["p99"], "ms skew, 99 of 100") for name in VILLAGES]
    rows.append(("snapcast", result["snapcast"]["skew_ms"]["p99"], "ms skew, 99 of 100"))
    return table.lines(*rows) + f"\nwritten: {PAGE.relative_to(ROOT)}"


def page(result: dict[str, Any]) -> str:
    """Return the page in Markdown."""
    rows = [_row(name, result[name]) for name in VILLAGES]
    snap = result["snapcast"]
    rows.append(f"| snapcast {snap['version'] or '(not installed)'}, two clients | {_three(snap['skew_ms'])} |"
                f" {_ms(snap['latency_ms']['p50'])} | | | |")  # fmt: skip
    template = TEMPLATE.read_text(encoding="utf-8")
    return template.format(rows="\n".join(rows), sweep_s=_SWEEP_S, **result["asymmetry"])


def _village(name: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="loaxa-measured-") as folder:
        keep = Path(folder)
        verdict, _ = run_village(load(ROOT / "scenarios" / f"{name}.toml"), keep, _note)
        for plot in SHOWN.get(name, ()):
            shutil.copy(keep / "plots" / f"{plot}.png", PICTURES / f"measured-{name}-{plot}.png")
        return verdict


def _sweep() -> dict[str, list[float]]:
    scenario = replace(load(ROOT / "scenarios" / "mobile-loss-2.toml"), runtime="cpython", duration_s=_SWEEP_S)
    found: dict[str, list[float]] = {}
    for burst in BURSTS:
        shares = []
        for loss in LOSSES:
            given = replace(scenario, network=replace(scenario.network, loss=loss, burst=burst))
            frames = make_verdict(given, play(given))["frames"]
            shares.append(round(1.0 - frames["played"] / frames["expected"], 5))
        found[f"bursts of {burst:g}"] = shares
    return found


def _row(name: str, verdict: dict[str, Any]) -> str:
    frames = verdict["frames"]
    return (
        f"| `{name}` | {_three(verdict['skew_ms'])} | {_ms(verdict['latency_ms']['p50'])} |"
        f" {frames['concealed']} of {frames['expected']:,} | {verdict['dropouts']} |"
        f" {'; '.join(verdict['failures']) or 'none'} |"
    )


def _ms(value: float | None) -> str:
    return "?" if value is None else f"{value:.1f} ms"


def _three(skew_ms: dict[str, float | None]) -> str:
    return " / ".join("?" if skew_ms[name] is None else f"{skew_ms[name]:.3f}" for name in ("p50", "p99", "max"))


def _plot_snapcast(ears: list[Alignment]) -> Figure:
    figure = Figure(figsize=(10.0, 3.5), layout="constrained")
    axes = figure.add_subplot()
    apart_ms = (ears[1].delay_s - ears[0].delay_s) * 1000
    axes.plot(ears[0].start_s - ears[0].start_s[np.isfinite(apart_ms)][0], apart_ms, ".", markersize=3)
    axes.set_title("snapcast: the second client against the first", loc="left")
    axes.set_xlabel("seconds")
    axes.set_ylabel("ms")
    axes.grid(alpha=0.3)
    return figure


def _plot_loss(loss: dict[str, list[float]]) -> Figure:
    figure = Figure(figsize=(10.0, 3.5), layout="constrained")
    axes = figure.add_subplot()
    for label, shares in loss.items():
        axes.plot([100 * each for each in LOSSES], [100 * each for each in shares], "o-", label=label)
    axes.set_title("Frames that did not come in time, after retransmission", loc="left")
    axes.set_xlabel("datagrams lost each way, %")
    axes.set_ylabel("frames, %")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    return figure


def _note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
