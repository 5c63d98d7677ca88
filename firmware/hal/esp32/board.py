"""The HAL of an ESP32. In the simulator the same code runs over hil_sim/board."""

import asyncio
import time
from binascii import hexlify

import esp32
import machine
import network

from firmware.hal.common import Hal
from firmware.hal.tcp import connect

from .dac import open_dac, stamp_sd_us
from .storage import Storage

_CAUSES = {
    1: "power",
    2: "reset",
    3: "watchdog",
    4: "deep sleep",
    5: "soft reset",
}
_CONNECT_TIMEOUT_MS = 20000
_FIRST_YEAR = 2025
"""A calendar that shows less was never set."""


class Esp32Hal(Hal):
    """See firmware/hal."""

    ticks_period = 1 << 30
    ticks_us = staticmethod(time.ticks_us)
    board = "esp32"
    disk = "/"

    def __init__(self, config):
        super().__init__(config, Storage(), _CAUSES.get(machine.reset_cause(), "unknown"))
        self._wlan = None
        self.stamp_sd_us = stamp_sd_us()

    async def open_stream(self, address, authorities):
        """Return streams to a TCP peer, with TLS where there are authorities."""
        if authorities and time.gmtime()[0] < _FIRST_YEAR:
            from firmware.hal.certificate import begins

            # The chip has no calendar, and by it every certificate would be of the future. The broker's begin when
            # their authority does (controller/pki.py).
            year, month, day, hour, minute, second = max([begins(pem) for pem in authorities])
            machine.RTC().datetime((year, month, day, 0, hour, minute, second, 0))
        return await connect(address, authorities)

    def open_dac(self):
        """Return the DAC on the configured pins."""
        return open_dac(self._config.pins)

    def make_decoder(self):
        """Return an Opus decoder; the firmware must have been built with firmware/cmodules/opus."""
        import opus

        return opus.Decoder(48000, 1)

    async def network_up(self):
        """Join the configured Wi-Fi; OSError when it cannot be joined now."""
        self._wlan = wlan = network.WLAN(network.STA_IF)
        wlan.active(True)
        # Power save delays packets by up to a beacon interval, 100 ms: no lead would hold.
        wlan.config(pm=network.WLAN.PM_NONE)
        if wlan.isconnected():
            return
        ssid, password = self._config.wifi or (None, None)
        wlan.connect(ssid, password)
        for _ in range(_CONNECT_TIMEOUT_MS // 100):
            if wlan.isconnected():
                return
            await asyncio.sleep_ms(100)
        wlan.disconnect()
        raise OSError("no Wi-Fi: status %s" % wlan.status())

    def reboot(self, cause):
        """Restart the chip."""
        self._storage.put_cause(cause)
        machine.reset()

    def watchdog(self, timeout_ms):
        """Start the hardware watchdog."""
        return machine.WDT(timeout=timeout_ms)

    def serial(self):
        """Return the chip's own number."""
        return hexlify(machine.unique_id()).decode()

    def wifi_dbm(self):
        """Return the Wi-Fi signal."""
        try:
            return self._wlan.status("rssi")
        except (OSError, AttributeError):
            return None

    def temperature_mc(self):
        """Return the chip's temperature, 0.001 degrees Celsius."""
        try:
            return int(esp32.mcu_temperature() * 1000)
        except AttributeError:  # the first ESP32 has no sensor of use
            return None
