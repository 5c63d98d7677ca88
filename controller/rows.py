"""A node as one row of the overview. No I/O: from what is stored, what it told last, and what is on air."""

from typing import Any

from controller.link.presence import ONLINE
from controller.storage.tables import Node

COLUMNS = (
    *("id", "title", "zone", "state", "since_ms", "alert", "on_air", "muted", "gain_db", "playing"),
    *("x_m", "y_m", "lat", "lon", "board", "rtp", "enrolled", "retired"),
    *("link", "signal_dbm", "temperature_c", "speaker"),
)
"""since_ms: since when in that state, milliseconds since 1970, null where nobody knows. alert: the kind of its worst
alert, or null. on_air: something is on air in its zone; playing: the node said last that it plays just that. rtp: a
plain RTP receiver. enrolled: when a board got its key, milliseconds since 1970, or null. link: "wifi", "mobile",
"ethernet" or null; signal_dbm: of that link. speaker: "ok", "open", "short" or null."""
EVENT_COLUMNS = ("id", "state", "since_ms", "alert", "on_air", "muted", "gain_db", "playing")
"""What an event tells of a changed row."""
_EVENT = tuple(COLUMNS.index(name) for name in EVENT_COLUMNS)
_LIVE = frozenset({*EVENT_COLUMNS[1:], *COLUMNS[-4:]})
_STORED = tuple(at for at, name in enumerate(COLUMNS) if name not in _LIVE)

Row = tuple[Any, ...]


def row_of(
    node: Node, state: str, since_ms: int | None, health: dict[str, Any] | None, alert: str | None, ssrc: int | None
) -> Row:
    """Return the row of a node, a value for each of COLUMNS. ssrc: of the stream of its zone, None in silence."""
    retired = node.retired_wall_us is not None
    said = health or {}
    gauges = said.get("gauges") or {}
    states = said.get("states") or {}
    temperature_mc = gauges.get("temperature_mc")
    return (
        node.id,
        node.title,
        node.zone,
        "retired" if retired else state,
        since_ms,
        alert,
        ssrc is not None and not retired,
        node.muted,
        node.gain_db,
        ssrc is not None and state == ONLINE and said.get("on_air") == ssrc,
        node.x_m,
        node.y_m,
        node.lat,
        node.lon,
        node.board,
        node.rtp_address is not None,
        None if node.enrolled_wall_us is None else node.enrolled_wall_us // 1000,
        retired,
        states.get("link"),
        _signal_dbm(gauges, states.get("link")),
        None if temperature_mc is None else round(temperature_mc / 1000),
        states.get("speaker"),
    )


def event_of(row: Row) -> list[Any]:
    """Return what an event tells of a row, a value for each of EVENT_COLUMNS."""
    return [row[at] for at in _EVENT]


def stored_of(row: Row) -> list[Any]:
    """Return what of a row is neither in an event nor told by the node: who watches must read it anew."""
    return [row[at] for at in _STORED]


def _signal_dbm(gauges: dict[str, Any], link: str | None) -> int | None:
    """Return the level of the link in use; of the only radio there is where the node does not say which it uses."""
    if link == "ethernet":
        return None
    for name in (f"{link}_dbm", "mobile_dbm", "wifi_dbm"):
        value = gauges.get(name)
        if isinstance(value, int):
            return value
    return None
