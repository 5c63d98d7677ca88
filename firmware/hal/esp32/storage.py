"""Settings in the ESP32's NVS, which is atomic by itself."""

import esp32

_NAMESPACE = "loaxa"
_SETTINGS = "settings"
_IDENTITY = "identity"
_TRUST = "trust"
_CAUSE = "cause"
_MAX_BYTES = 512
_MAX_TRUST_BYTES = 5000
_MAX_IDENTITY_BYTES = 3900
"""What NVS takes as one blob is little more."""


class Storage:
    """What survives a power cut."""

    def __init__(self):
        self._nvs = esp32.NVS(_NAMESPACE)

    def _get(self, key, most_bytes=_MAX_BYTES):
        buffer = bytearray(most_bytes)
        try:
            return bytes(buffer[: self._nvs.get_blob(key, buffer)])
        except OSError:
            return None

    def load(self):
        """Return the settings' bytes, or None."""
        return self._get(_SETTINGS)

    def save(self, data):
        """Keep the settings' bytes."""
        self._nvs.set_blob(_SETTINGS, data)
        self._nvs.commit()

    def load_identity(self):
        """Return the identity's bytes, or None."""
        return self._get(_IDENTITY, _MAX_IDENTITY_BYTES)

    def save_identity(self, data):
        """Keep the identity's bytes."""
        self._nvs.set_blob(_IDENTITY, data)
        self._nvs.commit()

    def load_trust(self):
        """Return the bytes of the trusted authorities, or None."""
        return self._get(_TRUST, _MAX_TRUST_BYTES)

    def save_trust(self, data):
        """Keep the bytes of the trusted authorities."""
        self._nvs.set_blob(_TRUST, data)
        self._nvs.commit()

    def put_cause(self, cause):
        """Keep why the node restarts."""
        self._nvs.set_blob(_CAUSE, cause.encode())
        self._nvs.commit()

    def take_cause(self):
        """Return the kept cause once, or None."""
        cause = self._get(_CAUSE)
        if cause is None:
            return None
        self._nvs.erase_key(_CAUSE)
        self._nvs.commit()
        return cause.decode()
