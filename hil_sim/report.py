"""A verdict in words, for people at a terminal, and as a file."""

import json
from pathlib import Path
from typing import Any


def keep_verdict(folder: Path, verdict: dict[str, Any]) -> None:
    """Write ``verdict.json`` into `folder`, made when it does not exist."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(verdict, indent=2, ensure_ascii=False)
    (folder / "verdict.json").write_text(text + "\n", encoding="utf-8")


def describe(verdict: dict[str, Any]) -> str:
    """Return the verdict as a table with its failures."""
    skew, latency, first = verdict["skew_ms"], verdict["latency_ms"], verdict["first_sound_ms"]
    frames, rejected = verdict["frames"], verdict["rejected"]
    rows = [
        ("nodes", f"{verdict['nodes']} on {verdict['runtime']}, {verdict['duration_s']:g} s, seed {verdict['seed']}"),
        ("skew", f"p50 {_ms(skew['p50'])}   p99 {_ms(skew['p99'])}   max {_ms(skew['max'])}"),
        ("latency", f"p50 {_ms(latency['p50'])}   p99 {_ms(latency['p99'])}"),
        ("first sound", f"p50 {_ms(first['p50'])}   max {_ms(first['max'])}"),
        (
            "frames",
            f"{frames['played']} of {frames['expected']} played, {frames['concealed']} concealed, "
            f"{frames['late']} late",
        ),
        ("dropouts", f"{verdict['dropouts']}"),
        ("voice", f"STOI {_known(verdict['stoi'])}   PESQ {_known(verdict['pesq'])}   (worst node)"),
        ("foreign", _ms(verdict["foreign_ms"])),
        ("rejected", "   ".join(f"{name} {_known(count)}" for name, count in rejected.items())),
    ]
    lines = [f"{verdict['scenario']}: {'passed' if verdict['passed'] else 'FAILED'}"]
    lines += [f"  {name:<12}{text}" for name, text in rows]
    lines += [f"  ! {failure}" for failure in verdict["failures"]]
    return "\n".join(lines)


def _ms(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3g} ms" if value < 100 else f"{value:.0f} ms"


def _known(value: float | None) -> str:
    return "unknown" if value is None else f"{value:g}"
