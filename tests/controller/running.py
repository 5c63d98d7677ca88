"""A real ``loaxa serve`` as a child process, for tests: its own folder, broker and ports."""

import contextlib
import json
import select
import signal
import sqlite3
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiomqtt
import httpx

from codec.wire.mac import derive
from controller.localaccess import LocalAuth

ROOT = Path(__file__).resolve().parents[2]
START_S = 120.0

CONFIG = """
[http]
port = {http}
[media]
host = "127.0.0.1"
port = {media}
multicast_interface = "127.0.0.1"
multicast_ttl = 0
[broker]
port = {broker}
[storage]
folder = "{folder}"
max_sound_mb = 2
"""


class Running:
    """One controller. ports: what it printed when it was ready."""

    def __init__(self, folder: Path, config: str = CONFIG, **ports: int) -> None:
        self.folder = folder
        self.log = folder / "log"
        folder.mkdir(exist_ok=True)
        chosen = {"http": 0, "media": 0, "broker": 0, **ports}
        (folder / "loaxa.toml").write_text(config.format(folder=folder / "state", **chosen))
        self.start()

    def start(self) -> None:
        """Start it and wait until it is ready."""
        command = [sys.executable, "-m", "loaxa.cli", "serve", "--json", "--config", str(self.folder / "loaxa.toml")]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log)
        assert self.process.stdout is not None
        readable, _, _ = select.select([self.process.stdout], [], [], START_S)
        line = self.process.stdout.readline() if readable else b""
        if not line:
            self.kill()
            raise AssertionError(f"not ready: {self.log.read_text()[-3000:]}")
        self.ports: dict[str, Any] = json.loads(line)
        url = self.ports["url"]
        self.http = httpx.Client(base_url=url, trust_env=False, timeout=20, auth=LocalAuth(url), verify=self.tls())

    def stop(self) -> int:
        """Ask it to end and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(15)
        finally:
            self.kill()

    def kill(self) -> None:
        """End it as a crash would."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()
        if hasattr(self, "http"):
            self.http.close()

    def tls(self) -> ssl.SSLContext:
        """Return what verifies this controller, its broker too."""
        return ssl.create_default_context(cafile=self.folder / "state" / "pki" / "ca.pem")

    def get(self, path: str) -> Any:
        """Return the answer to a GET that succeeds."""
        return self._ok(self.http.get(path))

    def post(self, path: str, body: Any = None) -> Any:
        """Return the answer to a POST that succeeds."""
        return self._ok(self.http.post(path, json=body))

    def village(self, zone: str = "thon-1", node: str = "cum-1") -> None:
        """Add a zone with one node."""
        self.post("/api/zones", {"id": zone, "title": "Thôn Đông"})
        self.post("/api/nodes", {"id": node, "zone": zone})

    def key_of(self, node: str) -> bytes:
        """Return the key of a node that the database has."""
        with sqlite3.connect(f"file:{self.folder}/state/loaxa.sqlite3?mode=ro", uri=True) as database:
            (key,) = database.execute("select key from nodes where id = ?", (node,)).fetchone()
        database.close()
        return bytes(key)

    def node(self, node: str, **other: Any) -> aiomqtt.Client:
        """Return an MQTT client that is this node, with its key; `other` options of it."""
        options = {
            "identifier": f"loaxa-{node}",
            "username": node,
            "password": derive(self.key_of(node), "broker").hex(),
            "tls_context": self.tls(),
            **other,
        }
        return aiomqtt.Client("127.0.0.1", self.ports["broker_port"], **options)

    def tone(self, duration_ms: int = 60_000, **more: Any) -> str:
        """Put a tone on air in thon-1 and return the session's id."""
        source = {"kind": "tone", "duration_ms": duration_ms}
        return str(self.post("/api/sessions", {"source": source, "zones": ["thon-1"], **more})["id"])

    def until(self, true: Callable[[], Any], within_s: float = 20.0) -> Any:
        """Return the first true value of `true`."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.HTTPError):
                if found := true():
                    return found
            time.sleep(0.05)
        raise AssertionError(f"not within {within_s} s; log: {self.log.read_text()[-3000:]}")

    def until_state(self, session_id: str, state: str, within_s: float = 20.0) -> Any:
        """Return the session once it is in this state."""

        def read() -> Any:
            found = self.get(f"/api/sessions/{session_id}")
            return found if found["state"] == state else None

        return self.until(read, within_s)

    def _ok(self, response: httpx.Response) -> Any:
        assert response.is_success, f"{response.status_code} {response.text} {self.log.read_text()[-2000:]}"
        return response.json() if response.content else None


@contextlib.contextmanager
def running(folder: Path, config: str = CONFIG, **ports: int) -> Iterator[Running]:
    """Give a controller that ends with the block."""
    controller = Running(folder, config, **ports)
    try:
        yield controller
    finally:
        controller.kill()
