"""TLS of the web interface: by the commune's own authority, by files that are given, or left to a reverse proxy."""

import asyncio
import hashlib
import logging
import socket
import ssl
from pathlib import Path

from codec.wire.enrolment import PIN_BYTES
from controller.errors import StartError, UnavailableError
from controller.link.broker import own_host
from controller.pki import Authority, fingerprint
from controller.ports import own_address
from controller.settings import Settings

log = logging.getLogger(__name__)

RENEW_S = 3600.0
PROXY_S = 5.0


class WebTls:
    """What the web interface speaks TLS with. context: None where it speaks plain HTTP. Raises StartError."""

    def __init__(self, settings: Settings, authority: Authority) -> None:
        self._settings = settings
        self._authority = authority
        self.context: ssl.SSLContext | None = None
        if settings.http_tls != "off":
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.minimum_version = ssl.TLSVersion.TLSv1_2
            self.context.set_alpn_protocols(["http/1.1"])
            self.load()

    @property
    def scheme(self) -> str:
        """Of the address."""
        return "https" if self.context else "http"

    @property
    def authority_pem(self) -> str | None:
        """The authority that clients of ours must know, in PEM; None where they need none of ours."""
        return self._authority.certificate_pem if self._settings.http_tls == "own" else None

    async def pin(self) -> bytes | None:
        """Return the head of SHA-256 of the certificate that a board meets when it enrols; None without TLS.

        Of a reverse proxy the certificate is asked for, and verified; raises UnavailableError.
        """
        if self._settings.public_web:
            pem = self._authority.certificate_pem
            der = await asyncio.to_thread(_certificate_at, *self._settings.public_web, pem)
            return hashlib.sha256(der).digest()[:PIN_BYTES]
        if self.context is None:
            return None
        self.load()  # what is told must be what is shown, also where the files have just been renewed
        return bytes.fromhex(fingerprint(self._files()[0]))[:PIN_BYTES]

    def load(self) -> None:
        """Take the certificate that holds now; connections that are there keep theirs."""
        if self.context is None:
            return
        certificate, key = self._files()
        try:
            self.context.load_cert_chain(certificate, key)
        except (OSError, ssl.SSLError) as error:
            raise StartError(
                "certificate",
                f"{certificate} and {key} are no certificate and key: {error}.",
                "Correct certificate and key in [http].",
            ) from None

    async def keep(self) -> None:
        """Renew the certificate before it expires, and take given files anew when somebody has renewed those."""
        while True:
            await asyncio.sleep(RENEW_S)
            try:
                self.load()
            except (StartError, OSError) as error:
                log.error("the certificate of the web interface stays as it is: %s", error)

    def _files(self) -> tuple[Path, Path]:
        settings = self._settings
        if settings.http_certificate and settings.http_key:
            return settings.http_certificate, settings.http_key
        hosts = ["localhost", "127.0.0.1", own_host(settings.http_host)]
        if settings.http_host in ("0.0.0.0", "::"):
            hosts.append(own_address())
        if settings.public_host:
            hosts.append(settings.public_host)
        return self._authority.issue("web", hosts)


def _certificate_at(host: str, port: int, authority_pem: str) -> bytes:
    """Return the DER of the certificate that a reverse proxy shows, verified by the system's authorities or our own."""
    context = ssl.create_default_context()
    context.load_verify_locations(cadata=authority_pem)
    try:
        with socket.create_connection((host, port), PROXY_S) as plain:
            with context.wrap_socket(plain, server_hostname=host) as tls:
                found = tls.getpeercert(binary_form=True)
    except OSError as error:
        raise UnavailableError(
            "web_away",
            f"The web address {host}:{port} that boards would enrol at does not answer by TLS: {error}.",
            "Correct web in [public], or the reverse proxy's certificate.",
        ) from None
    assert found is not None
    return found
