"""Who is changing something right now, known wherever the change reaches the database."""

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

SYSTEM = "system"


@dataclass
class Change:
    """A request that changes something. recorded: it is in the audit. over: it is answered; what comes later, of tasks
    that it left behind, is the controller's own doing."""

    who: str
    address: str
    action: str
    object: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    recorded: bool = False
    over: bool = False


_CURRENT: ContextVar[Change | None] = ContextVar("loaxa_change", default=None)


def begin(change: Change) -> None:
    """Make this the change of the current task, and of those that it starts."""
    _CURRENT.set(change)


def current() -> Change | None:
    """Return the change under way, or None: the controller acts by itself."""
    found = _CURRENT.get()
    return None if found is None or found.over else found


def by(who: str) -> None:
    """Say who makes the change under way, where that was not known at its beginning."""
    change = current()
    if change:
        change.who = who


def about(thing: str, **details: Any) -> None:
    """Say what the change under way is of, where its request cannot: the record will have it."""
    change = current()
    if change:
        change.object, change.details = thing, details
