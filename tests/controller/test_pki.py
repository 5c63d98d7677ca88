"""The commune's authority: made once, its certificates good in a real TLS handshake, rotated without a gap."""

import datetime
import ssl
import stat
from pathlib import Path

import pytest
from cryptography import x509

from controller import pki
from controller.errors import ConflictError, StartError
from controller.pki import BROKER_NAME, Authority, fingerprint
from controller.rotation import Rotation


def shake_hands(authority_pem: str, certificate: Path, key: Path, name: str) -> None:
    """Let a client that trusts `authority_pem` meet a server; raises ssl.SSLError."""
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(certificate, key)
    client_context = ssl.create_default_context(cadata=authority_pem)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname=name)
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    done = 0
    for _ in range(6):
        for end in (client, server):
            try:
                end.do_handshake()
                done += 1
            except ssl.SSLWantReadError:
                pass
    assert done


def test_made_once_and_kept_to_itself(tmp_path: Path) -> None:
    first = Authority(tmp_path / "pki")
    _, key = first.issue("broker", ["127.0.0.1"])
    assert Authority(tmp_path / "pki").certificate_pem == first.certificate_pem
    for path in (tmp_path / "pki" / "ca.key", key):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "pki").stat().st_mode) == 0o700
    assert len(first.certificate_pem) < 2048
    assert len(fingerprint(first.certificate_pem)) == 64


def test_good_for_its_hosts_alone(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    files = authority.issue("broker", [BROKER_NAME, "127.0.0.1"])
    shake_hands(authority.certificate_pem, *files, BROKER_NAME)
    shake_hands(authority.certificate_pem, *files, "127.0.0.1")
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(authority.certificate_pem, *files, "example.org")
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(Authority(tmp_path / "other").certificate_pem, *files, BROKER_NAME)


def test_renewed_before_it_expires_and_for_other_hosts(tmp_path: Path) -> None:
    authority = Authority(tmp_path)

    def serial(hosts: list[str], days: int = pki.LEAF_DAYS) -> int:
        path, _ = authority.issue("web", hosts, days)
        return x509.load_pem_x509_certificate(path.read_bytes()).serial_number

    first = serial(["localhost"], days=pki.RENEW_DAYS - 1)
    second = serial(["localhost"])
    assert second != first
    assert serial(["localhost"]) == second
    assert serial(["localhost", "192.0.2.1"]) != second


def test_valid_for_clocks_that_are_behind(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    begin = x509.load_pem_x509_certificate(authority.certificate_pem.encode()).not_valid_before_utc
    now = datetime.datetime.now(datetime.UTC)
    assert now - begin > datetime.timedelta(hours=23)
    path, _ = authority.issue("broker", [BROKER_NAME])
    assert x509.load_pem_x509_certificate(path.read_bytes()).not_valid_before_utc == begin


def test_rotated(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    old = authority.certificate_pem
    with pytest.raises(ConflictError):
        authority.switch()
    coming = authority.prepare()
    assert authority.prepare() == coming != old
    shake_hands(old + coming, *authority.issue("broker", [BROKER_NAME]), BROKER_NAME)
    authority.switch()
    assert authority.certificate_pem == coming
    assert authority.next_pem is None
    files = authority.issue("broker", [BROKER_NAME])
    shake_hands(old + coming, *files, BROKER_NAME)
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(old, *files, BROKER_NAME)
    assert Authority(tmp_path).certificate_pem == coming


def test_a_crash_in_the_middle_of_a_rotation(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    coming = authority.prepare()
    (tmp_path / "next.key").replace(tmp_path / "ca.key")
    assert Authority(tmp_path).certificate_pem == coming


def test_a_key_of_another(tmp_path: Path) -> None:
    Authority(tmp_path / "a")
    Authority(tmp_path / "b")
    (tmp_path / "a" / "ca.key").replace(tmp_path / "b" / "ca.key")
    with pytest.raises(StartError, match=r"not the key.*backup"):
        Authority(tmp_path / "b")


async def test_who_fails_to_follow_the_new_authority_keeps_no_other_from_it(tmp_path: Path) -> None:
    followed: list[str] = []

    def fail() -> None:
        raise OSError("no space left on device")

    authority = Authority(tmp_path)
    before = fingerprint(authority.certificate_pem)
    rotation = Rotation(authority, None, None)  # nobody is told
    rotation.switched += [fail, lambda: followed.append(fingerprint(authority.certificate_pem))]
    await rotation.begin(now=True)
    assert len(followed) == 1
    assert followed != [before]
