"""Stands in for the ``esp32`` module: NVS in a file beside ``node.json``, the processor's temperature."""

import json
import os

from _board import now

_FILE = "nvs.json"
_MAX_KEY_CHARS = 15  # as in ESP-IDF


def _check(key):
    if len(key) > _MAX_KEY_CHARS:
        raise OSError(-0x1109, "ESP_ERR_NVS_KEY_TOO_LONG")
    return key


class NVS:
    """One namespace of the non-volatile storage; what is not committed does not survive."""

    def __init__(self, namespace):
        self._namespace = _check(namespace)
        self._values = {}
        try:
            with open(_FILE) as file:
                self._values = json.load(file)
        except (OSError, ValueError):
            pass

    def _get(self, key):
        try:
            return self._values[self._namespace + "/" + _check(key)]
        except KeyError:
            raise OSError(-0x1102, "ESP_ERR_NVS_NOT_FOUND")

    def get_i32(self, key):
        """Return an integer; raises OSError where there is none."""
        return self._get(key)

    def set_i32(self, key, value):
        """Set an integer of 32 bits."""
        if not -(1 << 31) <= value < 1 << 31:
            raise OverflowError("value out of range for i32")
        self._values[self._namespace + "/" + _check(key)] = value

    def get_blob(self, key, buffer):
        """Read into `buffer`; return the length."""
        data = self._get(key).encode()
        if len(data) > len(buffer):
            raise OSError(-0x110C, "ESP_ERR_NVS_INVALID_LENGTH")
        buffer[: len(data)] = data
        return len(data)

    def set_blob(self, key, value):
        """Set bytes (text here, so that the file can be read)."""
        self._values[self._namespace + "/" + _check(key)] = bytes(value).decode()

    def erase_key(self, key):
        """Forget a key; raises OSError where there is none."""
        self._get(key)
        del self._values[self._namespace + "/" + key]

    def commit(self):
        """Make it last: a power cut leaves the old file or the new one."""
        with open(_FILE + ".new", "w") as file:
            json.dump(self._values, file)
        os.rename(_FILE + ".new", _FILE)


def mcu_temperature():
    """Return the processor's temperature, degrees Celsius."""
    return now("temperature_c")
