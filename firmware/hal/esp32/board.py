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
        self._pins = {}
        self.stamp_sd_us = stamp_sd_us()
        for name, sensor in config.sensors.items():
            if isinstance(sensor[0], str):
                self.log("sensors.%s: this board has pins, not files; it is not read" % name)

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
        """Join the configured Wi-Fi; OSError when it cannot be joined now.

        A cable or a modem is the affair of the board's boot.py, and `link` says that it is there.
        """
        if self._config.link not in (None, "wifi"):
            return
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

    def link(self):
        """Return by what the controller is reached: Wi-Fi where it is joined, else what is configured."""
        if self._wlan is None:
            return self._config.link
        return "wifi" if self._wlan.isconnected() else None

    def wifi_dbm(self):
        """Return the Wi-Fi signal, None while it is not joined."""
        try:
            return self._wlan.status("rssi") if self._wlan.isconnected() else None
        except (OSError, AttributeError):
            return None

    def reading(self, pin):
        """Return the millivolts at a pin, the mean of four readings; None where the pin cannot tell."""
        try:
            adc = self._pins.get(pin)
            if adc is None:
                # 11 dB: up to 2.45 V or more, by the chip.
                adc = self._pins[pin] = machine.ADC(machine.Pin(pin), atten=machine.ADC.ATTN_11DB)
            return (adc.read_uv() + adc.read_uv() + adc.read_uv() + adc.read_uv()) // 4000
        except (OSError, ValueError, TypeError):  # no pin, none of the ADC's, or one that Wi-Fi has taken (ADC2)
            return None

    def level(self, pin):
        """Return the level of a pin, pulled up where the chip can."""
        try:
            found = self._pins.get(pin)
            if found is None:
                found = self._pins[pin] = machine.Pin(pin, machine.Pin.IN, machine.Pin.PULL_UP)
            return found.value()
        except (OSError, ValueError, TypeError):
            return None

    def temperature_mc(self):
        """Return the temperature, 0.001 degrees Celsius: of a sensor, else of the chip."""
        if "temperature" in self._config.sensors:
            return self.value("temperature")
        try:
            return int(esp32.mcu_temperature() * 1000)
        except AttributeError:  # the first ESP32 has no sensor of use
            return None
