"""Our own MQTT broker: mosquitto as a supervised child with a generated configuration."""

import asyncio
import contextlib
import os
import pwd
import shutil
from pathlib import Path

from controller.errors import StartError
from controller.ports import free_port
from controller.supervisor import Child, Supervisor, end

START_S = 5.0
_SYSTEM_FOLDERS = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"


class Broker:
    """A mosquitto that listens at `bind`:`port` (0: any free port), has its files in `folder` and ends with us."""

    def __init__(self, bind: str, port: int, folder: Path) -> None:
        self._bind = bind
        self._program = _find("mosquitto")
        self.port = free_port(bind, port, "MQTT broker", "broker")
        self._folder = folder
        self._supervisor = Supervisor("mosquitto", self._spawn)

    @property
    def host(self) -> str:
        """Where the controller itself connects."""
        return "127.0.0.1" if self._bind in ("0.0.0.0", "::", "localhost") else self._bind

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

    async def _spawn(self) -> Child:
        user = _user()
        self._folder.mkdir(parents=True, exist_ok=True)
        configuration = self._folder / "mosquitto.conf"
        configuration.write_text(configure(self._bind, self.port, user))
        configuration.chmod(0o644)
        output = self._folder / "mosquitto.log"
        # It is handed its configuration open: under another user it may not reach into our folder.
        with configuration.open("rb") as text, output.open("wb") as log_file:
            process = await asyncio.create_subprocess_exec(
                *_leash(user),
                self._program,
                "-c",
                "/dev/stdin",
                stdin=text,
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


def configure(bind: str, port: int, user: str = "") -> str:
    """Return the text of mosquitto's configuration; `user`: whose rights it takes, empty: it keeps its own."""
    lines = [
        f"listener {port} {bind}",
        # The one place where TLS (cafile, certfile, keyfile) and accounts (dynamic security plugin) belong.
        "allow_anonymous true",
        "persistence false",  # the controller says everything again when the broker comes back
        "max_packet_size 65536",  # a peer cannot make it hold more; our largest body is 8 KiB
        "max_inflight_messages 100",
        "max_queued_messages 1000",
        "set_tcp_nodelay true",
        "connection_messages false",
        "log_dest stderr",
        "log_type error",
        "log_type warning",
    ]
    if user:
        lines.append(f"user {user}")
    return "\n".join(lines) + "\n"


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
