"""A person with a browser: the real Chromium of this machine, which trusts one controller; what goes wrong in it."""

import base64
import hashlib
import shutil
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from controller.web.page import catalogue

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response, WebError

FLAGS = (
    "--no-sandbox",  # what runs as root can have none
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",  # nothing leaves this machine
    "--autoplay-policy=no-user-gesture-required",  # a made-up press is none
)
DEVICES: dict[str, dict[str, Any]] = {
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
    "small": {"viewport": {"width": 360, "height": 640}, "is_mobile": True, "has_touch": True},
    "desktop": {"viewport": {"width": 1440, "height": 900}},
    "wall": {"viewport": {"width": 1920, "height": 1080}},
}
_LOCALES = {"vi": "vi-VN", "en": "en-GB"}
_TIMEOUT_MS = 20_000
_REPORTS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy: ${event.violatedDirective} refused ${event.blockedURI} at ${event.sourceFile}`));
"""


class BrowserMissingError(RuntimeError):
    """There is no Chromium on this machine."""


def find() -> str | None:
    """Return where this machine's Chromium is, or None."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)


@contextmanager
def chromium(url: str, microphone: Path | None = None) -> Iterator["Browser"]:
    """Give a Chromium that trusts the controller at `url`.

    microphone: a WAV file that every use of the microphone hears once, from its beginning; then silence. Without it
    there is a microphone that beeps. Nobody is asked whether a page may listen. Raises BrowserMissingError.
    """
    from playwright.sync_api import sync_playwright

    program = find()
    if program is None:
        raise BrowserMissingError("there is no Chromium; run: scripts/system-packages browser")
    flags = [*FLAGS, "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    if microphone is not None:
        flags.append(f"--use-file-for-fake-audio-capture={microphone}%noloop")
    if url.startswith("https"):
        flags.append(f"--ignore-certificate-errors-spki-list={_key_hash(url)}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        try:
            yield browser
        finally:
            browser.close()


def _key_hash(url: str) -> str:
    """Return what Chromium knows the key of a controller by: the commune's authority is not among this machine's."""
    place = urlsplit(url)
    assert place.hostname and place.port
    found = x509.load_pem_x509_certificate(ssl.get_server_certificate((place.hostname, place.port)).encode())
    key = found.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(key).digest()).decode()


class Watch:
    """What goes wrong in one browser window, all its pages: `faults`, in words.

    That is every error on the console or in a script, whatever the policy refuses, every request to another origin,
    every answer of 400 and more, and every request without an answer. Being asked who one is (401) is none.
    """

    def __init__(self, context: "BrowserContext", url: str) -> None:
        self.faults: list[str] = []
        self._origin = urlsplit(url).netloc
        self._expected = {(401, "/api/me")}
        self._context = context
        self._open: set[Request] = set()
        self._heard_s = 0.0
        context.add_init_script(_REPORTS)
        context.on("console", self._console)
        context.on("weberror", self._error)
        context.on("request", self._request)
        context.on("response", self._response)
        context.on("requestfailed", self._failed)
        context.on("requestfinished", self._done)

    def expect(self, status: int, path: str) -> None:
        """From now on take an answer for what is tested, not for a fault."""
        self._expected.add((status, path))

    def quiet(self, page: "Page", for_s: float = 0.15) -> None:
        """Wait until nothing was asked for, nor is unanswered, for `for_s`; a stream of events is not waited for."""
        deadline_s = time.monotonic() + _TIMEOUT_MS / 1000
        self._heard_s = time.monotonic()
        while self._open or time.monotonic() - self._heard_s < for_s:
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"still unanswered: {', '.join(each.url for each in self._open)}")
            page.wait_for_timeout(20)

    def settle(self) -> list[str]:
        """Return `faults` once whatever has happened is known here."""
        for page in self._context.pages:
            page.wait_for_timeout(50)
        return self.faults

    def _console(self, message: "ConsoleMessage") -> None:
        # A failed load is told by its answer, below, with its status.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.faults.append(f"console: {message.text}")

    def _error(self, error: "WebError") -> None:
        self.faults.append(f"script: {error.error}")

    def _request(self, request: "Request") -> None:
        if request.is_navigation_request():
            self._open.clear()  # not every request of a page that is left is said to have ended
        if request.resource_type not in ("eventsource", "websocket"):
            self._open.add(request)
        self._heard_s = time.monotonic()
        place = urlsplit(request.url)
        if place.scheme not in ("data", "blob") and place.netloc != self._origin:
            self.faults.append(f"another origin: {request.url}")

    def _response(self, response: "Response") -> None:
        path = urlsplit(response.url).path
        if response.status >= 400 and (response.status, path) not in self._expected:
            self.faults.append(f"answer {response.status}: {response.request.method} {path}")

    def _done(self, request: "Request") -> None:
        self._open.discard(request)
        self._heard_s = time.monotonic()

    def _failed(self, request: "Request") -> None:
        self._done(request)
        # A page that is left ends its requests.
        if request.failure != "net::ERR_ABORTED":
            self.faults.append(f"no answer: {request.method} {request.url} ({request.failure})")


class Person:
    """Somebody at a browser window of his own. page: what he sees. language: of the pages; `t` its texts."""

    def __init__(
        self,
        browser: "Browser",
        url: str,
        language: str = "vi",
        device: str = "desktop",
        theme: str = "light",
        **more: Any,
    ) -> None:
        """device: one of DEVICES. theme: what the device prefers, "light" or "dark". more: of Playwright's context."""
        self.url = url
        self.language = language
        self.context = browser.new_context(
            base_url=url,
            locale=_LOCALES[language],
            timezone_id="Asia/Ho_Chi_Minh",
            color_scheme="dark" if theme == "dark" else "light",
            reduced_motion="reduce",
            **DEVICES[device],
            **more,
        )
        self.context.set_default_timeout(_TIMEOUT_MS)
        self.watch = Watch(self.context, url)
        self.page: Page = self.context.new_page()

    def t(self, key: str, **values: object) -> str:
        """Return a text of the pages as this person reads it."""
        return catalogue(self.language)[key].format(**values) if values else catalogue(self.language)[key]

    def open(self, path: str = "/") -> "Page":
        """Go to an address of the controller, in this person's language."""
        self.page.goto(f"{path}{'&' if '?' in path else '?'}lang={self.language}")
        return self.page

    def quiet(self) -> "Page":
        """Wait until the page has what it asked for."""
        self.watch.quiet(self.page)
        return self.page

    def sign_in(self, name: str, password: str) -> "Page":
        """Fill in the form as people do, which must be there; wait until it is gone."""
        self.fill_in(name, password)
        self.page.get_by_label(self.t("signin.password"), exact=True).wait_for(state="detached")
        return self.page

    def fill_in(self, name: str, password: str) -> None:
        """Fill in the form and send it."""
        self.page.get_by_label(self.t("signin.user"), exact=True).fill(name)
        self.page.get_by_label(self.t("signin.password"), exact=True).fill(password)
        self.page.get_by_role("button", name=self.t("signin.enter"), exact=True).click()

    def close(self) -> None:
        """Close the window."""
        self.context.close()
