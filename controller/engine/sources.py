"""The pipes that the controller handed over, by session."""

import time
from collections.abc import Callable
from typing import Any

from controller.engine.source import ENDED, PLAYING, STALLED, Source

UNCLAIMED_S = 30.0
"""A pipe that no plan names is closed after this."""
_SAMPLES_PER_MS = 48


class Sources:
    """Opens, replaces and closes sources, and tells by `emit` what they do."""

    def __init__(
        self, emit: Callable[[str, dict[str, Any]], None], monotonic_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._monotonic_ns = monotonic_ns
        self.by_session: dict[str, Source] = {}
        self._emit = emit
        self._told: dict[str, str] = {}
        self._unclaimed_since_s: dict[str, float] = {}
        self._leaving: list[Source] = []

    def add(self, session: str, fd: int, live: bool) -> None:
        """Take over the pipe `fd` for a session; an earlier pipe of it fades out."""
        old = self.by_session.get(session)
        if old:
            self._leaving.append(old)
        self.by_session[session] = Source(session, fd, live)
        self._told.pop(session, None)
        self._unclaimed_since_s[session] = self._monotonic_ns() / 1e9

    def keep(self, sessions: set[str]) -> None:
        """Let go of the sources of sessions that a plan named and no longer does."""
        now_s = self._monotonic_ns() / 1e9
        for session in list(self.by_session):
            since_s = self._unclaimed_since_s.get(session)
            if session in sessions:
                self._unclaimed_since_s.pop(session, None)
            elif since_s is None or now_s - since_s > UNCLAIMED_S:
                self._unclaimed_since_s.pop(session, None)
                self._told.pop(session, None)
                self._leaving.append(self.by_session.pop(session))

    def report(self, media_us: int) -> None:
        """Tell what changed in the block at `media_us`, and close what has faded out."""
        for session, source in self.by_session.items():
            state = source.state
            if state in (PLAYING, STALLED, ENDED) and self._told.get(session) != state:
                self._told[session] = state
                at_us = media_us + source.ended_at * 1000 // _SAMPLES_PER_MS
                self._emit("source", {"session": session, "state": state, "media_us": at_us})
        self.sweep()

    def sweep(self) -> None:
        """Close the sources that left and that nobody mixes any more."""
        for source in [source for source in self._leaving if not source.is_tapped]:
            source.close()
            self._leaving.remove(source)

    def close(self) -> None:
        """Close every pipe."""
        for source in [*self.by_session.values(), *self._leaving]:
            source.close()
