"""The nodes' clock beside aiosendspin's time filter, on the same recorded exchanges.

Our clock asks when it likes, through a seeded network (``exchanges``); what it heard is the recording, which the peer
gets too, exchange for exchange. Because the peer's client asks less often, it is heard at its own pace as well.
"""

import sys
from typing import Any

import numpy as np

from benchmarks.exchanges import NETWORKS, SECONDS, World
from benchmarks.filters import PEER, PEER_VERSION, STEP_NS, Floats, Heard, hear, hear_peer, replay

NODES = 60
"""Crystals and networks drawn for each kind of network."""
SEEDS = range(2000, 2000 + NODES)
"""The clock's rules were chosen on lower ones."""
HOLD_S = 10
"""An estimate has converged when it stays near the truth for so long."""
END_S = 60
"""The end is the last so many seconds."""
_WORDS = {
    "converge_s_p50": "near, median, s",
    "converge_s_max": "– slowest node, s",
    "end_error_us_p50": "off at the end, median, µs",
    "end_error_us_p99": "– 99 of 100, µs",
    "end_error_us_rms": "– root mean square, µs",
    "exchanges_a_minute": "exchanges a minute",
}


def run() -> dict[str, Any]:
    """Return by network, for us, for the peer on the same exchanges (`peer_`) and at its own pace (`peer_own_`),
    what _WORDS says; the peer's are null where it is not installed. `covered` is of our own bound."""
    there = PEER.exists()
    if not there:
        print("loaxa: not installed: aiosendspin", file=sys.stderr)
    result: dict[str, Any] = {"peer_version": PEER_VERSION if there else None}
    for name, network in NETWORKS.items():
        worlds = [World(network, seed) for seed in SEEDS]
        ours = [hear(world) for world in worlds]
        same = [replay(world, each.recording) for world, each in zip(worlds, ours, strict=True)] if there else []
        own = [hear_peer(World(network, seed)) for seed in SEEDS] if there else []
        result[name] = {
            "bound_us": network.bound_us,
            "covered": round(float(np.mean([each.covered for each in ours])), 5),
            **_figures("", ours, network.bound_us),
            **_figures("peer_", same, network.bound_us),
            **_figures("peer_own_", own, network.bound_us),
        }
    return result


def describe(result: dict[str, Any]) -> str:
    """Return the figures as a table."""
    lines = [
        f"{NODES} nodes a network, {SECONDS} s; peer: aiosendspin {result['peer_version'] or ''}",
        f"{'':<30}{'ours':>10}{'peer':>10}{'peer, own pace':>16}",
    ]
    for name, network in NETWORKS.items():
        lines.append(f"{name}, near is {network.bound_us / 1000:g} ms")
        for key, what in _WORDS.items():
            values = [result[name][prefix + key] for prefix in ("", "peer_", "peer_own_")]
            shown = ["no peer" if value is None else f"{value:,}" for value in values]
            lines.append(f"  {what:<28}{shown[0]:>10}{shown[1]:>10}{shown[2]:>16}")
    return "\n".join(lines)


def converged_s(errors_us: Floats, bound_us: float) -> float:
    """Return the first second from which the error stays within `bound_us` for HOLD_S; SECONDS if it never does."""
    hold = HOLD_S * 1_000_000_000 // STEP_NS
    near = np.abs(np.nan_to_num(errors_us, nan=np.inf)) <= bound_us
    run = np.convolve(near, np.ones(hold, int), "valid")
    first = int(np.argmax(run == hold))
    return first * STEP_NS / 1e9 if run[first] == hold else float(SECONDS)


def _figures(prefix: str, nodes: list[Heard], bound_us: float) -> dict[str, float | None]:
    if not nodes:
        return dict.fromkeys([prefix + key for key in _WORDS])
    seconds = [converged_s(node.errors_us, bound_us) for node in nodes]
    steps = END_S * 1_000_000_000 // STEP_NS
    end_us = np.abs(np.concatenate([node.errors_us[-steps:] for node in nodes]))
    values = (
        round(float(np.median(seconds)), 2),
        max(seconds),
        round(float(np.percentile(end_us, 50))),
        round(float(np.percentile(end_us, 99))),
        round(float(np.sqrt(np.mean(end_us**2)))),
        round(sum(len(node.recording) for node in nodes) / len(nodes) * 60 / SECONDS),
    )
    return {prefix + key: value for key, value in zip(_WORDS, values, strict=True)}
