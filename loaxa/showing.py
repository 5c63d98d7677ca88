"""What nodes told of themselves, as lines for people: ``loaxa node list`` and ``loaxa node show``."""

from typing import Any

from loaxa.output import table

_HEADS = ["node", "title", "zone", "state", "link", "speaker", "delay ms", "gain dB", "seen"]


def node_table(answer: dict[str, Any]) -> str:
    """Return what GET /api/nodes answered as a table, strangers last."""
    rows = [
        [
            one["id"],
            one["title"],
            one["zone"],
            one["state"],
            _link(one["health"] or {}),
            _word(one["health"] or {}, "speaker"),
            f"{one['delay_us'] / 1000:g}",
            f"{one['gain_db']:g}",
            one["seen_at"] or "never",
        ]
        for one in answer["nodes"]
    ]
    rows += [[one["id"], "", "", "unknown", "", "", "", "", one["seen_at"]] for one in answer["unknown"]]
    return table(rows, _HEADS)


def node_details(found: dict[str, Any]) -> str:
    """Return a node, as GET /api/nodes/ID has it, line by line; what it did not tell is left out."""
    health = found["health"] or {}
    gauges = health.get("gauges", {})
    status = found["status"] or {}
    speaker = _word(health, "speaker")
    if speaker and gauges.get("speaker_ma") is not None:
        speaker += f", {gauges['speaker_ma']} mA"
    lines = [
        ("node", found["id"]),
        ("title", found["title"]),
        ("zone", found["zone"]),
        ("state", found["state"]),
        ("seen", found["seen_at"] or "never"),
        ("firmware", _printable(" ".join((status.get("firmware", ""), status.get("board", ""))).strip())),
        ("restarted by", _printable(status.get("restart_cause", ""))),
        ("up for", _of(gauges, "uptime_s", lambda seconds: f"{seconds // 3600} h {seconds // 60 % 60} min")),
        ("playing", "yes" if health.get("on_air") is not None else _printable(health.get("silent") or "no")),
        ("link", _link(health)),
        ("speaker", speaker),
        ("supply", _of(gauges, "supply_mv", lambda millivolts: f"{millivolts / 1000:.1f} V")),
        ("temperature", _of(gauges, "temperature_mc", lambda millidegrees: f"{millidegrees / 1000:.0f} °C")),
        ("storage free", _storage(gauges)),
        ("gain", _of(gauges, "gain_cdb", lambda hundredths: f"{hundredths / 100:g} dB")),
        ("muted", _is(gauges, "muted", "yes", "no")),
        ("box", _is(gauges, "door_open", "open", "closed")),
        ("pole", _is(gauges, "tilted", "tilted", "upright")),
        ("FM receiver", _word(health, "fm").replace("_", " ")),
    ]
    if not health:
        lines = [line for line in lines if line[0] != "playing"]
    shown = [(name, text) for name, text in lines if text]
    width = max(len(name) for name, _ in shown)
    return "\n".join(f"{name.ljust(width)}  {text}" for name, text in shown)


def _word(health: dict[str, Any], name: str) -> str:
    return str(health.get("states", {}).get(name) or "")


def _link(health: dict[str, Any]) -> str:
    link = _word(health, "link")
    dbm = health.get("gauges", {}).get(f"{link}_dbm")
    return link if dbm is None else f"{link} {dbm} dBm"


def _of(gauges: dict[str, Any], name: str, text: Any) -> str:
    value = gauges.get(name)
    return "" if value is None else str(text(value))


def _is(gauges: dict[str, Any], name: str, yes: str, no: str = "") -> str:
    value = gauges.get(name)
    return "" if value is None else yes if value else no


def _storage(gauges: dict[str, Any]) -> str:
    free, total = gauges.get("storage_free_bytes"), gauges.get("storage_total_bytes")
    if free is None:
        return ""
    return f"{free / 1e6:.1f} MB" + ("" if not total else f" of {total / 1e6:.1f} MB")


def _printable(text: str) -> str:
    """Return what a board said without what a terminal would obey."""
    return "".join(character if character.isprintable() else "?" for character in text)
