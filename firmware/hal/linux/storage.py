"""Settings in files, replaced as a whole: after a power cut there is the old one or the new one."""

import os

import ffi

_SETTINGS = "settings.json"
_IDENTITY = "identity.json"
_TRUST = "trust.json"
_CAUSE = "restart-cause"
_OTHERS = 0o077

_libc = ffi.open("libc.so.6")
_fsync = _libc.func("i", "fsync", "i")
_umask = _libc.func("i", "umask", "i")


class Storage:
    """What survives, in `folder`."""

    def __init__(self, folder):
        self._folder = folder + "/"

    def _read(self, name):
        try:
            with open(self._folder + name, "rb") as file:
                return file.read()
        except OSError:
            return None

    def _write(self, name, data):
        path = self._folder + name
        with open(path + ".new", "wb") as file:
            file.write(data)
            file.flush()
            _fsync(file.fileno())
        os.rename(path + ".new", path)

    def load(self):
        """Return the settings' bytes, or None."""
        return self._read(_SETTINGS)

    def save(self, data):
        """Keep the settings' bytes."""
        self._write(_SETTINGS, data)

    def load_identity(self):
        """Return the identity's bytes, or None."""
        return self._read(_IDENTITY)

    def save_identity(self, data):
        """Keep the identity's bytes, in a file of mode 0600: its key is this node."""
        before = _umask(_OTHERS)
        try:
            self._write(_IDENTITY, data)
        finally:
            _umask(before)

    def load_trust(self):
        """Return the bytes of the trusted authorities, or None."""
        return self._read(_TRUST)

    def save_trust(self, data):
        """Keep the bytes of the trusted authorities."""
        self._write(_TRUST, data)

    def put_cause(self, cause):
        """Keep why the node restarts."""
        self._write(_CAUSE, cause.encode())

    def take_cause(self):
        """Return the kept cause once, or None."""
        cause = self._read(_CAUSE)
        if cause is None:
            return None
        os.remove(self._folder + _CAUSE)
        return cause.decode()
