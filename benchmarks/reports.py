"""Made-up reports of nodes, a day at a time, with the noise that gauges have: for what is measured on months of them.

A third of the nodes are on Wi-Fi or a cable, the others on 4G, whose way is long and noisy; each has its own base and
wanders through the day. It is on air for two hours of the day, loses frames in bursts, is off line at times, reboots.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from codec.wire.report import COUNTERS
from controller.link.presence import OFFLINE, ONLINE
from controller.trends.frame import NOTHING, Column, Frame, Words, words
from controller.trends.sample import PLAYING, STATE

DAY = 1440
ON_AIR = ((330, 390), (1020, 1080))
"""Minutes of the day: 5:30 and 17:00, an hour each."""
Noise = NDArray[np.float64]


def day(node: int, number: int, start: int) -> Frame:
    """Return day `number` of a node, one row a minute from minute `start`."""
    own = np.random.default_rng(node)
    mobile = own.random() < 2 / 3
    base_rtt_us, base_temperature_mc = (own.uniform(60e3, 120e3) if mobile else own.uniform(2e3, 6e3)), 31e3
    radio_dbm, drift_ppb, heap, horns = own.uniform(-105, -60), own.normal(0, 12e3), own.uniform(9e4, 12e4), 3
    random = np.random.default_rng([node, number])
    minutes = np.arange(DAY)
    on_air = np.zeros(DAY, bool)
    for first, last in ON_AIR:
        on_air[first:last] = True

    def noise(sd: float) -> Noise:
        return random.normal(0, sd, DAY)

    def wander(sd: float, slowness: float = 0.95) -> Noise:
        """A value that drifts and comes back: first-order, as temperatures and radio fields are."""
        steps = random.normal(0, sd * np.sqrt(1 - slowness**2), DAY)
        kernel = slowness ** np.arange(120)
        return np.convolve(steps, kernel)[:DAY]

    warmth = np.sin((minutes - 540) / DAY * 2 * np.pi)
    jitter_us = base_rtt_us * (0.15 if mobile else 0.3)
    rtt_us = base_rtt_us + np.abs(random.gamma(2, jitter_us / 2, DAY)) + wander(jitter_us / 2)
    rebooted = int(random.integers(0, DAY)) if random.random() < 0.03 else 0
    uptime_s = 60 * (minutes - rebooted) + np.where(minutes < rebooted, 86_400.0 * (number + 1), 0) + noise(1).round()
    gauges: dict[str, NDArray[Any]] = {
        "uptime_s": np.maximum(uptime_s + 86_400 * number * (rebooted == 0), 0),
        "offset_uncertainty_us": rtt_us / 2 + noise(50),
        "offset_sd_us": np.abs(40 + rtt_us / 400 + noise(10)),
        "drift_ppb": drift_ppb + 300 * warmth + wander(80),
        "round_trip_us": rtt_us,
        "buffer_us": np.where(on_air, 90e3 - np.abs(noise(9e3)), np.nan),
        "tail_us": np.where(on_air, jitter_us * 2 + np.abs(noise(jitter_us / 3)), np.nan),
        "skew_us": np.where(on_air, noise(60), np.nan),
        "leads": np.full(DAY, np.nan),
        "free_heap_bytes": heap + noise(2500),
        "wifi_dbm": np.full(DAY, np.nan) if mobile else radio_dbm + wander(3) + noise(1),
        "mobile_dbm": radio_dbm + wander(4) + noise(1.5) if mobile else np.full(DAY, np.nan),
        "temperature_mc": base_temperature_mc + 6e3 * warmth + wander(900) + noise(150),
        "storage_free_bytes": 3.1e9 - 2e6 * number - 900.0 * minutes,
        "storage_total_bytes": np.full(DAY, 8e9),
        "speaker_ma": np.where(on_air, 420.0 * horns + noise(60), 0),
        "supply_mv": 12_600 + 300 * warmth + wander(60) + noise(15),
        "gain_cdb": np.full(DAY, 0.0),
        "muted": np.zeros(DAY),
        "door_open": np.zeros(DAY),
        "tilted": np.zeros(DAY),
        PLAYING: on_air.astype(float),
    }
    counted = _counted(random, on_air, mobile)
    away = _away(random)
    numbers = {name: _kept(values, away) for name, values in {**gauges, **counted}.items()}
    said = {
        "link": np.where(away, NOTHING, 0),
        "speaker": np.where(away, NOTHING, 0),
        "fm": np.where(away, NOTHING, 0),
    }
    vocabularies = {"link": ("mobile" if mobile else "wifi",), "speaker": ("ok",), "fm": ("off",)}
    state = words([OFFLINE if gone else ONLINE for gone in away])
    return Frame(
        DAY,
        {"minute": start + minutes, **numbers},
        {STATE: state, **{name: Words(codes, vocabularies[name]) for name, codes in said.items()}},
    )


def _counted(random: np.random.Generator, on_air: NDArray[np.bool_], mobile: bool) -> dict[str, Noise]:
    """Return what each counter counted in each minute: 3,000 frames of 20 ms while on air, of which some are lost."""
    counted: dict[str, NDArray[Any]] = {name: np.zeros(DAY) for name in COUNTERS}
    frames = np.where(on_air, 3000, 0)
    share = random.beta(0.4, 12, DAY) if mobile else random.beta(0.1, 60, DAY)
    lost = random.binomial(frames, share)
    repaired = random.binomial(lost, 0.93)
    counted["asked"] = lost + random.binomial(lost, 0.3)
    counted["lost"], counted["repaired"] = lost, repaired
    counted["concealed"] = lost - repaired
    counted["late"] = random.binomial(lost - repaired, 0.2)
    counted["received"] = frames - lost + repaired + np.where(on_air, random.integers(-2, 3, DAY), 0)
    counted["played"] = frames - counted["concealed"]
    counted["duplicate"] = random.binomial(counted["asked"].astype(int), 0.05)
    counted["underruns"] = random.binomial(1, 0.002, DAY) * on_air
    return {name: values.astype(np.float64) for name, values in counted.items()}


def _away(random: np.random.Generator) -> NDArray[np.bool_]:
    """Return in which minutes the node is off line: one outage in five days, of half an hour in the mean."""
    away = np.zeros(DAY, bool)
    for _ in range(random.poisson(0.2)):
        first = int(random.integers(0, DAY))
        away[first : first + 1 + int(random.exponential(30))] = True
    return away


def _kept(values: NDArray[Any], away: NDArray[np.bool_]) -> Column:
    null = np.isnan(values) | away
    whole = np.where(null, 0, values).round().astype(np.int64)
    return np.where(null, NOTHING, whole)
