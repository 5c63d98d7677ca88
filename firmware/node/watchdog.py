"""Watchdog: the board's is fed only while sound and link both move on."""

TIMEOUT_MS = 8000
"""Of the board's watchdog: longer than any name look-up or handshake that holds the processor."""
AUDIO_STALL_US = 3000000
LINK_STALL_US = 120000000
"""The link may wait long for a network, but its loop must turn."""


class Watchdog:
    """Progress marks of the two tasks that a node is nothing without."""

    def __init__(self, now_us):
        self._audio_us = now_us
        self._link_us = now_us

    def audio(self, now_us):
        """The player has written to the DAC."""
        self._audio_us = now_us

    def link(self, now_us):
        """The link has tried, connected or served."""
        self._link_us = now_us

    def healthy(self, now_us):
        """True while the board's watchdog may be fed."""
        return now_us - self._audio_us < AUDIO_STALL_US and now_us - self._link_us < LINK_STALL_US
