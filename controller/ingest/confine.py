"""Takes from the child process what a decoder of hostile data does not need, before it reads a byte."""

import ctypes
import os
import resource
import signal
import sys

HEADROOM_BYTES = 512 * 1024 * 1024
"""Address space that a source may take on top of the loaded libraries; a decompression bomb ends here."""
CPU_WITHOUT_SOUND_S = 30
"""Processor seconds that may pass without a second of sound made; an endless loop in a decoder ends here."""
MAX_OPEN_FILES = 64
MAX_FILE_BYTES = 1024 * 1024
"""Of a file that a sound card's library writes: JACK keeps a small database in memory files, and hangs without."""

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38


def die_with(parent_pid: int) -> None:
    """Have the kernel kill this process when process `parent_pid`, its parent, dies."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent_pid:  # it died before the call
        sys.exit(1)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_NO_NEW_PRIVS)")


def limit() -> None:
    """Set the limits: memory, processor time, open files, files written, no core dump."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _lower(resource.RLIMIT_FSIZE, MAX_FILE_BYTES)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write fails with EFBIG instead
    _lower(resource.RLIMIT_NOFILE, MAX_OPEN_FILES)
    _lower(resource.RLIMIT_AS, _address_space_bytes() + HEADROOM_BYTES)
    renew_cpu()


def write_no_file() -> None:
    """Allow no file of any size from now on."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def renew_cpu() -> None:
    """Allow CPU_WITHOUT_SOUND_S more processor seconds from now; called whenever sound was made."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    allowed_s = int(used.ru_utime + used.ru_stime) + CPU_WITHOUT_SOUND_S
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    if hard != resource.RLIM_INFINITY:
        allowed_s = min(allowed_s, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (allowed_s, hard))


def _lower(which: int, value: int) -> None:
    _, hard = resource.getrlimit(which)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(which, (value, value))


def _address_space_bytes() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - read before any library is needed
        return int(file.read().split()[0]) * resource.getpagesize()
