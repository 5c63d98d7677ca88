"""A fresh board enrols: with the real controller, and with whoever would like to be taken for it."""

import contextlib
import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from codec.wire import enrolment
from codec.wire.enrolment import Line
from controller import pki
from hil_sim import flash
from tests.controller.running import CONFIG, Running, running

CODE = bytes(range(10))
IDENTITY = {
    "id": "cum-7",
    "key": "5a" * 32,
    "ca": None,
    "broker": ["192.0.2.1", 8883],
    "media": ["192.0.2.1", 5004],
    "zone": "thon-1",
    "gain_db": -3.0,
    "delay_us": 1000,
}


def answer(status: int, body: Any, head: str = "") -> bytes:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return f"HTTP/1.1 {status} x\r\n{head}Content-Length: {len(raw)}\r\n\r\n".encode() + raw


class Pretender:
    """An HTTPS server that hears one request after the other, and answers whatever it is told to, or is asked of it."""

    def __init__(self, folder: Path, said: bytes | Callable[[bytes], bytes]) -> None:
        certificate, key = pki.Authority(folder / "pki").issue("web", ["127.0.0.1"])
        self.pin = bytes.fromhex(pki.fingerprint(certificate))[: enrolment.PIN_BYTES]
        self.said = said
        self.heard: list[bytes] = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def line(self, code: bytes = CODE, pin: bytes | None = None) -> str:
        return enrolment.build_line(Line("127.0.0.1", self.port, code, pin or self.pin))

    def close(self) -> None:
        with contextlib.suppress(OSError):  # closed already
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            try:
                with self._context.wrap_socket(connection, server_side=True) as tls:
                    tls.settimeout(5)
                    self.heard.append(tls.recv(4096))
                    tls.sendall(self.said(self.heard[-1]) if callable(self.said) else self.said)
            except OSError:
                connection.close()


class Board:
    """A simulated board's flash."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "board.json").write_text(json.dumps({"capture": os.devnull, "seed": 77}))

    @property
    def identity(self) -> dict[str, Any] | None:
        """What its NVS holds."""
        return flash.identity(self.folder)

    def run(self, typed: str = "", timeout_s: float = 20, **node: Any) -> subprocess.CompletedProcess[str]:
        (self.folder / "node.json").write_text(json.dumps(node))
        return subprocess.run(
            flash.node_command(),
            cwd=self.folder,
            env=flash.node_environment(),
            input=typed,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return Board(tmp_path / "board")


@pytest.fixture
def pretender(tmp_path: Path) -> Iterator[Pretender]:
    found = Pretender(tmp_path, answer(200, IDENTITY))
    yield found
    found.close()


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("office")) as controller:
        controller.village()
        yield controller


def code_line(office: Running, node: str = "cum-1") -> str:
    return str(office.post(f"/api/nodes/{node}/enrolment")["line"])


def test_a_line_typed_at_the_console_makes_it_a_node(office: Running, board: Board) -> None:
    done = board.run(typed=code_line(office).lower() + "\n")
    assert done.returncode == flash.REBOOT_EXIT_CODE, done.stdout + done.stderr
    assert "Enrolment line:" in done.stdout
    assert "enrolled as cum-1" in done.stdout
    kept = board.identity
    assert kept is not None
    assert (kept["id"], kept["media"][1]) == ("cum-1", office.ports["media_port"])
    shown = office.get("/api/nodes/cum-1")
    assert (shown["board"], shown["serial"]) == ("esp32", "02000000004d")
    process = subprocess.Popen(
        flash.node_command(), cwd=board.folder, env=flash.node_environment(), stdout=subprocess.DEVNULL
    )
    try:
        office.until(lambda: office.get("/api/nodes/cum-1")["state"] == "online")
    finally:
        process.kill()
        process.wait()


def test_a_line_in_the_file_is_used_once(office: Running, board: Board) -> None:
    line = code_line(office)
    assert board.run(enrol=line).returncode == flash.REBOOT_EXIT_CODE
    first = board.identity
    with pytest.raises(subprocess.TimeoutExpired):  # it runs as the node, and asks nobody
        board.run(enrol=f" {line.lower()} ", timeout_s=4)
    assert board.identity == first
    assert board.run(enrol=code_line(office)).returncode == flash.REBOOT_EXIT_CODE
    assert board.identity is not None and first is not None
    assert board.identity["key"] != first["key"]


def test_a_refused_board_says_why_and_asks_again(office: Running, board: Board) -> None:
    line = code_line(office)
    assert board.run(enrol=line).returncode == flash.REBOOT_EXIT_CODE
    other = Board(board.folder.parent / "other")
    done = other.run(enrol=line)
    assert done.returncode == 2
    assert "used up" in done.stdout and "loaxa node enrol" in done.stdout
    assert other.identity is None
    done = other.run(typed="xin chào\n" + code_line(office) + "\n")
    assert "loaxa:HOST:PORT:CODE:PIN" in done.stdout
    assert done.returncode == flash.REBOOT_EXIT_CODE


def test_a_line_that_fails_leaves_an_enrolled_node_what_it_is(board: Board, pretender: Pretender) -> None:
    assert board.run(enrol=pretender.line()).returncode == flash.REBOOT_EXIT_CODE
    kept = board.identity
    pretender.said = answer(403, {"error": {"code": "x", "message": "No.", "hint": "Go."}})
    with pytest.raises(subprocess.TimeoutExpired) as running_on:
        board.run(enrol=pretender.line(bytes(10)), timeout_s=4)
    assert board.identity is not None and kept is not None
    assert board.identity["key"] == kept["key"]
    assert running_on.value.stdout is None or b"Enrolment line" not in running_on.value.stdout
    assert len(pretender.heard) == 2
    with pytest.raises(subprocess.TimeoutExpired):
        board.run(enrol=pretender.line(bytes(10)), timeout_s=4)
    assert len(pretender.heard) == 2, "a refused line is not tried at each start"
    pretender.close()
    with pytest.raises(subprocess.TimeoutExpired):  # nobody answers: it sounds all the same
        board.run(enrol=pretender.line(b"0123456789"), timeout_s=4)


def test_behind_a_reverse_proxy(tmp_path: Path, board: Board, pretender: Pretender) -> None:
    """The line has the proxy's pin, if the proxy's certificate is one to trust."""
    # This proxy's certificate is of the authority that the controller finds in its folder.
    (tmp_path / "office" / "state").mkdir(parents=True)
    shutil.copytree(tmp_path / "pki", tmp_path / "office" / "state" / "pki")
    config = CONFIG.replace("[http]", '[http]\ntls = "off"') + f'[public]\nweb = "127.0.0.1:{pretender.port}"\n'
    with running(tmp_path / "office", config) as office:
        office.village()

        def forward(request: bytes) -> bytes:
            if not request:  # the controller looks at the certificate
                return b""
            with socket.create_connection(("127.0.0.1", office.ports["http_port"]), 5) as upstream:
                upstream.sendall(request)
                found = b""
                while chunk := upstream.recv(4096):
                    found += chunk
            return found

        pretender.said = forward
        line = code_line(office)
        assert enrolment.parse_line(line).pin == pretender.pin
        assert board.run(enrol=line).returncode == flash.REBOOT_EXIT_CODE
        assert board.identity is not None
        assert board.identity["id"] == "cum-1"
        pretender.close()
        away = office.http.post("/api/nodes", json={"id": "cum-2", "zone": "thon-1"})
        assert (away.status_code, away.json()["error"]["code"]) == (503, "web_away")
        assert [node["id"] for node in office.get("/api/nodes")["nodes"]] == ["cum-1"]


def test_in_the_clear_no_other_machine_gets_a_line(tmp_path: Path) -> None:
    config = CONFIG.replace("[http]", '[http]\ntls = "off"') + '[public]\nhost = "192.0.2.10"\n'
    with running(tmp_path / "office", config) as office:
        office.post("/api/zones", {"id": "thon-1"})
        assert office.post("/api/nodes", {"id": "cum-1", "zone": "thon-1"})["enrolment"] is None
        refused = office.http.post("/api/nodes/cum-1/enrolment")
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "in_the_clear")


def test_the_code_is_told_to_nobody_else(board: Board, pretender: Pretender) -> None:
    """TLS to another certificate: the pin is looked at before anything is said."""
    done = board.run(enrol=pretender.line(pin=bytes(16)))
    assert done.returncode == 2
    assert "is not the office of this line" in done.stdout
    assert b"".join(pretender.heard) == b""
    assert board.identity is None


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (answer(200, b"x" * 4097), "longer than 4096"),
        (b"HTTP/1.1 200 x\r\nContent-Length: 99999999999999999999\r\n\r\n{}", "longer than 4096"),
        (b"HTTP/1.1 200 x\r\n\r\n{}", "longer than 4096"),
        (b"HTTP/1.1 200 x\r\n" + b"X: y\r\n" * 1000, "no end"),
        (b"HTTP/1.1 200 x\r\nX: " + b"y" * 5000, "no office"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "no office"),
        (b"\xff\xfe\xfd\n", "no office"),
        (answer(200, b"[]"), "no identity"),
        (answer(200, b"{" * 3000), "no identity"),
        (answer(200, {**IDENTITY, "id": "../../etc"}), "no identity"),
        (answer(200, {**IDENTITY, "key": "00"}), "no identity"),
        (answer(200, {**IDENTITY, "ca": "x"}), "no identity"),
        (answer(200, {**IDENTITY, "gain_db": 1e9}), "no identity"),
        (answer(200, {**IDENTITY, "broker": ["h", 0]}), "no identity"),
        (answer(200, {name: value for name, value in IDENTITY.items() if name != "ca"}), "ca is missing"),
        (answer(404, b"<html>"), "status 404"),
        (answer(403, {"error": {"message": "Không.", "hint": "x" * 600}}), "status 403"),
        (answer(301, b"", "Location: http://192.0.2.1/\r\n"), "status 301"),
    ],
)
def test_an_answer_that_is_none_is_refused(board: Board, pretender: Pretender, said: bytes, why: str) -> None:
    pretender.said = said
    done = board.run(enrol=pretender.line())
    assert done.returncode == 2, done.stdout + done.stderr
    assert why in done.stdout
    assert board.identity is None


@pytest.mark.parametrize("said", [b"", answer(503, {}), answer(429, {}), answer(200, IDENTITY)[:-9]])
def test_what_may_pass_is_tried_again(board: Board, pretender: Pretender, said: bytes) -> None:
    pretender.said = said
    process = subprocess.Popen(
        flash.node_command(),
        cwd=board.folder,
        env=flash.node_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin and process.stdout
    process.stdin.write(pretender.line() + "\n")
    process.stdin.close()
    for shown in process.stdout:
        if "does not answer" in shown:
            pretender.said = answer(200, {**IDENTITY, "surprise": "x" * 100})
    process.stdout.close()
    assert process.wait(20) == flash.REBOOT_EXIT_CODE
    assert board.identity is not None
    assert {**board.identity, "line": ""} == {**IDENTITY, "line": ""}


def test_on_linux_only_the_owner_reads_it(tmp_path: Path, pretender: Pretender) -> None:
    staged = flash.stage(tmp_path / "linux")
    command = [flash.micropython(), "-X", "heapsize=1m", "main.py", pretender.line()]
    environment = {**os.environ, "MICROPYPATH": ".:.frozen"}
    done = subprocess.run(command, cwd=staged, env=environment, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 75, done.stdout + done.stderr
    assert (staged / "identity.json").stat().st_mode & 0o777 == 0o600
    assert json.loads((staged / "identity.json").read_text())["id"] == "cum-7"
    assert json.loads(pretender.heard[0].partition(b"\r\n\r\n")[2])["board"] == "linux"
