"""The board's settings: ``board.json`` in the working directory, read once."""

import json

_DEFAULTS = {
    "ppm": 0.0,
    "ticks_offset_us": 0,
    "capture": "board.dac",
    "position_noise_us": 20,
    "seed": 1,
    "loadac": True,
    "wifi_dbm": -55,
    "temperature_c": 41,
}
"""ppm: crystal against CLOCK_MONOTONIC. ticks_offset_us: what the tick counter showed at CLOCK_MONOTONIC 0.

capture: file of what the DAC emitted. position_noise_us: standard deviation of the DAC's position stamp.
loadac: whether the board's firmware has the C module, or ``machine.I2S`` alone.
"""


def _load():
    settings = dict(_DEFAULTS)
    try:
        with open("board.json") as file:
            settings.update(json.load(file))
    except OSError:
        pass  # a board without settings is a perfect one
    return settings


settings = _load()
ppb = round(settings["ppm"] * 1000)
