"""Child processes that cannot outlive us: each dies with its parent and is ended by its own id."""

import contextlib
import ctypes
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1
_REALTIME_PRIORITY = 2
_NICE = -5
_libc = ctypes.CDLL(None)


def _die_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def start(
    command: Sequence[str],
    *,
    log: Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    **options: Any,
) -> subprocess.Popen[bytes]:
    """Return a child in a process group of its own; what it prints (but for what is piped) is appended to `log`.

    Must be called from a thread that lives as long as the child should: the kernel ends the child with it.
    """
    with log.open("ab") as output:
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", output)
        return subprocess.Popen(
            command,
            cwd=cwd,
            env=env,
            stderr=output,
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - one call of libc, safe between fork and exec
            **options,
        )


def prefer(pid: int) -> None:
    """Let a simulated node run before ordinary processes, after engine and network; as far as allowed.

    A board has its processor to itself, a host's is shared: what a node does late counts as the firmware's fault.
    """
    try:
        os.sched_setscheduler(pid, os.SCHED_RR, os.sched_param(_REALTIME_PRIORITY))
    except PermissionError:
        with contextlib.suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, pid, _NICE)


def descendants(pid: int) -> list[int]:
    """Return the ids of all children of `pid`, and theirs, from /proc."""
    found = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += [int(child), *descendants(int(child))]
    return found


def command_line(pid: int) -> str:
    """Return the command line of a process, empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def cpu_seconds(pid: int) -> float:
    """Return user and system time that a process has used, without its children's; 0 when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def kill(pid: int) -> None:
    """SIGKILL one process; one that is gone already is no error."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def end(child: subprocess.Popen[bytes], patience_s: float = 5.0) -> None:
    """Ask a child to end, then end it and all that it started."""
    family = descendants(child.pid)
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(patience_s)
        except subprocess.TimeoutExpired:
            family += descendants(child.pid)
            child.kill()
            child.wait()
    for stream in (child.stdin, child.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    for pid in family:
        kill(pid)
