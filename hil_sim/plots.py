"""Pictures of a run, for people: skew over time, arrival margin over time, histogram of arrivals."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from hil_sim.ear import EarReport, Programme

_SIZE_INCH = (10.0, 4.5)
_DPI = 110
_LEGEND_NODES = 12
_COLOURS = mpl.colormaps["turbo"]


def draw(folder: Path, programme: Programme, ears: list[EarReport]) -> None:
    """Write skew.png, latency.png, margin.png and arrivals.png into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    _skew(programme, ears).savefig(folder / "skew.png", dpi=_DPI)
    _latency(programme, ears).savefig(folder / "latency.png", dpi=_DPI)
    _margin(programme, ears).savefig(folder / "margin.png", dpi=_DPI)
    _arrivals(ears).savefig(folder / "arrivals.png", dpi=_DPI)


def _colour(ear: EarReport, ears: list[EarReport]) -> tuple[float, float, float, float]:
    share = (ear.node - 0.5) / len(ears)
    return _COLOURS(share)


def _figure(title: str, x: str, y: str, grid: bool = True) -> tuple[Figure, "mpl.axes.Axes"]:
    figure = Figure(figsize=_SIZE_INCH, layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, loc="left")
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(grid, alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _legend(axes: "mpl.axes.Axes", ears: list[EarReport]) -> None:
    if len(ears) <= _LEGEND_NODES:
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize="small")


def _skew(programme: Programme, ears: list[EarReport]) -> Figure:
    figure, axes = _figure("Each node against the median of all", "seconds after the command", "earlier / later, ms")
    delays = np.array([ear.alignment.delay_s for ear in ears])
    known = np.isfinite(delays).any(axis=0)
    middle = np.full(delays.shape[1], np.nan)
    if known.any():
        middle[known] = np.nanmedian(delays[:, known], axis=0)
    for ear in ears:
        time_s = ear.alignment.start_s - programme.command_s
        axes.plot(
            time_s,
            (ear.alignment.delay_s - middle) * 1000,
            ".",
            markersize=3,
            color=_colour(ear, ears),
            label=f"node {ear.node}",
        )
    axes.axhspan(-1, 1, color="0.5", alpha=0.12)
    axes.text(0.005, 0.01, "grey: 1 ms, which adds nothing to an echo", transform=axes.transAxes, fontsize="small")
    _legend(axes, ears)
    return figure


def _latency(programme: Programme, ears: list[EarReport]) -> Figure:
    figure, axes = _figure("Mixer to DAC", "seconds after the command", "ms")
    for ear in ears:
        time_s = ear.alignment.start_s - programme.command_s
        axes.plot(
            time_s,
            ear.alignment.delay_s * 1000,
            ".",
            markersize=3,
            color=_colour(ear, ears),
            label=f"node {ear.node}",
        )
        for gap in ear.gaps:
            axes.axvspan(
                gap.first_s - programme.command_s,
                gap.first_s - programme.command_s + gap.length_ms / 1000,
                color="red",
                alpha=0.25,
            )
    if any(ear.gaps for ear in ears):
        axes.text(0.005, 0.01, "red: dropouts", transform=axes.transAxes, fontsize="small", color="red")
    _legend(axes, ears)
    return figure


def _margin(programme: Programme, ears: list[EarReport]) -> Figure:
    figure, axes = _figure("How early packets arrived (what the buffer holds)", "seconds after the command", "ms")
    for ear in ears:
        axes.plot(
            ear.frames.due_s - programme.command_s,
            ear.frames.margins_ms,
            ".",
            markersize=2,
            color=_colour(ear, ears),
            label=f"node {ear.node}",
        )
    axes.axhline(0.0, color="red", linewidth=1)
    axes.text(0.005, 0.01, "below the red line: late", transform=axes.transAxes, fontsize="small", color="red")
    _legend(axes, ears)
    return figure


def _arrivals(ears: list[EarReport]) -> Figure:
    figure, axes = _figure("Arrivals before the time of play, all nodes", "ms early", "packets")
    margins = np.concatenate([ear.frames.margins_ms for ear in ears]) if ears else np.empty(0)
    if len(margins):
        axes.hist(margins, bins=120, color="tab:blue")
        axes.set_yscale("log")
        first, last = np.percentile(margins, [1, 99])
        for edge in (first, last):
            axes.axvline(edge, color="tab:orange", linewidth=1)
        axes.text(first, axes.get_ylim()[1], f" p1 {first:.1f} ms", va="top", color="tab:orange", fontsize="small")
        axes.text(
            last, axes.get_ylim()[1], f"p99 {last:.1f} ms ", va="top", ha="right", color="tab:orange", fontsize="small"
        )
    return figure
