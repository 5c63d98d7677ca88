"""The HAL of a Linux board, a Raspberry Pi for one, on MicroPython's unix port; at home under systemd."""

import time

from firmware.hal.common import Hal

from .alsa import Dac
from .clock import raw_us
from .opus import Decoder
from .storage import Storage
from .watchdog import Watchdog, exit_process

REBOOT_EXIT_CODE = 75
"""systemd starts the node again (Restart=always)."""

_START_FRAMES = 960
"""Less than the least that the player keeps ahead, or the card would never start."""


class LinuxHal(Hal):
    """See firmware/hal."""

    board = "linux"
    disk = "."
    stamp_sd_us = 300.0

    def __init__(self, config, folder="."):
        super().__init__(config, Storage(folder), "start")
        self.ticks_period = time.ticks_add(0, -1) + 1

    def ticks_us(self):
        """Return the crystal's microseconds."""
        return raw_us() & (self.ticks_period - 1)

    def open_dac(self):
        """Return the configured ALSA device."""
        return Dac(self._config.device, self.ticks_period, max(self._config.fill_ms * 48 - 480, _START_FRAMES))

    def make_decoder(self):
        """Return an Opus decoder."""
        return Decoder(48000, 1)

    async def network_up(self):
        """The system looks after its network."""

    def reboot(self, cause):
        """End the process; whoever keeps it starts it again."""
        self._storage.put_cause(cause)
        exit_process(REBOOT_EXIT_CODE)

    def watchdog(self, timeout_ms):
        """Return a watchdog that ends the process, and tells systemd's."""
        return Watchdog(timeout_ms)

    def serial(self):
        """Return the board's serial number, else the system's own id."""
        for path in ("/proc/device-tree/serial-number", "/etc/machine-id"):
            try:
                with open(path) as file:
                    return file.read(64).strip("\0\n ")
            except (OSError, UnicodeError):
                pass  # not on this board
        return ""

    def wifi_dbm(self):
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
