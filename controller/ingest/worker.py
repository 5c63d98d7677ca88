"""One child process as the pool sees it: begin, give it a job, hear its messages, end it."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from . import events
from .child import JOB
from .errors import IngestError
from .events import Failed

START_TIMEOUT_S = 30.0
TAKE_TIMEOUT_S = 5.0
MAX_STDERR_BYTES = 4096
_PASSED_ON = (
    "ALSA_CONFIG_PATH", "HOME", "LANG", "LC_ALL", "PATH", "PULSE_COOKIE", "PULSE_SERVER", "SSL_CERT_DIR",
    "SSL_CERT_FILE", "XDG_RUNTIME_DIR", "http_proxy", "https_proxy", "no_proxy",
)  # fmt: skip
"""Of the environment, what a child may see; secrets of the controller are not among it."""
_ROOT = Path(__file__).resolve().parents[2]


class Worker:
    """A child that waits for a job, or has one."""

    def __init__(
        self, process: asyncio.subprocess.Process, control: socket.socket, reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:  # fmt: skip
        self._process = process
        self._control = control
        self._reader = reader
        self._writer = writer
        self._killed = False
        self._stderr = b""
        self._stderr_task = asyncio.create_task(self._keep_stderr())

    @property
    def pid(self) -> int:
        """Process id of the child, also its process group."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """False once the child has ended."""
        return self._process.returncode is None and not self._reader.at_eof()

    @classmethod
    async def spawn(cls) -> "Worker":
        """Return a child that is ready for a job; raises IngestError("no_child"). Not to be cancelled."""
        ours, theirs = socket.socketpair()
        with theirs:
            theirs.set_inheritable(True)
            environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
            environment |= {"PYTHONPATH": str(_ROOT), "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
            try:
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-s", "-P", "-m", "controller.ingest.child"),
                    *(str(theirs.fileno()), str(os.getpid())),
                    pass_fds=[theirs.fileno()],
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.DEVNULL,
                    stderr=asyncio.subprocess.PIPE,
                    env=environment,
                    start_new_session=True,  # its children die with it; our terminal's Ctrl-C is not theirs
                )
            except OSError as error:
                ours.close()
                raise IngestError("no_child", f"no process can be started for a source: {error.strerror}") from None
        reader, writer = await asyncio.open_unix_connection(sock=ours, limit=events.MAX_LINE_BYTES)
        worker = cls(process, ours, reader, writer)
        message = None
        with contextlib.suppress(TimeoutError):
            message = await worker._message(START_TIMEOUT_S)
        if message is None or message["event"] != "ready":
            await worker.kill()
            raise IngestError("no_child", f"the process for a source does not start: {worker.last_words}")
        return worker

    async def give(self, job: dict[str, Any], fd: int | None = None) -> None:
        """Hand over the job, and a duplicate of `fd` with it; raises OSError unless the child takes it."""
        # One byte into an empty socket never blocks, so the descriptor can go by the raw socket.
        socket.send_fds(self._control, [JOB], [] if fd is None else [fd])
        self._writer.write(json.dumps(job).encode() + b"\n")
        await self._writer.drain()
        message = await self._message(TAKE_TIMEOUT_S)
        if message is None or message["event"] != "taken":
            raise ConnectionError("the child died before it took its job")

    async def messages(self, silent_for_s: float) -> AsyncGenerator[dict[str, Any], None]:
        """Yield the child's messages until it ends; raises TimeoutError when none comes for so long."""
        while (message := await self._message(silent_for_s)) is not None:
            yield message

    async def kill(self) -> None:
        """End the child and all that it started, at once; returns when it is gone."""
        self._killed = True
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        await self._process.wait()
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()
        await self._stderr_task

    async def autopsy(self) -> Failed:
        """Return why the child died without a last message, in words for people."""
        if self._process.returncode is None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), 2.0)
        code = self._process.returncode
        await self.kill()
        if code == -signal.SIGXCPU:
            return Failed("too_slow", "the source kept the processor busy without giving sound; is the file broken?")
        if code == -signal.SIGKILL:
            return Failed("killed", "the source's process was killed; is the computer out of memory?")
        if code is not None and code < 0:
            name = signal.Signals(-code).name
            return Failed("crashed", f"the source's process crashed ({name}); try again, or another source")
        return Failed("crashed", f"the source's process ended unexpectedly: {self.last_words}")

    @property
    def last_words(self) -> str:
        """The last line that the child wrote to its standard error."""
        lines = self._stderr.decode(errors="replace").strip().splitlines()
        return lines[-1][:200] if lines else f"exit code {self._process.returncode}"

    async def _message(self, timeout_s: float) -> dict[str, Any] | None:
        async with asyncio.timeout(timeout_s):
            while True:
                try:
                    line = await self._reader.readuntil()
                except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
                    return None
                if (message := events.parse_line(line)) is not None:
                    return message

    async def _keep_stderr(self) -> None:
        assert self._process.stderr is not None
        while data := await self._process.stderr.read(MAX_STDERR_BYTES):
            self._stderr = (self._stderr + data)[-MAX_STDERR_BYTES:]
