"""Our own MQTT broker: mosquitto as a supervised child with a generated configuration, TLS and accounts."""

import asyncio
import contextlib
import hashlib
import os
import pwd
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from controller.errors import StartError
from controller.ports import free_port
from controller.storage.files import write_atomically
from controller.supervisor import Child, Supervisor, end

START_S = 5.0
MAX_CONNECTIONS = 10_000
_SYSTEM_FOLDERS = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"
_PLUGIN = "mosquitto_dynamic_security.so"
_PLUGIN_FOLDERS = (
    *("/usr/lib/*-linux-*", "/usr/lib/*-linux-*/mosquitto", "/usr/lib64", "/usr/lib", "/usr/lib/mosquitto"),
    *("/usr/local/lib", "/usr/local/lib/*-linux-*", "/usr/local/lib64", "/opt/homebrew/lib"),
)
_RUN = Path("/run/loaxa")


@dataclass(frozen=True)
class Papers:
    """What the broker starts with. authority: PEM. certificate, key: files. accounts: the plugin's document."""

    authority: str
    certificate: Path
    key: Path
    accounts: bytes


class Broker:
    """A mosquitto that listens at `bind`:`port` (0: any free port), has its files in `folder` and ends with us.

    `papers` is asked at each start, so that a broker that was killed comes back with what holds now.
    """

    def __init__(self, bind: str, port: int, folder: Path, papers: Callable[[], Papers]) -> None:
        self._bind = bind
        self._program = _find("mosquitto")
        self._plugin = find_plugin(_PLUGIN_FOLDERS)
        self.port = free_port(bind, port, "MQTT broker", "broker")
        self._user = _user()
        self._folder = _home(folder, self._user)
        self._papers = papers
        self._supervisor = Supervisor("mosquitto", self._spawn)

    @property
    def host(self) -> str:
        """Where the controller itself connects."""
        return own_host(self._bind)

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._supervisor.pid

    @property
    def restarts(self) -> int:
        """How often it had to be started again."""
        return self._supervisor.restarts

    async def start(self) -> None:
        """Return when the broker answers; raises StartError."""
        await self._supervisor.run()

    async def stop(self) -> None:
        """End the broker and remove its files."""
        await self._supervisor.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def renew(self) -> None:
        """Have it end and start again with new papers; nodes come back by themselves, sound goes on."""
        if self._supervisor.child:
            with contextlib.suppress(ProcessLookupError):
                self._supervisor.child.terminate()

    async def _spawn(self) -> Child:
        configuration, output = self._write()
        with output.open("wb") as log_file:
            process = await asyncio.create_subprocess_exec(
                *_leash(self._user),
                self._program,
                "-c",
                str(configuration),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log_file,
                stderr=log_file,
                start_new_session=True,  # Ctrl-C is for the controller, which then ends the broker in order
            )
        try:
            async with asyncio.timeout(START_S):
                while process.returncode is None and not await _answers(self.host, self.port):
                    await asyncio.sleep(0.02)
        except TimeoutError:
            process.kill()
        except BaseException:  # this start is called off
            await end(process, 0.5)
            raise
        if process.returncode is not None or not await _answers(self.host, self.port):
            await process.wait()
            last = output.read_text(errors="replace").strip().splitlines()[-3:]
            raise StartError("broker", f"mosquitto does not start: {' '.join(last) or 'no answer'}.", "See [broker].")
        return process

    def _write(self) -> tuple[Path, Path]:
        """Write all that it reads, for its own eyes; return its configuration and where its words go."""
        papers = self._papers()
        folder = self._folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o700)
        if self._user:
            folder.parent.chmod(0o711)  # whatever our umask is, it must get through
        files = {
            "mosquitto.conf": configure(self._bind, self.port, self._plugin, folder, self._user).encode(),
            "ca.pem": papers.authority.encode(),
            "broker.pem": papers.certificate.read_bytes(),
            "broker.key": papers.key.read_bytes(),
            "accounts.json": papers.accounts,
        }
        for name, content in files.items():
            write_atomically(folder / name, content, durable=False, mode=0o600)
        if self._user:
            for path in (folder, *(folder / name for name in files)):
                shutil.chown(path, self._user)
        return folder / "mosquitto.conf", folder / "mosquitto.log"


def own_host(bind: str) -> str:
    """Return where this machine itself reaches what is bound to `bind`."""
    return "127.0.0.1" if bind in ("0.0.0.0", "::", "localhost") else bind


def configure(bind: str, port: int, plugin: Path, folder: Path, user: str = "") -> str:
    """Return the text of mosquitto's configuration; `user`: whose rights it takes, empty: it keeps its own."""
    lines = [
        f"listener {port} {bind}",
        f"cafile {folder}/ca.pem",
        f"certfile {folder}/broker.pem",
        f"keyfile {folder}/broker.key",
        "tls_version tlsv1.2",  # or later
        f"max_connections {MAX_CONNECTIONS}",
        "allow_anonymous false",
        f"plugin {plugin}",
        f"plugin_opt_config_file {folder}/accounts.json",
        "allow_zero_length_clientid false",
        "persistence false",  # the controller says everything again when the broker comes back
        "max_packet_size 65536",  # a peer cannot make it hold more; our largest body is 8 KiB
        "max_inflight_messages 100",
        "max_queued_messages 1000",
        "max_queued_bytes 8388608",
        "max_keepalive 120",
        "set_tcp_nodelay true",
        "connection_messages false",
        "log_dest stderr",
        "log_type error",
        "log_type warning",
    ]
    if user:
        lines.append(f"user {user}")
    return "\n".join(lines) + "\n"


def find_plugin(folders: Iterable[str]) -> Path:
    """Return mosquitto's dynamic security plugin, looked for in `folders` (patterns); raises StartError."""
    for pattern in folders:
        for found in sorted(Path("/").glob(f"{pattern.lstrip('/')}/{_PLUGIN}")):
            return found
    raise StartError(
        "broker_plugin_missing",
        f"mosquitto's dynamic security plugin ({_PLUGIN}) is not installed.",
        "It comes with mosquitto 2 (Debian, Ubuntu, Fedora); or name an MQTT broker by host in [broker].",
    )


def _find(program: str) -> str:
    path = shutil.which(program) or shutil.which(program, path=_SYSTEM_FOLDERS)
    if path is None:
        raise StartError(
            "broker_missing",
            f"{program} is not installed.",
            f"Install it (apt-get install {program}), or name an MQTT broker by host in [broker].",
        )
    return path


def _user() -> str:
    """Return whose rights the broker gets when this process is root, else empty."""
    if os.geteuid() != 0:
        return ""
    for name in ("mosquitto", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    return ""


def _home(folder: Path, user: str) -> Path:
    """Return where the broker's files lie: as another user it may not reach into our folder."""
    return _RUN / hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16] if user else folder


def _leash(user: str) -> list[str]:
    """Return a prefix that makes the kernel end the child when this process dies, even by ``kill -9``.

    Rights are given up here and not by mosquitto, because a change of user clears the kernel's note.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return []
    rights = ["--reuid", user, "--regid", str(pwd.getpwnam(user).pw_gid), "--init-groups"] if user else []
    return [setpriv, *rights, "--pdeathsig", "TERM", "--"]


async def _answers(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True
