"""The door of the web interface, against a real controller: TLS, plain HTTP, and clients that are slow on purpose."""

import contextlib
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from controller import localaccess
from controller.localaccess import LocalAuth
from controller.pki import fingerprint
from controller.web import front
from tests.controller.running import Running, running

PLAIN = """
[http]
port = {http}
tls = "off"
%s
[media]
host = "127.0.0.1"
port = {media}
[broker]
port = {broker}
[storage]
folder = "{folder}"
"""


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("door")) as controller:
        yield controller


def connect(door: Running, source: str = "127.0.0.1", tls: bool = True) -> socket.socket:
    made = socket.create_connection(("127.0.0.1", door.ports["http_port"]), 5, (source, 0))
    return door.tls().wrap_socket(made, server_hostname="127.0.0.1") if tls else made


def ended(end: socket.socket, within_s: float) -> bool:
    """Return whether the other side ends the connection, whatever it says before."""
    end.settimeout(within_s)
    try:
        while end.recv(4096):
            pass
    except TimeoutError:
        return False
    except OSError:
        pass
    return True


def served_within_s(door: Running) -> float:
    """Return how long a well-behaved client waits for an answer, a new connection each time."""
    began_s = time.monotonic()
    with httpx.Client(verify=door.tls(), timeout=10) as client:
        assert client.get(door.ports["url"] + "/ca.pem").status_code == 200
    return time.monotonic() - began_s


def test_the_authority_is_there_for_everybody(door: Running) -> None:
    assert door.ports["url"].startswith("https://")
    answer = httpx.get(door.ports["url"] + "/ca.pem", verify=door.tls())
    assert answer.headers["Content-Type"] == "application/x-x509-ca-cert"  # telephones offer to install it
    assert 'filename="loaxa-ca.crt"' in answer.headers["Content-Disposition"]  # Windows opens it as a certificate
    assert fingerprint(answer.text) == fingerprint(door.folder / "state" / "pki" / "ca.pem")
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(door.ports["url"] + "/ca.pem", trust_env=False)


def test_no_promise_of_https_with_a_certificate_that_browsers_may_not_know(door: Running) -> None:
    assert "strict-transport-security" not in httpx.get(door.ports["url"] + "/", verify=door.tls()).headers


def test_plain_http_is_told_where_to_go(door: Running) -> None:
    plain = door.ports["url"].replace("https", "http")
    answer = httpx.get(plain + "/?lang=en", trust_env=False)
    assert (answer.status_code, answer.headers["location"]) == (301, door.ports["url"] + "/?lang=en")
    refused = httpx.post(plain + "/api/zones", json={"id": "x"}, trust_env=False)
    assert (refused.status_code, refused.text) == (400, "Loa Xã speaks HTTPS here: begin the address with https://.\n")
    for nonsense in (b"\x00", b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", b"\r\n" * 2000):
        with connect(door, tls=False) as end:
            with contextlib.suppress(OSError):
                end.sendall(nonsense)
                end.shutdown(socket.SHUT_WR)
            assert ended(end, 5), nonsense


@pytest.mark.parametrize("asked", [b"nonsense\r\n\r\n", b"GET /?" + b"x" * 200_000], ids=["none", "long"])
def test_what_is_no_request_is_told_so_in_the_form_of_all_errors(door: Running, asked: bytes) -> None:
    with connect(door) as end:
        end.sendall(asked)
        said = b""
        while more := end.recv(65536):
            said += more
    head, _, body = said.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ") and json.loads(body)["error"]["code"] == "no_request"


def test_old_tls_is_refused(door: Running) -> None:
    address = f"127.0.0.1:{door.ports['http_port']}"
    for version, works in (("-tls1_1", False), ("-tls1_2", True), ("-tls1_3", True)):
        asked = subprocess.run(
            ["openssl", "s_client", "-connect", address, version, "-cipher", "DEFAULT@SECLEVEL=0"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=10,
            check=False,
        )
        assert (b"BEGIN CERTIFICATE" in asked.stdout) is works, version


def test_idle_connections_of_one_address_stop_nobody_else(door: Running) -> None:
    with contextlib.ExitStack() as stack:
        ends = [stack.enter_context(connect(door, "127.0.0.2", tls=False)) for _ in range(600)]
        assert max(served_within_s(door) for _ in range(5)) < 2
        alive = [end for end in ends if not ended(end, 0.001)]
        assert len(alive) <= front.MAX_OF_AN_ADDRESS
        assert max(served_within_s(door) for _ in range(5)) < 2


def test_idle_connections_of_many_addresses_stop_nobody(door: Running) -> None:
    with contextlib.ExitStack() as stack:
        for number in range(900):
            stack.enter_context(connect(door, f"127.0.{1 + number // 100}.1", tls=False))
        assert max(served_within_s(door) for _ in range(5)) < 2


def test_places_held_by_bodies_that_never_come_stop_nobody(door: Running) -> None:
    head = b"POST /api/sign-in HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
    with contextlib.ExitStack() as stack:
        for number in range(front.MAX_CONNECTIONS):
            end = stack.enter_context(connect(door, f"127.0.{50 + number // front.MAX_OF_AN_ADDRESS}.1"))
            end.sendall(head)
        assert max(served_within_s(door) for _ in range(3)) < 2
        elsewhere = httpx.HTTPTransport(local_address="127.0.0.60", verify=door.tls())
        with httpx.Client(transport=elsewhere, auth=LocalAuth(door.ports["url"]), timeout=2) as person:
            assert person.get(door.ports["url"] + "/api/nodes").status_code == 200


def test_of_a_crowd_the_largest_address_gives_way(door: Running) -> None:
    with contextlib.ExitStack() as stack:
        one = stack.enter_context(connect(door, "127.0.71.1"))  # the oldest, and alone at its address
        one.sendall(b"GET /ca.pem HTTP/1.1\r\nHost: x\r\n")
        for number in range(front.MAX_CONNECTIONS):
            stack.enter_context(connect(door, f"127.0.{72 + number // 100}.1", tls=False))
        served_within_s(door)  # all of them were taken in
        one.sendall(b"\r\n")
        assert one.recv(4096).startswith(b"HTTP/1.1 200")


def test_places_are_kept_for_the_machine_itself(door: Running) -> None:
    """Even from those who are signed in, and send bodies that never end."""
    found = localaccess.find(door.ports["url"])
    assert found
    head = "POST /api/zones HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\nAuthorization: Bearer " + found.token
    with contextlib.ExitStack() as stack:
        ends = []
        with contextlib.suppress(OSError):  # the last ones are turned away
            for number in range(front.MAX_CONNECTIONS):
                ends.append(stack.enter_context(connect(door, f"127.0.{80 + number // 100}.1")))
                ends[-1].sendall(head.encode() + b"\r\n\r\n{")
        for end in ends * 9:  # by and by it is known of all who they are
            with contextlib.suppress(OSError):
                end.sendall(b" ")
        assert max(served_within_s(door) for _ in range(3)) < 2


def test_dripped_heads_come_to_an_end(door: Running) -> None:
    with contextlib.ExitStack() as stack:
        ends = [stack.enter_context(connect(door, "127.0.0.3")) for _ in range(20)]
        again = stack.enter_context(connect(door, "127.0.0.4"))  # has asked once, and then drips
        again.sendall(b"GET /ca.pem HTTP/1.1\r\nHost: x\r\n\r\n")
        assert again.recv(65536).startswith(b"HTTP/1.1 200")
        began_s = time.monotonic()
        for end in ends:
            end.sendall(b"GET /ca.pem HTTP/1.1\r\nX: ")
        over: set[int] = set()
        while len(over) < len(ends) + 1 and time.monotonic() - began_s < front.HEADER_S + 8:
            for number, end in enumerate([*ends, again]):
                try:
                    end.sendall(b"x")
                except OSError:
                    over.add(number)
            assert served_within_s(door) < 2
            time.sleep(0.5)
        assert len(over) == len(ends) + 1


def test_dripped_bodies_come_to_an_end(door: Running) -> None:
    with connect(door) as end:
        end.sendall(
            b"POST /api/enrol HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n{"
        )
        began_s = time.monotonic()
        end.settimeout(0.5)
        said = b""
        while time.monotonic() - began_s < 30 and not said:
            end.sendall(b" ")
            with contextlib.suppress(TimeoutError):
                said = end.recv(4096)
        assert said.startswith(b"HTTP/1.1 408"), said
        assert served_within_s(door) < 2


def test_behind_a_reverse_proxy(tmp_path: Path) -> None:
    with running(tmp_path, PLAIN % 'trusted_proxies = ["127.0.0.9"]') as controller:
        assert controller.ports["url"].startswith("http://")
        assert controller.http.get("/ca.pem").status_code == 200
        # Wrong codes are counted by who the proxy says its client is; from anybody else that word counts for nothing.
        for source, answers in (("127.0.0.9", {403}), ("127.0.0.8", {403, 429})):
            with httpx.Client(transport=httpx.HTTPTransport(local_address=source)) as client:
                found = set()
                for number in range(12):
                    headers = {"X-Forwarded-For": f"192.0.2.{number}"}
                    body = {"code": "0000-0000-0000-0000", "board": "x", "serial": ""}
                    url = controller.ports["url"] + "/api/enrol"
                    found.add(client.post(url, json=body, headers=headers).status_code)
            assert found == answers, source
