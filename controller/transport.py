"""How messages reach the nodes: the authority, the broker, its accounts and the link, made to fit one another."""

import asyncio
import logging
import ssl
from pathlib import Path

from controller.chains import Chains
from controller.errors import StartError, UnavailableError
from controller.link.accounts import CONTROLLER, Accounts
from controller.link.broker import Broker, Papers, own_host
from controller.link.nodes import Link, Login
from controller.pki import BROKER_NAME, Authority
from controller.reports import Reports
from controller.rotation import Rotation
from controller.settings import Settings
from controller.stations import Stations

log = logging.getLogger(__name__)

MAX_CA_CHARS = 2048
"""What a node takes."""


class Transport:
    """The way to the nodes. chains: what is said to whole zones is sealed by them.

    broker: our own, None where another is configured.
    """

    def __init__(self, settings: Settings, stations: Stations, reports: Reports, chains: Chains) -> None:
        self.authority = Authority(settings.folder / "pki")
        self.broker: Broker | None = None
        self._accounts = Accounts()
        self._settings = settings
        self._stations = stations
        self._reports = reports
        self._chains = chains
        self.rotation = Rotation(self.authority, stations, reports)
        self._rotating: asyncio.Task[None] | None = None
        self._outside_ca = _read_ca(settings.broker_ca) if settings.broker_host and settings.broker_tls else None

    def node_ca(self) -> str | None:
        """Return the authority in PEM by which a node knows the broker; None: it speaks in the clear."""
        return self._outside_ca if self._settings.broker_host else self.authority.certificate_pem

    async def start(self) -> None:
        """Start the broker and connect to it; raises StartError."""
        settings = self._settings
        if settings.broker_host:
            link = Link(_outside_login(settings, self._outside_ca), self._reports, self._chains)
        else:
            self._accounts.want(await self._stations.nodes())
            self.broker = Broker(settings.broker_bind, settings.broker_port, settings.folder / "broker", self._papers)
            await self.broker.start()
            login = Login(self.broker.host, self.broker.port, CONTROLLER, self._accounts.password, self._own_tls)
            link = Link(login, self._reports, self._chains, self._accounts)
            self._stations.changed.insert(0, self._admit)
        self._reports.link = link
        await link.start()
        if self.broker:
            self.rotation.switched.append(self.broker.renew)
            self._rotating = asyncio.create_task(self.rotation.run(), name="rotation")

    async def stop(self) -> None:
        """Let go of the broker."""
        if self._rotating:
            self._rotating.cancel()
            await asyncio.gather(self._rotating, return_exceptions=True)
        if self._reports.link:
            await self._reports.link.stop()
        if self.broker:
            await self.broker.stop()

    def _papers(self) -> Papers:
        hosts = [BROKER_NAME, own_host(self._settings.broker_bind)]
        certificate, key = self.authority.issue("broker", hosts)
        return Papers(self.authority.certificate_pem, certificate, key, self._accounts.document())

    def _own_tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self.authority.certificate_pem)

    async def _admit(self) -> None:
        """Have the broker know who is a node now: whoever is no more is out when this returns."""
        self._accounts.want(await self._stations.nodes())
        assert self._reports.link is not None
        assert self.broker is not None
        try:
            await self._reports.link.admit()
        except UnavailableError as error:
            log.error("%s; the broker starts anew, with the accounts as they should be", error)
            self.broker.renew()


def _read_ca(path: Path | None) -> str:
    """Return the text of a PEM file for nodes; raises StartError."""
    try:
        text = path.read_text() if path else ""
        ssl.create_default_context(cadata=text)
    except (OSError, ValueError, ssl.SSLError) as error:
        raise StartError("broker_ca", f"{path} is no certificate: {error}.", "Correct ca in [broker].") from None
    if len(text) > MAX_CA_CHARS:
        raise StartError(
            "broker_ca", f"{path} has more than {MAX_CA_CHARS} characters.", "Nodes hold one certificate: give that."
        )
    return text


def _outside_login(settings: Settings, ca: str | None) -> Login:
    password = settings.broker_password
    if settings.broker_password_file:
        try:
            password = settings.broker_password_file.read_text().rstrip("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise StartError(
                "settings",
                f"{settings.broker_password_file} cannot be read: {error}.",
                "Correct password_file in [broker].",
            ) from None
    return Login(
        settings.broker_host,
        settings.broker_port,
        settings.broker_username or None,
        password or None,
        (lambda: ssl.create_default_context(cadata=ca)) if ca else None,
    )
