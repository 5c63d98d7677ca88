"""A watchdog for a process: an alarm that ends it, and systemd's (sd_notify) where the unit asks for one."""

import os
import socket
import struct
from array import array

import ffi

_libc = ffi.open("libc.so.6")
_setitimer = _libc.func("i", "setitimer", "ipp")
exit_process = _libc.func("v", "_exit", "i")
_ITIMER_REAL = 0
_AF_UNIX = 1


class Watchdog:
    """Unless it is fed for `timeout_ms`, SIGALRM ends the process, however busy the interpreter is."""

    def __init__(self, timeout_ms):
        self._interval = array("l", [0, 0, timeout_ms // 1000, timeout_ms % 1000 * 1000])
        self._notify = _connect(os.getenv("NOTIFY_SOCKET"))
        self._tell(b"READY=1")
        self.feed()

    def feed(self):
        """Put the end off."""
        _setitimer(_ITIMER_REAL, self._interval, None)
        self._tell(b"WATCHDOG=1")

    def _tell(self, text):
        if self._notify is not None:
            try:
                self._notify.send(text)
            except OSError:
                pass  # systemd itself restarts


def _connect(path):
    """Return a datagram socket to systemd, or None where it did not start us; '@' is the abstract name
    space."""
    if not path:
        return None
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.setblocking(False)
    name = path.encode()
    if name[0] == 0x40:
        name = b"\0" + name[1:]
    else:
        name += b"\0"
    notify.connect(struct.pack("H", _AF_UNIX) + name)
    return notify
