"""The state that a simulated board is in: what hangs on its pins, and the faults that it has now."""

import json
from pathlib import Path
from typing import Any

SPEAKER_STATES = (None, "open", "short")
FM_STATES = (None, "off", "carrier", "no_carrier")

_RANGES: dict[str, tuple[float, float]] = {
    "wifi_dbm": (-200, 50),
    "temperature_c": (-100, 200),
    "supply_mv": (0, 30_000),
    "door_open": (0, 1),
    "tilted": (0, 1),
    "storage_free_bytes": (0, 1 << 40),
    "storage_total_bytes": (0, 1 << 40),
    "speaker_tone_ma": (1, 10_000),
}

TONE_MA = 900
"""What the simulated horns take of the test tone."""
_MA_A_MV, _ZERO_MV, _DIVIDER = 4.0, 100, 11.0

SENSORS: dict[str, dict[str, float]] = {
    "speaker": {"pin": 34, "factor": _MA_A_MV, "zero": _ZERO_MV, "tone_ma": TONE_MA, "short_ma": 6000},
    "supply": {"pin": 35, "factor": _DIVIDER},
    "door": {"pin": 32},
    "tilt": {"pin": 33},
}
"""What ``node.json`` of a simulated node says of its sensors."""
PINS: dict[str, list[object]] = {
    "34": ["speaker", _MA_A_MV, _ZERO_MV],
    "35": ["supply", _DIVIDER, 0],
    "32": ["door_open"],
    "33": ["tilted"],
}
"""What ``board.json`` says of the same."""


def check(faults: dict[str, Any]) -> dict[str, Any]:
    """Return `faults`; raises ValueError for a name or value that no board has."""
    for name, value in faults.items():
        if name == "speaker":
            good = value in SPEAKER_STATES
        elif name == "fm":
            good = value in FM_STATES
        elif name in _RANGES:
            low, high = _RANGES[name]
            good = isinstance(value, (int, float)) and low <= value <= high
        else:
            raise ValueError(f"a board has no {name}; it has speaker, fm, {', '.join(_RANGES)}")
        if not good:
            raise ValueError(f"{name} cannot be {value!r}")
    return faults


class FaultsFile:
    """``faults.json`` beside a board's ``board.json``: the running board reads it several times a second."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "faults.json"

    def set(self, **faults: Any) -> None:
        """Let the board have these faults too; raises ValueError for what no board has."""
        kept = json.loads(self._path.read_text()) if self._path.exists() else {}
        new = self._path.with_suffix(".new")
        new.write_text(json.dumps({**kept, **check(faults)}))
        new.replace(self._path)

    def clear(self) -> None:
        """Let the board be as it was built."""
        self._path.unlink(missing_ok=True)
