"""What a message says, in the channel's language: one alert in full, many as one line a kind."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from pathlib import Path

from controller.alerts.alert import Alert
from controller.alerts.kinds import OF_CONTROLLER, SEVERITY
from controller.alerts.notify.channel import Message

IN_FULL = 3
"""So many alerts are told one by one, more of them as a digest."""
NAMED = 10
_CATALOGUE = Path(__file__).resolve().parents[2] / "web" / "catalogue"


@lru_cache(maxsize=4)
def texts(language: str) -> dict[str, str]:
    """Return the texts about alerts, those that the pages have, too."""
    found: dict[str, str] = json.loads((_CATALOGUE / language / "alerts.json").read_text(encoding="utf-8"))
    return found


def alerts_message(
    raised: Sequence[Alert], cleared: Sequence[Alert], titles: Mapping[str, str], language: str
) -> Message:
    """Return one message of what is wrong and what is over. titles: those of nodes, by id."""
    words = _Words(language, titles)
    lines = [*words.lines(raised, over=False), *words.lines(cleared, over=True)]
    title = lines[0].splitlines()[0]
    if len(lines) > 1:
        title = words.say("title_many", raised=len(raised), cleared=len(cleared))
    return Message(title, "\n\n".join(lines), tuple(raised), tuple(cleared))


def sample(language: str) -> Message:
    """Return the message by which a channel is tried."""
    words = _Words(language, {})
    return Message(words.say("test_title"), words.say("test_text"), test=True)


class _Words:
    def __init__(self, language: str, titles: Mapping[str, str]) -> None:
        self._texts = texts(language)
        self._titles = titles

    def say(self, name: str, **values: object) -> str:
        """Return a text with what stands in braces replaced; what a node is called is never a pattern."""
        return self._texts[f"alerts.notify.{name}"].format_map(values)

    def lines(self, alerts: Sequence[Alert], over: bool) -> list[str]:
        """Return a paragraph an alert, or a kind where there are many."""
        ordered = sorted(alerts, key=lambda alert: (alert.severity, list(SEVERITY).index(alert.kind), alert.node or ""))
        if len(ordered) <= IN_FULL:
            return [self._one(alert, over) for alert in ordered]
        found = []
        for kind, group in groupby(ordered, key=lambda alert: alert.kind):
            same = list(group)
            found += (
                [self._one(alert, over) for alert in same]
                if len(same) == 1 or kind in OF_CONTROLLER
                else [self._many(kind, same, over)]
            )
        return found

    def _one(self, alert: Alert, over: bool) -> str:
        values = {"what": self._what(alert.kind), "where": self._where(alert), "since": _time(alert.since_wall_us)}
        if over:
            return self.say("cleared", **values, until=_time(alert.cleared_wall_us or alert.since_wall_us))
        line = self.say("raised", **values)
        reason = self._texts.get(f"alerts.reason.{(alert.detail or {}).get('reason')}")
        line += f" ({reason})" if reason else ""
        return f"{line}\n{self.say('todo', todo=self._texts[f'alerts.todo.{alert.kind}'])}"

    def _many(self, kind: str, alerts: list[Alert], over: bool) -> str:
        line = self.say("many_cleared" if over else "many_raised", what=self._what(kind), count=len(alerts))
        names = ", ".join(self._where(alert) for alert in alerts[:NAMED])
        more = len(alerts) - NAMED
        line += "\n" + (self.say("more", names=names, more=more) if more > 0 else self.say("list", names=names))
        return line if over else f"{line}\n{self.say('todo', todo=self._texts[f'alerts.todo.{kind}'])}"

    def _what(self, kind: str) -> str:
        return self._texts[f"alerts.kind.{kind}"]

    def _where(self, alert: Alert) -> str:
        if alert.node is None:
            return self._texts["alerts.controller"]
        title = self._titles.get(alert.node, "")
        return f"{title} ({alert.node})" if title else alert.node


def _time(wall_us: int) -> str:
    """Return a time as people here write it, in this machine's time zone."""
    return datetime.fromtimestamp(wall_us / 1e6).astimezone().strftime("%H:%M %d/%m/%Y")
