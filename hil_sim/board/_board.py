"""The board's settings: ``board.json`` in the working directory, read once; and ``faults.json`` beside it, which may
come, change and go while the board runs."""

import json

import utime

_DEFAULTS = {
    "ppm": 0.0,
    "ticks_offset_us": 0,
    "capture": "board.dac",
    "position_noise_us": 20,
    "seed": 1,
    "loadac": True,
    "pins": {},
    "speaker": None,
    "speaker_tone_ma": 900,
    "wifi_dbm": -55,
    "temperature_c": 41,
    "supply_mv": 12600,
    "door_open": 0,
    "tilted": 0,
    "fm": None,
    "storage_free_bytes": 1200000,
    "storage_total_bytes": 2097152,
}
"""ppm: crystal against CLOCK_MONOTONIC. ticks_offset_us: what the tick counter showed at CLOCK_MONOTONIC 0.

capture: file of what the DAC emitted. position_noise_us: standard deviation of the DAC's position stamp.
loadac: whether the board's firmware has the C module, or ``machine.I2S`` alone.

pins: what hangs on a pin, by its number as text: ``["speaker", mA a mV, mV at no current]``, ``["supply", factor, 0]``,
``["door_open"]``, ``["tilted"]``, ``["fm"]``, ``["fm_power"]``. speaker: null, "open" or "short"; speaker_tone_ma: what
good horns take of the test tone. fm: null where there is no receiver, else "off", "carrier" or "no_carrier".

``faults.json`` has any of the settings from `speaker` on; they take the place of those here while it is there.
"""

_READ_MS = 200


def _read(path, found):
    try:
        with open(path) as file:
            found.update(json.load(file))
    except (OSError, ValueError):
        pass  # a board without settings is a perfect one
    return found


settings = _read("board.json", dict(_DEFAULTS))
ppb = round(settings["ppm"] * 1000)
_faults = {}
_read_ms = None


def now(name):
    """Return a setting, or what the fault that the board has now makes of it."""
    global _faults, _read_ms
    ms = utime.ticks_ms()
    if _read_ms is None or utime.ticks_diff(ms, _read_ms) >= _READ_MS:
        _faults = _read("faults.json", {})
        _read_ms = ms
    return _faults.get(name, settings[name])
