"""What a node tells of itself: presence (``.../status``, retained, also its last will) and health (``.../health``)."""

from . import body
from .errors import WireError

VERSION = 1
ONLINE = "online"
OFFLINE = "offline"

HEALTH_PERIOD_MS = 10000
HEALTH_LEAST_MS = 1000
"""A node that reports ahead of its turn, because something changed, does so once in this time at most."""
MAX_REASON_CHARS = 100
MAX_WORD_CHARS = 16

COUNTERS = (
    "received",
    "played",
    "concealed",
    "late",
    "lost",
    "duplicate",
    "malformed",
    "unexpected",
    "underruns",
    "resyncs",
    "asked",
    "repaired",
    "no_memory",
    "forged",
    "replayed",
    "unsafe",
    "unverified",
)
"""Counters since boot: packets or frames, but `underruns` (DAC ran dry) and `resyncs` (jumps of the play position).
`asked`: frames asked for again, each time counts; `repaired`: those of them that came in time.
`no_memory`: datagrams for which the heap had no room. `forged`: what bore a wrong tag; `replayed`: what was long past;
`unsafe`: what came when its key may have been known already; `unverified`: what could not be kept or checked."""

GAUGES = (
    ("uptime_s", 0, 1 << 40),
    ("offset_uncertainty_us", 0, 1 << 40),
    ("offset_sd_us", 0, 1 << 40),
    ("drift_ppb", -10000000, 10000000),
    ("round_trip_us", 0, 1 << 40),
    ("buffer_us", -(1 << 40), 1 << 40),
    ("tail_us", -(1 << 40), 1 << 40),
    ("skew_us", -(1 << 40), 1 << 40),
    ("leads", 0, 1),
    ("free_heap_bytes", 0, 1 << 40),
    ("wifi_dbm", -200, 50),
    ("mobile_dbm", -200, 50),
    ("temperature_mc", -100000, 200000),
    ("storage_free_bytes", 0, 1 << 50),
    ("storage_total_bytes", 0, 1 << 50),
    ("speaker_ma", 0, 1000000),
    ("supply_mv", 0, 1000000),
    ("gain_cdb", -6000, 1200),
    ("muted", 0, 1),
    ("door_open", 0, 1),
    ("tilted", 0, 1),
)
"""Name, least and greatest value of each integer gauge; null where the node has no way to know. `leads`: 1 where its
village plays by this node's time, 0 where it plays by another's; null where it goes by the controller alone.
`speaker_ma`: effective current into the horns, of the last moment in which it could be judged. `gain_cdb`: gain that is
applied, hundredths of a decibel. `muted`, `door_open`, `tilted`: 1 is yes."""

STATES = (
    ("link", ("wifi", "mobile", "ethernet")),
    ("speaker", ("ok", "open", "short")),
    ("fm", ("off", "carrier", "no_carrier")),
)
"""Name and words of each state; null where the node has no way to know. `link`: by which the controller is reached.
`speaker`: what the current says of the horns; null until something loud enough was played. `fm`: of an old FM
receiver that plays through this node's amplifier."""


def build_status(state: str, firmware: str = "", board: str = "", restart_cause: str = "") -> bytes:
    """Return the bytes of a presence body; `state` is ONLINE or OFFLINE."""
    return body.build(
        {"v": VERSION, "state": state, "firmware": firmware, "board": board, "restart_cause": restart_cause}
    )


def parse_status(raw: bytes) -> dict[str, str]:
    """Return a dict with state, firmware, board and restart_cause; raises WireError."""
    found = body.parse(raw)
    state = body.text(found, "state", 16)
    if state != ONLINE:
        state = OFFLINE
    return {
        "state": state,
        "firmware": body.text(found, "firmware", 64, ""),
        "board": body.text(found, "board", 64, ""),
        "restart_cause": body.text(found, "restart_cause", 64, ""),
    }


def build_health(
    counters: dict[str, int],
    gauges: dict[str, int | None],
    on_air: int | None,
    silent: str | None = None,
    states: dict[str, str | None] | None = None,
) -> bytes:
    """Return the bytes of a health body: dicts by the names above, and the SSRC that is playing or None.

    silent: why nothing plays although something is on air, at most MAX_REASON_CHARS. states: words by the names above.
    """
    return body.build(
        {
            "v": VERSION,
            "counters": counters,
            "gauges": gauges,
            "states": states or {},
            "on_air": on_air,
            "silent": silent,
        }
    )


def parse_health(
    raw: bytes,
) -> tuple[dict[str, int], dict[str, int | None], int | None, str | None, dict[str, str | None]]:
    """Return ``(counters, gauges, on_air, silent, states)``, every name of COUNTERS, GAUGES and STATES present.

    A word that is not known becomes None: a newer node may have it, and the rest of what it tells still counts. Raises
    WireError.
    """
    found = body.parse(raw)
    given_counters = found.get("counters")
    given_gauges = found.get("gauges")
    given_states = found.get("states", {})
    if not isinstance(given_counters, dict) or not isinstance(given_gauges, dict):
        raise WireError("health without counters or gauges")
    if not isinstance(given_states, dict):
        raise WireError("states must be an object")
    counters = {name: body.integer(given_counters, name, 0, 1 << 53, 0) for name in COUNTERS}
    gauges = {}
    for name, low, high in GAUGES:
        gauges[name] = None if given_gauges.get(name) is None else body.integer(given_gauges, name, low, high)
    states = {}
    for name, words in STATES:
        word = None if given_states.get(name) is None else body.text(given_states, name, MAX_WORD_CHARS)
        states[name] = word if word in words else None
    on_air = found.get("on_air")
    if on_air is not None:
        on_air = body.integer(found, "on_air", 0, 0xFFFFFFFF)
    silent = None if found.get("silent") is None else body.text(found, "silent", MAX_REASON_CHARS)
    return counters, gauges, on_air, silent, states
