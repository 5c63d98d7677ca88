"""What a HAL does alike on every board that has MicroPython's asyncio, sockets and file system."""

import asyncio
import gc
import os
import sys

from . import secure, tcp
from .sensing import Sensing
from .udp import MAX_DATAGRAM_BYTES, Udp, resolve

_LOOPBACK = "127.0.0.1"


class Hal(Sensing):
    """See firmware/hal; a board adds the rest of it; `disk`, a folder of its file system; and what `Sensing` needs."""

    def __init__(self, config, storage, cause):
        """`cause` is why the node started, unless the storage knows better."""
        self._config = config
        self._storage = storage
        self.sleep_ms = asyncio.sleep_ms
        self.resolve = tcp.resolve
        self.check_authority = tcp.check_authority
        self.load_settings = storage.load
        self.save_settings = storage.save
        self.load_identity = storage.load_identity
        self.save_identity = storage.save_identity
        self.open_pinned = secure.open_pinned
        self.load_trust = storage.load_trust
        self.save_trust = storage.save_trust
        self.restart_cause = storage.take_cause() or cause

    async def open_stream(self, address, authorities):
        """Return streams to a TCP peer, with TLS where there are authorities."""
        return await tcp.connect(address, authorities)

    def random(self):
        """Return a byte of chance."""
        return os.urandom(1)[0]

    def open_udp(self, host, port):
        """Return the socket to the controller's media address."""
        return Udp(resolve(host, port))

    def open_group(self, host, port, most_bytes=MAX_DATAGRAM_BYTES):
        """Return a socket that hears a multicast group."""
        udp = Udp(None, resolve("0.0.0.0", port), most_bytes)
        udp.join(host, _LOOPBACK if self._alone() else "0.0.0.0")
        return udp

    def open_lan(self, host, port, most_bytes):
        """Return a socket that sends to a multicast group of the LAN."""
        # Linux sends multicast with TTL 1, as it should be; an ESP32's sockets have no way to say so.
        udp = Udp(resolve(host, port), None, most_bytes)
        if self._alone():
            udp.send_by(_LOOPBACK)
        return udp

    def _alone(self):
        """True where all of the village is on this machine."""
        return self._config.media[0].startswith("127.")

    def storage_free_bytes(self):
        """Return the space left in the file system."""
        found = os.statvfs(self.disk)
        return found[1] * found[4]

    def storage_total_bytes(self):
        """Return the space that the file system has."""
        found = os.statvfs(self.disk)
        return found[1] * found[2]

    def free_heap_bytes(self):
        """Return what Python's heap has left."""
        return gc.mem_free()

    def ask(self, prompt):
        """Return a line from the console."""
        try:
            return input(prompt)
        except EOFError:
            return ""

    def log(self, text):
        """Write a line to the console, which systemd takes into the journal."""
        print(text)

    def log_exception(self, task, error):
        """Write what ended a task."""
        print(task, "failed:")
        sys.print_exception(error)
