"""What a value of the configuration file must be. Each returns it, or raises ValueError that says what it must be."""

import ipaddress
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any


def port(value: Any) -> int:
    """Return a UDP or TCP port."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 65535:
        raise ValueError("a whole number from 0 to 65535; 0 picks a free one")
    return value


def web(value: Any) -> tuple[str, int]:
    """Return host and port of a reverse proxy."""
    host, colon, port = value.rpartition(":") if isinstance(value, str) else ("", "", "")
    named = re.fullmatch(r"[A-Za-z0-9.-]{1,100}", host) is not None  # what an enrolment line takes
    if not (named and colon and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError('host and port of the reverse proxy, such as "loa.example.vn:443"')
    return host, int(port)


def host(value: Any) -> str:
    """Return a host name or an address."""
    if not isinstance(value, str) or not 0 < len(value) <= 253 or any(c.isspace() for c in value):
        raise ValueError("a host name or an address, such as 127.0.0.1 or 0.0.0.0")
    return value


def interface(value: Any) -> str:
    """Return the address of one of this machine's interfaces."""
    try:
        address = ipaddress.IPv4Address(value if isinstance(value, str) else "")
    except ValueError:
        address = ipaddress.IPv4Address(0)
    if address.is_unspecified or address.is_multicast or address.is_reserved:
        raise ValueError("the IPv4 address of an interface of this machine, such as 192.0.2.10")
    return str(address)


def tiles(value: Any) -> str:
    """Return the address of maps' tiles, or empty."""
    if value == "":
        return ""
    named = re.fullmatch(r"(https?://[A-Za-z0-9.:-]{1,200})?/[!-~]{1,500}", value if isinstance(value, str) else "")
    if named is None or not all(part in value for part in ("{z}", "{x}", "{y}")):
        raise ValueError('an address with {z}, {x} and {y}, such as "/tiles/{z}/{x}/{y}.png", or "" for none')
    return str(value)


def air(value: Any) -> str:
    """Return the address of a simulated village's air, or empty."""
    if (
        not isinstance(value, str)
        or re.fullmatch(r"wss?://[A-Za-z0-9.-]{1,100}(:[0-9]{1,5})?/[a-z]{0,20}", value) is None
    ):
        raise ValueError('the address of a simulated village, such as "ws://127.0.0.1:8090/air"')
    return value


def path(value: Any) -> Path:
    """Return a path, ~ made the home."""
    if not isinstance(value, str) or not value or "\0" in value:
        raise ValueError("a path")
    try:
        return Path(value).expanduser()
    except RuntimeError:
        raise ValueError("a path; there is no user of the name after ~") from None


def text(value: Any) -> str:
    """Return a text."""
    if not isinstance(value, str) or not 0 < len(value) <= 1024 or "\0" in value:
        raise ValueError("a text")
    return value


def tls(value: Any) -> str:
    """Return how the web interface is served."""
    if value not in ("own", "off", "files"):
        raise ValueError('"own", "off" or "files"')
    return str(value)


def addresses(value: Any) -> tuple[str, ...]:
    """Return a list of addresses."""
    try:
        if not isinstance(value, list) or len(value) > 100:
            raise ValueError(value)
        return tuple(str(ipaddress.ip_address(each)) for each in value)
    except ValueError:
        raise ValueError('a list of addresses, such as ["127.0.0.1"]') from None


def database_url(value: Any) -> str:
    """Return the URL of a database."""
    if not isinstance(value, str) or not value.startswith(("sqlite+aiosqlite://", "postgresql+asyncpg://")):
        raise ValueError("a URL that starts with sqlite+aiosqlite:// or postgresql+asyncpg://")
    return value


def number(low: float, high: float) -> Callable[[Any], float]:
    """Return a check for a number from `low` to `high`."""

    def check(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise ValueError(f"a number from {low:g} to {high:g}")
        return float(value)

    return check


def megabytes(most: int) -> Callable[[Any], int]:
    """Return a check for 1 to `most` megabytes, which gives bytes."""

    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
            raise ValueError(f"a whole number from 1 to {most}, in megabytes")
        return value * 1024 * 1024

    return check


def whole(low: int, high: int, times: int = 1) -> Callable[[Any], int]:
    """Return a check for a whole number from `low` to `high`, which gives so many times it."""

    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return value * times

    return check


def flag(value: Any) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def frame(value: Any) -> int:
    """Return the length of a frame, microseconds."""
    if isinstance(value, bool) or value not in (10, 20):
        raise ValueError("10 or 20")
    return int(value) * 1000
