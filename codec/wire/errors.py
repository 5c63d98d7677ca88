"""The errors of the wire."""


class WireError(ValueError):
    """Bytes or text from a peer that are not what the protocol allows; nothing of them was acted on."""


class ForgedError(WireError):
    """It is well formed, and not from who alone may say it."""
