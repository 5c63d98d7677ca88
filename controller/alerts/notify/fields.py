"""Reads the fields of a `[[notify]]` table; what is wrong is named."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
MAX_TEXT = 1024
MAX_URL = 2048


def only(table: Mapping[str, Any], *names: str) -> None:
    """Raise ValueError for a key that is not one of `names`."""
    for name in table:
        if name not in names:
            raise ValueError(f"{str(name)[:40]} is not a setting; there are {', '.join(names)}")


def text(table: Mapping[str, Any], name: str, default: str | None = None, most: int = MAX_TEXT) -> str:
    """Return a printable text; without a default it must be there. Raises ValueError."""
    value = table.get(name, default)
    if value is None:
        raise ValueError(f"{name} is missing")
    if not isinstance(value, str) or len(value) > most or not (value == default or value) or not value.isprintable():
        raise ValueError(f"{name} must be a text of at most {most} characters")
    return value


def hidden(table: Mapping[str, Any], name: str) -> tuple[str, Path | None]:
    """Return a secret and the file that it is in instead, ("", None) where there is none. Raises ValueError."""
    value, path = text(table, name, ""), text(table, f"{name}_file", "")
    if value and path:
        raise ValueError(f"{name} and {name}_file are both there; leave one out")
    return value, _path(f"{name}_file", path)


def url(table: Mapping[str, Any], name: str, default: str | None = None, secrets: bool = False) -> str:
    """Return an address of HTTP without a user name; where it will bear secrets, HTTPS or of this machine."""
    value = text(table, name, default, MAX_URL)
    try:
        parts = urlsplit(value)
        port_is_good = parts.port is None or parts.port > 0
    except ValueError:
        raise ValueError(f"{name} must be an address, such as https://example.vn/hook") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_good or parts.fragment:
        raise ValueError(f"{name} must be an address, such as https://example.vn/hook")
    if parts.username is not None or parts.password is not None:
        raise ValueError(f"{name} must be without a user name and password")
    if secrets and parts.scheme != "https" and parts.hostname not in LOOPBACK:
        raise ValueError(f"{name} must begin with https://: the token would be sent in the clear")
    return value


def choice(table: Mapping[str, Any], name: str, choices: tuple[str, ...], default: str) -> str:
    """Return one of `choices`; raises ValueError."""
    value = table.get(name, default)
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}")
    return str(value)


def path(table: Mapping[str, Any], name: str) -> Path | None:
    """Return a path, None where there is none; raises ValueError."""
    return _path(name, text(table, name, ""))


def _path(name: str, value: str) -> Path | None:
    try:
        return Path(value).expanduser() if value else None
    except RuntimeError:
        raise ValueError(f"{name} must be a path; there is no user of the name after ~") from None


def port(table: Mapping[str, Any], name: str, default: int) -> int:
    """Return a port; raises ValueError."""
    value = table.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 65535:
        raise ValueError(f"{name} must be a whole number from 1 to 65535")
    return value


def address(value: Any, name: str) -> str:
    """Return an e-mail address (RFC 5321, without comments and quotes); raises ValueError."""
    if not isinstance(value, str) or len(value) > 254 or not re.fullmatch(r"[^@\s<>,;:\"]{1,64}@[^@\s<>,;:\"]+", value):
        raise ValueError(f"{name} must be an e-mail address, such as truc@example.vn")
    if not value.isascii() or not value.isprintable():
        raise ValueError(f"{name} must be an e-mail address of letters without accents")
    return value
