"""The commune's own certificate authority: made at the first start, asked for the certificates of this controller.

Certificates of the broker begin when the authority does, so that a board without a clock, which puts its clock to that
instant, finds all of them valid.
"""

import datetime
import ipaddress
import os
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from controller.errors import ConflictError, StartError
from controller.storage.files import write_atomically

BROKER_NAME = "loaxa-broker"
"""What nodes expect the broker's certificate to be for, whatever address they reach it at."""
CA_DAYS = 3652
LEAF_DAYS = 397
"""Phones refuse longer ones."""
RENEW_DAYS = 60
_DAY = datetime.timedelta(days=1)


class Authority:
    """The authority in `folder`, made there when there is none; raises StartError when the folder cannot be used.

    While it is being rotated there is a next one beside it, which signs nothing yet.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            folder.chmod(0o700)
            if not (folder / "ca.pem").exists():
                self._make("ca")
            self._load()
        except (OSError, ValueError) as error:
            raise StartError(
                "pki",
                f"The certificate authority in {folder} cannot be used: {error}.",
                "Put the folder back from a backup; with a new one every node must be enrolled anew.",
            ) from None

    def issue(self, name: str, hosts: Sequence[str], days: int = LEAF_DAYS) -> tuple[Path, Path]:
        """Return the files of a certificate `name` for `hosts` (names or addresses), and of its key, mode 0600.

        The one that is there is kept while it is for the same hosts, of this authority, and has time left.
        """
        certificate, key = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        wanted = sorted(set(hosts))
        if not (certificate.exists() and key.exists() and self._good(certificate, wanted)):
            self._sign(certificate, key, name, wanted, days)
        return certificate, key

    @property
    def next_pem(self) -> str | None:
        """The authority to come, while it is being rotated."""
        path = self._folder / "next.pem"
        return path.read_text() if path.exists() else None

    @property
    def old_pem(self) -> str | None:
        """The authority before this one, until no node trusts it any more."""
        path = self._folder / "old.pem"
        return path.read_text() if path.exists() else None

    def forget_old(self) -> None:
        """Nobody trusts the authority before this one any more."""
        (self._folder / "old.pem").unlink(missing_ok=True)

    def prepare(self) -> str:
        """Make the next authority, unless there is one, and return it in PEM: whoever is to trust it learns it now."""
        if self.next_pem is None:
            self._make("next")
        found = self.next_pem
        assert found is not None
        return found

    def switch(self) -> None:
        """Put the next authority in the place of this one, whose key is no more; raises ConflictError without one."""
        if self.next_pem is None:
            raise ConflictError("no_next_ca", "There is no next authority.", "Begin with: loaxa ca rotate.")
        write_atomically(self._folder / "old.pem", self.certificate_pem.encode())
        # The key first: with the old certificate it does not match, which _load puts right after a crash in between.
        (self._folder / "next.key").replace(self._folder / "ca.key")
        (self._folder / "next.pem").replace(self._folder / "ca.pem")
        self._load()

    def _load(self) -> None:
        next_pem = self._folder / "next.pem"
        if next_pem.exists() and not (self._folder / "next.key").exists():
            next_pem.replace(self._folder / "ca.pem")
        self.certificate_pem = (self._folder / "ca.pem").read_text()
        """The authority's own certificate."""
        self._certificate = x509.load_pem_x509_certificate(self.certificate_pem.encode())
        key = serialization.load_pem_private_key((self._folder / "ca.key").read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError("ca.key is no elliptic key")
        if key.public_key() != self._certificate.public_key():
            raise ValueError("ca.key is not the key of ca.pem")
        self._key = key
        self.begins = self._certificate.not_valid_before_utc
        self.expires = self._certificate.not_valid_after_utc
        """From when on, and until when, the authority is valid, UTC."""

    def _make(self, name: str) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        now = _now()
        subject = x509.Name(
            [
                x509.NameAttribute(NameOID.COMMON_NAME, f"Loa Xa CA {now:%Y-%m-%d}"),
                # Two authorities of one name would be taken for each other.
                x509.NameAttribute(NameOID.SERIAL_NUMBER, os.urandom(8).hex()),
            ]
        )
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _DAY)  # a computer whose clock is behind
            .not_valid_after(now + CA_DAYS * _DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        _write_key(self._folder / f"{name}.key", key)
        write_atomically(self._folder / f"{name}.pem", certificate.public_bytes(serialization.Encoding.PEM))

    def _good(self, path: Path, hosts: list[str]) -> bool:
        try:
            found = x509.load_pem_x509_certificate(path.read_bytes())
            found.verify_directly_issued_by(self._certificate)
            names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except Exception:  # whatever is wrong with it, there is a remedy
            return False
        left = found.not_valid_after_utc - _now()
        return _names(hosts) == list(names) and left > min(RENEW_DAYS * _DAY, self.expires - _now() - _DAY)

    def _sign(self, certificate: Path, key_path: Path, name: str, hosts: list[str], days: int) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        begin = self._certificate.not_valid_before_utc if BROKER_NAME in hosts else _now() - _DAY
        made = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Loa Xa {name}")]))
            .issuer_name(self._certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(max(begin, self._certificate.not_valid_before_utc))
            .not_valid_after(min(_now() + days * _DAY, self.expires))
            .add_extension(x509.SubjectAlternativeName(_names(hosts)), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._certificate.public_key()),  # type: ignore[arg-type]
                critical=False,
            )
            .sign(self._key, hashes.SHA256())
        )
        _write_key(key_path, key)
        write_atomically(certificate, made.public_bytes(serialization.Encoding.PEM))


def fingerprint(pem: str | Path) -> str:
    """Return SHA-256 of a certificate's DER, 64 hexadecimal digits; of its PEM text or of a file."""
    raw = pem.read_bytes() if isinstance(pem, Path) else pem.encode()
    return x509.load_pem_x509_certificate(raw).fingerprint(hashes.SHA256()).hex()


def _names(hosts: Sequence[str]) -> list[x509.GeneralName]:
    names: list[x509.GeneralName] = []
    for host in hosts:
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(host)))
        except ValueError:
            names.append(x509.DNSName(host))
    return names


def _usage(signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_atomically(path, text, mode=0o600)


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC).replace(microsecond=0)
