"""The HAL of a Linux board, a Raspberry Pi for one, on MicroPython's unix port; at home under systemd."""

import time

from firmware.hal.common import Hal

from . import route
from .alsa import Dac
from .clock import raw_us
from .files import number_in
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
        for name, sensor in config.sensors.items():
            if not isinstance(sensor[0], str):
                self.log("sensors.%s: this board has files, not pins; it is not read" % name)
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

    def link(self):
        """Return what the default route goes by, unless node.json knows better."""
        return self._config.link or route.kind(route.default_interface())

    def wifi_dbm(self):
        """Return the signal of the Wi-Fi that the default route goes by, or None."""
        return route.wifi_dbm(route.default_interface())

    def reading(self, file):
        """Return the number in a file, as drivers of sensors have them, or None."""
        return number_in(file) if isinstance(file, str) else None

    def level(self, file):
        """Return 0 or 1 by the number in a file, or None."""
        found = self.reading(file)
        return None if found is None else int(found != 0)

    def temperature_mc(self):
        """Return the temperature, 0.001 degrees Celsius: of a sensor, else of the processor."""
        if "temperature" in self._config.sensors:
            return self.value("temperature")
        found = number_in("/sys/class/thermal/thermal_zone0/temp")
        return None if found is None else round(found)
