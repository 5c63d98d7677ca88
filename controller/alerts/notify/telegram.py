"""`kind = "telegram"`: the bot interface of Telegram, or of a server that speaks the same."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from controller.alerts.notify import fields
from controller.alerts.notify.channel import Channel, ChannelError, Message, secret, without
from controller.alerts.notify.http import post

BASE = "https://api.telegram.org"
MAX_CHARS = 4096
"""UTF-16 units of one message, by the interface's description; ours are of the basic plane but for a few letters."""
MAX_RETRY_S = 3600


@dataclass(frozen=True)
class TelegramSettings:
    """token: the bot's. chat: a number, or @name of a channel. base: where the interface is."""

    chat: str
    base: str
    token: str = field(default="", repr=False)
    token_file: Path | None = None
    ca: Path | None = None


def read(table: Mapping[str, Any]) -> TelegramSettings:
    """Return the settings; raises ValueError that names the key."""
    fields.only(table, "token", "token_file", "chat", "base", "ca")
    token, token_file = fields.hidden(table, "token")
    if not token and token_file is None:
        raise ValueError("token or token_file is missing")
    if token and not all(letter.isalnum() or letter in ":_-" for letter in token):
        raise ValueError("token must be as the BotFather gave it: letters, digits, ':', '_' and '-'")
    chat = table.get("chat")
    if isinstance(chat, int) and not isinstance(chat, bool):
        chat = str(chat)
    if not isinstance(chat, str) or not 0 < len(chat) <= 64 or not chat.isprintable():
        raise ValueError("chat must be the chat's number, or the @name of a channel")
    base = fields.url(table, "base", BASE, secrets=True).rstrip("/")
    return TelegramSettings(chat, base, token, token_file, fields.path(table, "ca"))


def open_channel(settings: TelegramSettings) -> Channel:
    """Return a channel; raises OSError where the token's file cannot be read."""
    return Telegram(settings, secret(settings.token, settings.token_file))


class Telegram:
    """Sends plain text: a node's title is never taken for markup."""

    def __init__(self, settings: TelegramSettings, token: str) -> None:
        self._settings = settings
        self._token = token

    async def send(self, message: Message) -> None:
        """Return when the server has taken it; raises ChannelError."""
        text = message.text if len(message.text) <= MAX_CHARS - 96 else message.text[: MAX_CHARS - 96] + "…"
        body = json.dumps({"chat_id": self._settings.chat, "text": text, "disable_web_page_preview": True}).encode()
        url = f"{self._settings.base}/bot{self._token}/sendMessage"
        status, raw = await post(url, body, {}, self._settings.ca)
        answer = _answer(raw)
        if status == 200 and answer.get("ok") is True:
            return
        words = without(str(answer.get("description", "")), self._token)[:200]
        hint = {
            401: "The token is wrong: ask the BotFather for it.",
            403: "The chat must write to the bot first, or let it in.",
            404: "The token is wrong: ask the BotFather for it.",
            400: "Check chat: the number of the chat, which the bot must be in.",
        }.get(status, "It is tried again.")
        raise ChannelError(f"Telegram refused it: HTTP {status} {words}".strip(), hint, _retry_s(answer))


def _answer(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _retry_s(answer: dict[str, Any]) -> float:
    parameters = answer.get("parameters")
    value = parameters.get("retry_after") if isinstance(parameters, dict) else 0
    return float(min(max(value, 0), MAX_RETRY_S)) if isinstance(value, int) else 0.0
