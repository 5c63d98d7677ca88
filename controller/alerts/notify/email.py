"""`kind = "email"`: SMTP (RFC 5321) with TLS from the start or by STARTTLS, by the standard library in a thread.

A message goes out seldom, and waits for a thread cheaply; a library for asyncio would be one more to trust with a
password.
"""

import asyncio
import contextlib
import logging
import smtplib
import socket
import ssl
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import Any

from controller.alerts.notify import fields
from controller.alerts.notify.channel import SEND_S, Channel, ChannelError, Message, secret, without

log = logging.getLogger(__name__)

STEP_S = 10.0
MAX_RECIPIENTS = 20
PORTS = {"starttls": 587, "tls": 465, "off": 25}


@dataclass(frozen=True)
class EmailSettings:
    """host, port: the server. tls: "starttls", "tls", or "off" on this machine alone. ca: its authority, else those of
    the system. user, password: its account, both empty without one. sender, recipients: addresses."""

    host: str
    port: int
    tls: str
    sender: str
    recipients: tuple[str, ...]
    user: str = ""
    password: str = field(default="", repr=False)
    password_file: Path | None = None
    ca: Path | None = None


def read(table: Mapping[str, Any]) -> EmailSettings:
    """Return the settings; raises ValueError that names the key."""
    fields.only(table, "host", "port", "tls", "ca", "user", "password", "password_file", "from", "to")
    host = fields.text(table, "host", most=253)
    tls = fields.choice(table, "tls", tuple(PORTS), "starttls")
    if tls == "off" and host not in fields.LOOPBACK:
        raise ValueError('tls = "off" is for a server on this machine; else mail and password go in the clear')
    user = fields.text(table, "user", "")
    password, password_file = fields.hidden(table, "password")
    if bool(user) != bool(password or password_file):
        raise ValueError("user and password (or password_file) belong together")
    to = table.get("to")
    if not isinstance(to, list) or not 1 <= len(to) <= MAX_RECIPIENTS:
        raise ValueError(f'to must be a list of 1 to {MAX_RECIPIENTS} addresses, such as ["truc@example.vn"]')
    return EmailSettings(
        host,
        fields.port(table, "port", PORTS[tls]),
        tls,
        fields.address(table.get("from"), "from"),
        tuple(fields.address(each, "to") for each in to),
        user,
        password,
        password_file,
        fields.path(table, "ca"),
    )


def open_channel(settings: EmailSettings) -> Channel:
    """Return a channel; raises OSError where the password's file cannot be read."""
    return Email(settings, secret(settings.password, settings.password_file))


class Email:
    """Sends one message to all recipients. Some refused: the others have it, and it counts as sent."""

    def __init__(self, settings: EmailSettings, password: str) -> None:
        self._settings = settings
        self._password = password

    async def send(self, message: Message) -> None:
        """Return when the server has taken it; raises ChannelError."""
        call = _Call(self._settings, self._password, self._written(message))
        try:
            async with asyncio.timeout(SEND_S):
                await asyncio.to_thread(call.run)
        except TimeoutError:
            call.give_up()
            raise ChannelError(
                f"{self._settings.host} does not answer within {SEND_S:.0f} s.", "Check host, port and tls."
            ) from None

    def _written(self, message: Message) -> EmailMessage:
        found = EmailMessage()
        found["Subject"] = without(message.title)[:200]  # a node's title must not begin another header
        found["From"] = Address("Loa Xã", addr_spec=self._settings.sender)
        found["To"] = ", ".join(self._settings.recipients)
        found["Date"] = formatdate()
        found["Message-ID"] = make_msgid(domain=self._settings.sender.partition("@")[2])
        found["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday answers
        found.set_content(message.text, charset="utf-8")
        return found


class _Call:
    """One conversation with the server, in a thread; `give_up` ends it from another."""

    def __init__(self, settings: EmailSettings, password: str, message: EmailMessage) -> None:
        self._settings = settings
        self._password = password
        self._message = message
        self._client: smtplib.SMTP | None = None

    def run(self) -> None:
        """Send it; raises ChannelError."""
        settings = self._settings
        try:
            with self._connect() as client:
                self._client = client
                if settings.user:
                    self._sign_in(client)
                refused = client.send_message(self._message, settings.sender, list(settings.recipients))
                for recipient, (code, words) in refused.items():
                    log.warning("%s does not take mail for %s: %d %s", settings.host, recipient, code, _said(words))
        except smtplib.SMTPNotSupportedError as error:
            raise self._error(
                f"{settings.host} does not offer what is needed: {error}", "Check tls and port."
            ) from None
        except smtplib.SMTPAuthenticationError as error:
            raise self._error(
                f"{settings.host} refuses the account: {_said(error.smtp_error)}", "Check user and password."
            ) from None
        except smtplib.SMTPResponseException as error:
            raise self._error(
                f"{settings.host} refuses it: {error.smtp_code} {_said(error.smtp_error)}", "See the server's log."
            ) from None
        except smtplib.SMTPRecipientsRefused as error:
            first = next(iter(error.recipients.values()), (0, b""))
            raise self._error(f"{settings.host} takes none of the recipients: {_said(first[1])}", "Check to.") from None
        except ssl.SSLCertVerificationError as error:
            raise self._error(f"{settings.host} is not trusted: {error.verify_message}", "Check host and ca.") from None
        except (smtplib.SMTPException, ssl.SSLError) as error:
            raise self._error(f"{settings.host} does not speak as it should: {error}", "Check port and tls.") from None
        except OSError as error:
            raise self._error(
                f"{settings.host} is not reached: {error.strerror or error}", "Check host and port."
            ) from None

    def give_up(self) -> None:
        """Have `run` end at once."""
        raw = getattr(self._client, "sock", None)
        if raw is not None:
            with contextlib.suppress(OSError):
                raw.shutdown(socket.SHUT_RDWR)

    def _connect(self) -> smtplib.SMTP:
        settings = self._settings
        context = ssl.create_default_context(cafile=settings.ca)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # A name of our own: smtplib would ask the DNS for it.
        if settings.tls == "tls":
            return smtplib.SMTP_SSL(settings.host, settings.port, "loaxa", timeout=STEP_S, context=context)
        client = smtplib.SMTP(settings.host, settings.port, "loaxa", timeout=STEP_S)
        self._client = client
        try:
            if settings.tls == "starttls":
                client.starttls(context=context)  # raises where it is not offered: nothing is said in the clear
        except BaseException:
            client.close()
            raise
        return client

    def _sign_in(self, client: smtplib.SMTP) -> None:
        user, password = self._settings.user, self._password
        if (user + password).isascii():
            client.login(user, password)
            return
        # The library knows ASCII alone; RFC 4616 has UTF-8.
        client.ehlo_or_helo_if_needed()
        if "PLAIN" not in client.esmtp_features.get("auth", "").upper().split():
            raise smtplib.SMTPNotSupportedError("an account with accents in its name or password (AUTH PLAIN)")
        code, answer = client.docmd("AUTH", "PLAIN " + b64encode(f"\0{user}\0{password}".encode()).decode())
        if code not in (235, 503):
            raise smtplib.SMTPAuthenticationError(code, answer)

    def _error(self, words: str, hint: str) -> ChannelError:
        return ChannelError(without(words, self._password), hint)


def _said(words: bytes | str) -> str:
    return words.decode("utf-8", "replace") if isinstance(words, bytes) else words
