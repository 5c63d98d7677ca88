"""What a way of telling people is: settings that are checked, and something that sends one message.

A new kind is one module with `read`, which makes its settings from the table of `[[notify]]`, and `open_channel`; and
a line in `registry`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from controller.alerts.alert import Alert

SEND_S = 20.0
"""How long sending one message may take in all."""
MAX_WORDS = 300


class ChannelError(Exception):
    """A message was not sent: in words, without a secret. retry_s: how long the other side wants us to wait."""

    def __init__(self, words: str, hint: str, retry_s: float = 0.0) -> None:
        super().__init__(words)
        self.words = words[:MAX_WORDS]
        self.hint = hint
        self.retry_s = retry_s


@dataclass(frozen=True)
class Message:
    """One message. title: a line. text: all of it, in the channel's language. raised, cleared: what it is about."""

    title: str
    text: str
    raised: tuple[Alert, ...] = ()
    cleared: tuple[Alert, ...] = ()
    test: bool = False


class Channel(Protocol):
    """Sends messages."""

    async def send(self, message: Message) -> None:
        """Return when the other side has taken it; raises ChannelError."""


class Kind(Protocol):
    """A module of this package that is a kind of channel."""

    def read(self, table: Mapping[str, Any]) -> Any:
        """Return the kind's own settings; raises ValueError that names the key."""

    def open_channel(self, settings: Any) -> Channel:
        """Return a channel; raises OSError where a file of its settings cannot be read."""


def secret(value: str, path: Path | None) -> str:
    """Return a secret that is in the settings, or in a file of its own; raises OSError."""
    return value if path is None else path.read_text(encoding="utf-8").strip()


def without(words: str, *secrets: str) -> str:
    """Return words, of the other side perhaps, without secrets and without control characters."""
    for each in secrets:
        if each:
            words = words.replace(each, "…")
    return "".join(letter if letter.isprintable() else " " for letter in words)[:MAX_WORDS]
