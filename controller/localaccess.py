"""A file by which the user who runs a controller needs no sign-in at it: he could read its database anyway."""

import json
import os
import ssl
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from controller.settings import LOOPBACK, default_folder
from controller.storage.files import write_atomically

_MAX_BYTES = 64 * 1024


@dataclass(frozen=True)
class Access:
    """Where a controller of this user is, a token for as long as it runs, and its authority in PEM (None: no TLS)."""

    url: str
    token: str
    ca: str | None = None


def run_folder() -> Path:
    """Return where the files lie, one a controller that runs."""
    return default_folder() / "run"


def write(http_port: int, access: Access) -> Path:
    """Write the file of the controller on `http_port` for its own user alone; return it. Raises OSError."""
    folder = run_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    path = folder / f"{http_port}.json"
    content = {"url": access.url, "token": access.token, "ca": access.ca}
    write_atomically(path, json.dumps(content).encode(), durable=False, mode=0o600)
    return path


def remove(path: Path, access: Access) -> None:
    """Remove the file unless another controller has taken its place."""
    if _read(path) == access:
        path.unlink(missing_ok=True)


def find(url: str) -> Access | None:
    """Return how to reach the controller at `url`, if it runs on this machine as this user; else None."""
    parts = urlsplit(url)
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return None
    found = _read(run_folder() / f"{port}.json")
    if found is None:
        return None
    here = urlsplit(found.url)
    same = parts.hostname == here.hostname or {parts.hostname, here.hostname} <= LOOPBACK
    return found if same else None


def _read(path: Path) -> Access | None:
    """Return what a file says; None for one that is missing, damaged, or open to others."""
    try:
        with path.open("rb") as file:
            state = os.fstat(file.fileno())
            if state.st_uid != os.getuid() or state.st_mode & 0o077:
                return None
            found = json.loads(file.read(_MAX_BYTES))
        url, token, ca = found["url"], found["token"], found["ca"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not isinstance(url, str) or not isinstance(token, str) or not (ca is None or isinstance(ca, str)):
        return None
    return Access(url, token, ca)


def context(url: str, ca: str | None = None) -> ssl.SSLContext:
    """Return what verifies the controller at `url`: by the system's authorities, and by `ca` (a file) or that of a
    controller of this user. Raises OSError, ssl.SSLError for a file that is none."""
    made = ssl.create_default_context()
    if ca is not None:
        made.load_verify_locations(cafile=ca)
    found = find(url)
    if ca is None and found and found.ca:
        made.load_verify_locations(cadata=found.ca)
    return made


class LocalAuth(httpx.Auth):
    """Signs each request to the controller at `url`: with `token`, else with that of its present run."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self._url = url
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Add the token; the local one is read anew each time, as a controller that was started again has another."""
        token = self._token
        if token is None:
            found = find(self._url)
            token = found.token if found else None
        if token is not None:
            request.headers["Authorization"] = f"Bearer {token}"
        yield request
