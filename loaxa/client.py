"""The REST interface of a running controller, as the command line uses it."""

import os
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from controller import localaccess
from controller.localaccess import LocalAuth
from loaxa import credentials
from loaxa.errors import CommandError

DEFAULT_URL = "https://127.0.0.1:8080"
ANSWER_S = 30.0
UPLOAD_S = 600.0


class Controller:
    """A controller at `url`. Every method raises CommandError with the controller's own words."""

    def __init__(self, url: str, ca: str | None = None) -> None:
        """ca: PEM file of the authority that its certificate is from; else $LOAXA_CA, else what this user's own
        controller says, else the system's authorities."""
        if not url.startswith(("http://", "https://")):
            raise CommandError(f"--controller {url} is not a URL; write for example {DEFAULT_URL}.")
        self.url = url.rstrip("/")
        verify = verified(self.url, ca)
        self._client = httpx.Client(
            base_url=self.url + "/api",
            timeout=ANSWER_S,
            trust_env=False,
            auth=LocalAuth(self.url, _token(self.url)),
            verify=verify,
        )

    def __enter__(self) -> "Controller":
        return self

    def __exit__(self, *_details: object) -> None:
        self._client.close()

    def get(self, path: str) -> Any:
        """Return the answer to GET."""
        return self._call("GET", path)

    def post(self, path: str, body: Any = None) -> Any:
        """Return the answer to POST."""
        return self._call("POST", path, json=body)

    def patch(self, path: str, body: Any) -> Any:
        """Return the answer to PATCH."""
        return self._call("PATCH", path, json=body)

    def put(self, path: str, body: Any) -> Any:
        """Return the answer to PUT."""
        return self._call("PUT", path, json=body)

    def delete(self, path: str) -> Any:
        """Return the answer to DELETE."""
        return self._call("DELETE", path)

    def upload(self, path: Path) -> str:
        """Store a sound file and return its id."""
        try:
            with path.open("rb") as file:
                answer = self._call(
                    "POST",
                    "/sounds",
                    content=_chunks(file),
                    params={"title": path.name[:200]},
                    headers={"Content-Type": "application/octet-stream"},
                    timeout=UPLOAD_S,
                )
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}.") from None
        return str(answer["id"])

    def push(self, session_id: str, chunks: Iterator[bytes]) -> Any:
        """Send raw s16 samples into a session; returns when the last one was taken."""
        timeout = httpx.Timeout(ANSWER_S, write=None, read=None)
        return self._call("PUT", f"/sessions/{segment(session_id)}/input", content=chunks, timeout=timeout)

    def events(self) -> Iterator[str]:
        """Yield the kind of each change as it happens, "hello" first."""
        try:
            with self._client.stream("GET", "/events", timeout=httpx.Timeout(ANSWER_S, read=60)) as response:
                for line in response.iter_lines():
                    if line.startswith("event: "):
                        yield line.removeprefix("event: ")
        except httpx.HTTPError as error:
            raise self._lost(error) from None

    def download(self, path: str) -> Iterator[bytes]:
        """Yield a long answer as it comes."""
        try:
            with self._client.stream("GET", path) as response:
                if not response.is_success:
                    raise CommandError(f"{self.url} answered {response.status_code} to {path}; sign in: loaxa login")
                yield from response.iter_bytes()
        except httpx.HTTPError as error:
            raise self._lost(error) from None

    def _call(self, method: str, path: str, **options: Any) -> Any:
        try:
            response = self._client.request(method, path, **options)
        except httpx.HTTPError as error:
            raise self._lost(error) from None
        try:
            if response.is_success:
                return response.json() if response.content else None
            error_body = response.json()["error"]
            text = f"{error_body['message']} {_hint(error_body['hint'])}".strip()
        except (ValueError, KeyError, TypeError):
            text = f"{self.url} answered {response.status_code}; is it a Loa Xã controller?"
        raise CommandError(text)

    def _lost(self, error: httpx.HTTPError) -> CommandError:
        if isinstance(error, httpx.ConnectError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
            return CommandError(
                f"The controller at {self.url} has a certificate of an authority that is not known here. Get ca.pem"
                " from its folder pki and give it with --ca FILE or LOAXA_CA."
            )
        if isinstance(error, httpx.ConnectError):
            return CommandError(f"No controller answers at {self.url}. Start one with: loaxa serve")
        return CommandError(
            f"The connection to the controller at {self.url} was lost ({error or type(error).__name__})."
        )


def _hint(hint: str) -> str:
    """Return the controller's hint as the command line says it; what only a program could do is left out."""
    for resource in ("zone", "area", "node", "session", "user", "token"):
        hint = hint.replace(f"GET /api/{resource}s lists", f"loaxa {resource} list shows")
    return "" if "/api/" in hint else hint


def segment(name: str) -> str:
    """Return `name` as one segment of a path: whatever is in it, it names nothing else. Raises CommandError."""
    if name in ("", ".", ".."):
        raise CommandError(f"'{name}' is no name.")
    return quote(name, safe="")


def verified(url: str, ca: str | None) -> ssl.SSLContext:
    """Return what the controller's certificate is verified by; raises CommandError for a file that is none."""
    ca = ca or os.environ.get("LOAXA_CA") or None
    try:
        return localaccess.context(url, ca)
    except OSError as error:  # ssl.SSLError is one
        raise CommandError(f"{ca} is no certificate: {error.strerror or error}. Check --ca or LOAXA_CA.") from None


def _token(url: str) -> str | None:
    """Return the token to use at the controller at `url`: $LOAXA_TOKEN, else that of ``loaxa login``, else None."""
    kept = credentials.find(url)
    return os.environ.get("LOAXA_TOKEN") or (kept.token if kept else None)


def default_url() -> str:
    """Return $LOAXA_CONTROLLER, or the address of a controller on this computer."""
    found = localaccess.find(DEFAULT_URL)
    return os.environ.get("LOAXA_CONTROLLER") or (found.url if found else DEFAULT_URL)


def _chunks(file: Any) -> Iterator[bytes]:
    while chunk := file.read(256 * 1024):
        yield chunk
