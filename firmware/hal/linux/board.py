"""The HAL of a Linux board, a Raspberry Pi for one, on MicroPython's unix port; at home under systemd."""

import asyncio
import gc
import os
import sys
import time

from firmware.hal import tcp
from firmware.hal.udp import Udp, resolve

from .alsa import Dac
from .opus import Decoder
from .storage import Storage
from .watchdog import Watchdog, exit_process

REBOOT_EXIT_CODE = 75
"""systemd starts the node again (Restart=always)."""

_START_FRAMES = 960
"""Less than the least that the player keeps ahead, or the card would never start."""


class LinuxHal:
    """See firmware/hal."""

    board = "linux"
    stamp_sd_us = 300.0

    def __init__(self, config, folder="."):
        self._config = config
        self._storage = Storage(folder)
        self.ticks_period = time.ticks_add(0, -1) + 1
        self.ticks_us = time.ticks_us
        self.sleep_ms = asyncio.sleep_ms
        self.resolve = tcp.resolve
        self.open_stream = tcp.connect
        self.load_settings = self._storage.load
        self.save_settings = self._storage.save
        self.restart_cause = self._storage.take_cause() or "start"

    def random(self):
        """Return a byte of chance."""
        return os.urandom(1)[0]

    def open_dac(self):
        """Return the configured ALSA device."""
        return Dac(self._config.device, self.ticks_period, max(self._config.fill_ms * 48 - 480, _START_FRAMES))

    def make_decoder(self):
        """Return an Opus decoder."""
        return Decoder(48000, 1)

    async def network_up(self):
        """The system looks after its network."""

    def open_udp(self, host, port):
        """Return the socket to the controller's media address."""
        return Udp(resolve(host, port))

    def open_group(self, host, port):
        """Return a socket that hears a multicast group."""
        udp = Udp(None, resolve("0.0.0.0", port))
        loopback = self._config.media[0].startswith("127.")
        udp.join(host, "127.0.0.1" if loopback else "0.0.0.0")
        return udp

    def reboot(self, cause):
        """End the process; whoever keeps it starts it again."""
        self._storage.put_cause(cause)
        exit_process(REBOOT_EXIT_CODE)

    def watchdog(self, timeout_ms):
        """Return a watchdog that ends the process, and tells systemd's."""
        return Watchdog(timeout_ms)

    def signal_dbm(self):
        """Return the Wi-Fi signal, or None on a cable."""
        try:
            with open("/proc/net/wireless") as file:
                for line in file:
                    fields = line.split()
                    if len(fields) > 3 and fields[0].endswith(":"):
                        return int(float(fields[3]))
        except (OSError, ValueError):
            pass  # no wireless extensions in this kernel
        return None

    def temperature_mc(self):
        """Return the processor's temperature, 0.001 degrees Celsius."""
        try:
            with open("/sys/class/thermal/thermal_zone0/temp") as file:
                return int(file.read())
        except (OSError, ValueError):
            return None

    def storage_free_bytes(self):
        """Return the space in the working folder's file system."""
        found = os.statvfs(".")
        return found[0] * found[3]

    def free_heap_bytes(self):
        """Return what Python's heap has left."""
        return gc.mem_free()

    def log(self, text):
        """Write a line to the journal."""
        print(text)

    def log_exception(self, task, error):
        """Write what ended a task."""
        print(task, "failed:")
        sys.print_exception(error)
