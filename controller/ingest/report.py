"""The child's voice towards the pool: one JSON message a line, and a sign of life every second."""

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

from . import confine

BEAT_S = 1.0


class Report:
    """Sends status messages. Used by the child's main thread; the sign of life has a thread of its own.

    position_us, dropped_us, detail: kept up to date by whoever makes the sound, sent with every sign of life.
    """

    def __init__(self, control: socket.socket) -> None:
        self.position_us = 0
        self.dropped_us = 0
        self.detail: dict[str, int] = {}
        self._control = control
        self._lock = threading.Lock()
        self._busy_since_s: float | None = None
        self._started = False

    def start_beating(self) -> None:
        """Begin to send the sign of life; the wait for a job before was no work."""
        self._busy_since_s = time.monotonic()
        threading.Thread(target=self._beat, name="beat", daemon=True).start()

    def send(self, event: str, **fields: Any) -> None:
        """Send one message; ends the process when the controller is gone."""
        line = json.dumps({"event": event, **fields}).encode() + b"\n"
        with self._lock:
            try:
                self._control.sendall(line)
            except OSError:
                os._exit(1)

    def started(self) -> None:
        """Tell that the source is open; only the first call counts."""
        if not self._started:
            self._started = True
            self.send("started")

    def advance(self, position_us: int) -> None:
        """Note that sound was made up to `position_us` of the source."""
        self.position_us = position_us
        self._busy_since_s = time.monotonic()

    def idle(self) -> None:
        """Mark what follows as waiting, until the next sound."""
        self._busy_since_s = None

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Mark the body as waiting for reader, network or sound card: that is no hang."""
        self._busy_since_s = None
        try:
            yield
        finally:
            self._busy_since_s = time.monotonic()

    def _beat(self) -> None:
        position_us = -1
        while True:
            if self.position_us != position_us:
                position_us = self.position_us
                confine.renew_cpu()
            since_s = self._busy_since_s
            busy_s = 0.0 if since_s is None else time.monotonic() - since_s
            self.send(
                "beat",
                position_us=position_us,
                dropped_us=self.dropped_us,
                busy_s=round(busy_s, 3),
                detail=dict(self.detail),
            )
            time.sleep(BEAT_S)
