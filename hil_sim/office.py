"""The controller of a run: the real ``loaxa serve`` as a child, driven by its REST interface and killed by its ids."""

import json
import select
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from controller.localaccess import LocalAuth
from hil_sim import children
from hil_sim.ports import free_tcp_port, free_udp_port

START_S = 60.0
"""A first start makes a database and starts a broker, perhaps while everything else starts too."""
_REST_TIMEOUT_S = 20.0


class OfficeError(RuntimeError):
    """The controller did not start, or refused what it was asked."""


class Office:
    """One controller with its data in `folder`, on free ports of 127.0.0.1. http_port: 0 for a free one.

    record: keep what is mixed. outside_broker: the port on this machine of a broker that takes anybody, without TLS, in
    place of the controller's own; 0 for none. air_url: where pages hear the village (:mod:`hil_sim.live_air`).
    tiles: whether maps ask for tiles from elsewhere.
    """

    def __init__(
        self,
        folder: Path,
        http_port: int = 0,
        record: bool = True,
        outside_broker: int = 0,
        air_url: str = "",
        tiles: bool = True,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.record = folder / "mixer.capture"
        self.log = folder / "controller.log"
        self.media_port = free_udp_port()
        self.broker_port = outside_broker or free_tcp_port()
        self.http_port = http_port or free_tcp_port()
        self.url = f"https://127.0.0.1:{self.http_port}"
        self._config = folder / "loaxa.toml"
        broker = "tls = false\nhost" if outside_broker else "bind"
        self._config.write_text(
            f'[http]\nhost = "127.0.0.1"\nport = {self.http_port}\n'
            f'[media]\nhost = "127.0.0.1"\nport = {self.media_port}\n'
            f'[broker]\n{broker} = "127.0.0.1"\nport = {self.broker_port}\n'
            f'[public]\nhost = "127.0.0.1"\n'
            f"[storage]\nfolder = {json.dumps(str(folder / 'data'))}\n"
            + "[web]\n"
            + (f'air_url = "{air_url}"\n' if air_url else "")
            + ("" if tiles else 'tiles = ""\n')
            + (f"[engine]\nrecord = {json.dumps(str(self.record))}\n" if record else ""),
            encoding="utf-8",
        )
        self._client: httpx.Client | None = None
        self._orphans: dict[int, str] = {}
        self._child = self._start()

    def wait_ready(self) -> None:
        """Wait until the controller says that it serves; raises OfficeError with the end of its log."""
        deadline = time.monotonic() + START_S
        output = self._child.stdout
        assert output is not None
        while time.monotonic() < deadline:
            readable, _, _ = select.select([output], [], [], 0.2)
            if readable:
                line = output.readline()
                if line.startswith(b"{"):
                    return
                if not line:
                    break
        raise OfficeError(f"the controller did not start; its log ends with:\n{tail(self.log)}")

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to a POST; raises OfficeError with the controller's words."""
        return self._ask("POST", path, json=body)

    def get(self, path: str) -> dict[str, Any]:
        """Return the answer to a GET; raises OfficeError."""
        return self._ask("GET", path)

    def put(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to a PUT; raises OfficeError."""
        return self._ask("PUT", path, json=body)

    def upload(self, path: Path) -> str:
        """Store a sound file; return its id."""
        return str(self._ask("POST", "/api/sounds", content=path.read_bytes(), params={"title": path.name})["id"])

    def delete(self, path: str) -> None:
        """DELETE; raises OfficeError."""
        self._ask("DELETE", path)

    def chain_salt(self, profile: str) -> bytes:
        """Return the salt of a profile's chain of keys, which every node is told."""
        memory = json.loads((self.folder / "data" / "memory.json").read_text())
        return bytes.fromhex(memory["chains"][profile][0]["salt"])

    def media0_us(self, zone: str) -> int:
        """Return the media time at which the stream that is on air in a zone began."""
        on_air = next(each for each in self.get("/api/zones")["zones"] if each["id"] == zone)["on_air"]
        if on_air is None:
            raise OfficeError(f"nothing is on air in {zone}")
        return int(on_air["media0_us"])

    @property
    def broker_papers(self) -> tuple[Path, Path]:
        """The broker's certificate and key, as somebody finds them who has broken into it."""
        folder = self.folder / "data" / "pki"
        return folder / "broker.pem", folder / "broker.key"

    @property
    def pids(self) -> list[int]:
        """The controller and all its children."""
        return [self._child.pid, *children.descendants(self._child.pid)]

    @property
    def alive(self) -> bool:
        """Whether the controller's own process runs."""
        return self._child.poll() is None

    def cpu_seconds(self) -> float:
        """Return processor time of the controller and all its living children."""
        return sum(children.cpu_seconds(pid) for pid in self.pids)

    def kill_engine(self) -> None:
        """SIGKILL the engine's process."""
        self._kill("controller.engine")

    def kill_broker(self) -> None:
        """SIGKILL the broker's process."""
        self._kill("mosquitto")

    def kill_controller(self) -> None:
        """SIGKILL the controller's own process alone; :meth:`start_again` brings it back."""
        self._orphans.update({pid: children.command_line(pid) for pid in self.pids[1:]})
        self._child.kill()
        self._child.wait()

    def start_again(self) -> None:
        """Start the controller with the same folder and ports."""
        self._child = self._start()

    def close(self) -> None:
        """End the controller and whatever it started."""
        if self._client is not None:
            self._client.close()
        children.end(self._child, patience_s=8.0)
        for pid, command in self._orphans.items():
            if command and children.command_line(pid) == command:  # its number may be another's by now
                children.kill(pid)

    def _start(self) -> subprocess.Popen[bytes]:
        return children.start(
            [sys.executable, "-m", "loaxa.cli", "serve", "--config", str(self._config), "--json"],
            log=self.log,
            cwd=Path(__file__).resolve().parent.parent,
            stdout=subprocess.PIPE,
        )

    def tls(self) -> ssl.SSLContext:
        """Return what verifies this controller."""
        return ssl.create_default_context(cafile=self.folder / "data" / "pki" / "ca.pem")

    def forget_tls(self) -> None:
        """Verify the controller anew with the next request, by the authority that it has then."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _kill(self, what: str) -> None:
        found = [pid for pid in self.pids[1:] if what in children.command_line(pid)]
        if not found:
            raise OfficeError(f"the controller has no child process {what} to kill")
        for pid in found:
            children.kill(pid)

    def _ask(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        try:
            if self._client is None:  # its authority is made at its first start
                self._client = httpx.Client(
                    base_url=self.url,
                    timeout=_REST_TIMEOUT_S,
                    trust_env=False,
                    auth=LocalAuth(self.url),
                    verify=self.tls(),
                )
            response = self._client.request(method, path, **request)
        except httpx.HTTPError as error:  # a scenario may have killed the controller a moment ago
            raise OfficeError(f"{method} {path}: the controller does not answer ({error})") from None
        if response.is_error:
            raise OfficeError(f"{method} {path}: {response.text[:500]}")
        answer: dict[str, Any] = response.json() if response.content else {}
        return answer


def tail(log: Path, characters: int = 1500) -> str:
    """Return the end of a log."""
    return log.read_text(encoding="utf-8", errors="replace")[-characters:] if log.exists() else ""
