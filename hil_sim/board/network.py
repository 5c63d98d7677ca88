"""Stands in for an ESP32's ``network``: a WLAN that is always there, over the host's sockets."""

from _board import now

STA_IF = 0
AP_IF = 1


class WLAN:
    """A station that connects at once."""

    PM_NONE = 0
    PM_PERFORMANCE = 1

    def __init__(self, interface=STA_IF):
        self._active = False
        self._connected = False

    def active(self, active=None):
        """Return whether the radio is on, or switch it."""
        if active is None:
            return self._active
        self._active = active
        return None

    def config(self, *names, **values):
        """Accept any setting."""
        return

    def connect(self, ssid=None, password=None):
        """Join a network."""
        self._connected = True

    def disconnect(self):
        """Leave it."""
        self._connected = False

    def isconnected(self):
        """True when it has an address."""
        return self._active and self._connected

    def status(self, what=None):
        """Return the signal, dBm, for ``"rssi"``."""
        return now("wifi_dbm") if what == "rssi" else 1010

    def ifconfig(self):
        """Return address, mask, gateway, name server."""
        return ("127.0.0.1", "255.0.0.0", "127.0.0.1", "127.0.0.1")


def hostname(name=None):
    """Accept a host name."""
    return name


def country(code=None):
    """Accept a radio country."""
    return code
