"""What an engine stands on: clocks, a timer, threads, chance and the codec. A run in virtual time brings its own."""

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from codec.opus import Encoder
from codec.profile import Profile
from controller.engine.pacer import Alarm
from controller.engine.workers import Workers


class Coder(Protocol):
    """One encoder and its state."""

    def encode_into(self, pcm: Any, out: Any) -> int:
        """Encode one frame of int16 `pcm` into the writable buffer `out`; return how many bytes it took."""

    def clone(self) -> "Coder":
        """Return an encoder in the same state."""


class Timer(Protocol):
    """Waits for instants of the ground's monotonic clock."""

    async def wait_until(self, mono_ns: int) -> None:
        """Return when the clock is at `mono_ns` or later."""

    def close(self) -> None:
        """Free it."""


class Crew(Protocol):
    """Who does the jobs of a block. failures: how many jobs raised."""

    failures: int

    async def run(self, jobs: Sequence[Callable[[], None]]) -> None:
        """Return when all are done."""

    def close(self) -> None:
        """End."""


@dataclass(frozen=True)
class Ground:
    """By default this machine.

    monotonic_ns: CLOCK_MONOTONIC. utc_ns: UTC since 1970. alarm: makes a timer. crew: makes the workers, given their
    number. coder: makes an encoder. randbits: so many bits that nobody can guess.
    """

    monotonic_ns: Callable[[], int] = time.monotonic_ns
    utc_ns: Callable[[], int] = time.time_ns
    alarm: Callable[[], Timer] = Alarm
    crew: Callable[[int], Crew] = Workers
    coder: Callable[[Profile], Coder] = Encoder.of_profile
    randbits: Callable[[int], int] = secrets.randbits


MACHINE = Ground()
