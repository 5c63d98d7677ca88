"""What a running source tells: events, and how they are read from a child that may have been taken over."""

import json
from dataclasses import dataclass
from typing import Any

MAX_LINE_BYTES = 65536
"""Caps what a broken child can make the controller hold."""
MAX_TEXT_CHARS = 500


@dataclass(frozen=True, slots=True)
class Started:
    """The source is open: samples are in the pipe, or follow as they arrive."""


@dataclass(frozen=True, slots=True)
class Position:
    """Once a second. position_us: place in the source up to which samples were written.

    dropped_us: sound of a live source lost so far because nobody read the pipe.
    detail: counters that the kind of source keeps.
    """

    position_us: int
    dropped_us: int
    detail: dict[str, int]


@dataclass(frozen=True, slots=True)
class Reconnecting:
    """The source is away and tried again by itself; the pipe is silent meanwhile."""

    reason: str


@dataclass(frozen=True, slots=True)
class Answered:
    """A microphone's offer was taken: the answer to it (SDP)."""

    sdp: str


@dataclass(frozen=True, slots=True)
class Line:
    """The line to a microphone: whether something comes by it."""

    up: bool


@dataclass(frozen=True, slots=True)
class Ended:
    """The source came to its end, or nobody reads its pipe any more."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """The source was stopped by the controller."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The source cannot go on. code and text as in IngestError."""

    code: str
    text: str


Event = Started | Position | Reconnecting | Answered | Line | Ended | Stopped | Failed
Final = Ended | Stopped | Failed


def parse_line(line: bytes) -> dict[str, Any] | None:
    """Return the message in one line of a child, or None for anything that is not one."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(message, dict) or not isinstance(message.get("event"), str):
        return None
    return message


def to_event(message: dict[str, Any]) -> Event | None:
    """Return the event that a child's message stands for; None for one that is none or is malformed."""
    match message["event"]:
        case "started":
            return Started()
        case "beat":
            detail = message.get("detail")
            counters = detail.items() if isinstance(detail, dict) else ()
            return Position(
                _count(message, "position_us"),
                _count(message, "dropped_us"),
                {key[:40]: value for key, value in counters if isinstance(value, int)},
            )
        case "reconnecting":
            return Reconnecting(_text(message, "reason"))
        case "answer":
            return Answered(str(message.get("sdp", "")))
        case "line":
            return Line(message.get("up") is True)
        case "ended":
            return Ended()
        case "failed":
            return Failed(_text(message, "code"), _text(message, "text"))
    return None


def _count(message: dict[str, Any], key: str) -> int:
    value = message.get(key)
    return value if isinstance(value, int) and 0 <= value < 1 << 53 else 0


def _text(message: dict[str, Any], key: str) -> str:
    return str(message.get(key, ""))[:MAX_TEXT_CHARS]
