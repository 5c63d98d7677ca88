"""`kind = "webhook"`: JSON by HTTP POST, signed where a secret is set."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from controller.alerts.notify import fields
from controller.alerts.notify.channel import Channel, ChannelError, Message, secret, without
from controller.alerts.notify.http import post
from controller.clock import wall_us

SIGNATURE = "Loaxa-Signature"


@dataclass(frozen=True)
class WebhookSettings:
    """url: where to. secret: what bodies are signed with, empty: they are not. ca: its authority, else the system's."""

    url: str
    secret: str = field(default="", repr=False)
    secret_file: Path | None = None
    ca: Path | None = None


def read(table: Mapping[str, Any]) -> WebhookSettings:
    """Return the settings; raises ValueError that names the key."""
    fields.only(table, "url", "secret", "secret_file", "ca")
    return WebhookSettings(fields.url(table, "url"), *fields.hidden(table, "secret"), fields.path(table, "ca"))


def open_channel(settings: WebhookSettings) -> Channel:
    """Return a channel; raises OSError where the secret's file cannot be read."""
    return Webhook(settings, secret(settings.secret, settings.secret_file))


class Webhook:
    """Sends ``{"event", "title", "text", "raised", "cleared"}``; event is "alerts" or "test".

    `Loaxa-Signature: t=SECONDS,v1=HEX` is the HMAC-SHA-256 under the secret of ``SECONDS.BODY``: who checks it also
    checks that the time is not long past, so that nobody sends an old one again.
    """

    def __init__(self, settings: WebhookSettings, key: str) -> None:
        self._settings = settings
        self._key = key

    async def send(self, message: Message) -> None:
        """Return when it was answered with 2xx; raises ChannelError."""
        content = {
            "event": "test" if message.test else "alerts",
            "title": message.title,
            "text": message.text,
            "raised": [alert.public() for alert in message.raised],
            "cleared": [alert.public() for alert in message.cleared],
        }
        body = json.dumps(content, ensure_ascii=False).encode()
        headers = {SIGNATURE: signature(self._key, wall_us() // 1_000_000, body)} if self._key else {}
        status, answer = await post(self._settings.url, body, headers, self._settings.ca)
        if not 200 <= status < 300:
            words = without(answer.decode("utf-8", "replace"), self._key)[:100]
            raise ChannelError(f"The webhook refused it: HTTP {status} {words}".strip(), "See its own log.")


def signature(key: str, at_s: int, body: bytes) -> str:
    """Return the value of the header `Loaxa-Signature`; at_s: wall seconds."""
    code = hmac.new(key.encode(), f"{at_s}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at_s},v1={code}"
