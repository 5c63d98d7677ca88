"""Tokens of remote controllers, kept by ``loaxa login`` in ~/.config/loaxa/credentials.json for this user alone."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from controller.storage.files import write_atomically
from loaxa.errors import CommandError


@dataclass(frozen=True)
class Kept:
    """A token and its number."""

    id: str
    token: str


def path() -> Path:
    """Return the file: in $XDG_CONFIG_HOME or ~/.config."""
    home = os.environ.get("XDG_CONFIG_HOME", "")
    return (Path(home) if home else Path.home() / ".config") / "loaxa" / "credentials.json"


def find(url: str) -> Kept | None:
    """Return what is kept of the controller at `url`; None when there is nothing that can be read."""
    entry = _read().get(url)
    try:
        return Kept(str(entry["id"]), str(entry["token"])) if entry else None
    except (KeyError, TypeError):
        return None


def keep(url: str, kept: Kept) -> Path:
    """Keep a token; return the file. Raises CommandError."""
    return _write({**_read(), url: asdict(kept)})


def forget(url: str) -> None:
    """Forget the token of a controller; raises CommandError."""
    _write({known: entry for known, entry in _read().items() if known != url})


def _read() -> dict[str, Any]:
    try:
        found = json.loads(path().read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(content: dict[str, Any]) -> Path:
    file = path()
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(file, json.dumps(content, indent=1).encode(), mode=0o600)
    except OSError as error:
        raise CommandError(f"{file} cannot be written: {error.strerror}.") from None
    return file
