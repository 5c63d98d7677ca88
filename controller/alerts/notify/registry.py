"""The kinds of channels, and `[[notify]]` of the settings. A new kind is one module and a line here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from codec.wire.errors import WireError
from codec.wire.names import check_name
from controller.alerts.alert import Alert
from controller.alerts.kinds import FAULT, SEVERITIES, SEVERITY, WARNING
from controller.alerts.notify import email, fields, telegram, webhook
from controller.alerts.notify.channel import Channel, Kind

KINDS: dict[str, Kind] = {"webhook": webhook, "email": email, "telegram": telegram}
LANGUAGES = ("vi", "en")
MAX_CHANNELS = 20
_COMMON = ("name", "kind", "language", "min_severity", "kinds")


@dataclass(frozen=True)
class ChannelSettings:
    """One `[[notify]]`. own: the settings of its kind. alerts: kinds that it tells of; empty: all.

    min_severity: "fault" for faults alone, "warning" for all.
    """

    name: str
    kind: str
    own: Any
    language: str = "vi"
    min_severity: str = WARNING
    alerts: frozenset[str] = frozenset()

    def wants(self, alert: Alert) -> bool:
        """Return whether it tells of this alert. That it fails itself it cannot tell."""
        if alert.kind == "notify_failing" and self.name in (alert.detail or {}).get("channels", {}):
            return False
        severe = alert.severity == FAULT or self.min_severity == WARNING
        return severe and (not self.alerts or alert.kind in self.alerts)

    def open(self) -> Channel:
        """Return what sends; raises OSError where a file of its settings cannot be read."""
        return KINDS[self.kind].open_channel(self.own)


def read_channels(tables: Any) -> tuple[ChannelSettings, ...]:
    """Return all channels; raises ValueError that names the channel and the key."""
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ValueError("must be written as [[notify]], once for each channel")
    if len(tables) > MAX_CHANNELS:
        raise ValueError(f"is there more than {MAX_CHANNELS} times")
    channels: dict[str, ChannelSettings] = {}
    for table in tables:
        kind = fields.choice(table, "kind", tuple(KINDS), "")
        name = fields.text(table, "name", kind, 32)
        try:
            check_name(name)
        except WireError:
            raise ValueError("name must be 1 to 32 characters of a-z, 0-9 and '-'") from None
        if name in channels:
            raise ValueError(f"{name} is there twice; give each a name of its own")
        try:
            channels[name] = _channel(name, kind, table)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    return tuple(channels.values())


def _channel(name: str, kind: str, table: Mapping[str, Any]) -> ChannelSettings:
    alerts = table.get("kinds", [])
    if not isinstance(alerts, list) or not all(isinstance(each, str) and each in SEVERITY for each in alerts):
        raise ValueError(f"kinds must be a list of {', '.join(SEVERITY)}")
    own = KINDS[kind].read({key: value for key, value in table.items() if key not in _COMMON})
    return ChannelSettings(
        name,
        kind,
        own,
        fields.choice(table, "language", LANGUAGES, "vi"),
        fields.choice(table, "min_severity", SEVERITIES, WARNING),
        frozenset(alerts),
    )
