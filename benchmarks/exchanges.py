"""Time exchanges over a seeded network on a virtual clock.

The virtual clock is the node's own crystal, from 0 at its start; the controller's media clock drifts against it. So
what a filter has to find is known exactly at any instant.
"""

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from codec.wire import sync
from hil_sim.impairment import Impairment
from hil_sim.scenario import LinkSettings

SECONDS = 300
_US = 1_000_000
_MEDIA_EPOCH_US = 3_600 * _US
_LOCAL_EPOCH_US = 17 * _US
_SERVICE_NS = 40_000
"""What the controller takes between arrival and reply."""
_DRIFT_PPM = 50.0
_WALK_PPM = 0.01
"""A crystal's random walk in a second, which both filters expect."""
_WARM_PPM, _WARM_S = 2.0, 90.0
"""A board warms after power-up by some 10 K, and its crystal follows; no filter here expects that."""

_FOREIGN_BYTES = 1472
_FOREIGN_LOAD = 1.3
_FOREIGN_S = (0.3, 1.5)
_FOREIGN_EVERY_S = 8.0


@dataclass(frozen=True)
class Network:
    """Both directions of a node's way to the controller.

    bound_us: an estimate this near is called converged. foreign: others' bursts fill the bottleneck of `rate_kbps`,
    each direction for itself.
    """

    up: LinkSettings
    down: LinkSettings
    bound_us: int
    foreign: bool = False

    @property
    def hidden_us(self) -> float:
        """What the path's asymmetry hides from every filter: half of what its constant delays differ by."""
        return (self.up.delay_ms - self.down.delay_ms) * 500.0


def _even(settings: LinkSettings, bound_us: int, foreign: bool = False) -> Network:
    return Network(settings, settings, bound_us, foreign)


NETWORKS = {
    "lan": _even(LinkSettings(delay_ms=5, jitter_ms=2), 1_000),
    "lan_queues": _even(LinkSettings(delay_ms=5, jitter_ms=0.5, rate_kbps=5_000), 1_000, foreign=True),
    "mobile": _even(LinkSettings(delay_ms=60, jitter_ms=20, loss=0.02, burst=4), 5_000),
    "asymmetric": Network(LinkSettings(delay_ms=20, jitter_ms=5), LinkSettings(delay_ms=80, jitter_ms=5), 2_000),
}


class Exchange(NamedTuple):
    """Four stamps, microseconds: sent (local), arrived (media), answered (media), back (local)."""

    t1_us: int
    t2_us: int
    t3_us: int
    t4_us: int


class Crystal:
    """What the media clock shows at a local instant, for SECONDS and a little longer."""

    def __init__(self, seed: int) -> None:
        chance = random.Random(f"crystal {seed}")
        ppm = chance.uniform(-_DRIFT_PPM, _DRIFT_PPM)
        warm_ppm = chance.uniform(-_WARM_PPM, _WARM_PPM)
        self._drift_ppm: list[float] = []
        self._ahead_us = [float(_MEDIA_EPOCH_US)]
        for _ in range(SECONDS + 10):
            self._drift_ppm.append(ppm)
            self._ahead_us.append(self._ahead_us[-1] + ppm)
            ppm += chance.gauss(0.0, _WALK_PPM) + warm_ppm / _WARM_S
            warm_ppm -= warm_ppm / _WARM_S

    def media_us(self, local_ns: int) -> float:
        """Return media microseconds at `local_ns` on the virtual clock."""
        second, rest_ns = divmod(local_ns, 1_000_000_000)
        return local_ns / 1000 + self._ahead_us[second] + self._drift_ppm[second] * rest_ns * 1e-9


class World:
    """A node and its network; the same `seed` and the same instants of asking give the same exchanges."""

    def __init__(self, network: Network, seed: int) -> None:
        self.network = network
        self.crystal = Crystal(seed)
        self._up = _Direction(network.up, network.foreign, f"up {seed}")
        self._down = _Direction(network.down, network.foreign, f"down {seed}")

    def ask(self, now_ns: int) -> tuple[int, Exchange] | None:
        """Return when the answer to a request of `now_ns` is back, and the exchange; None if either is lost."""
        there_ns = self._up.arrival_ns(now_ns)
        if there_ns is None:
            return None
        back_ns = self._down.arrival_ns(there_ns + _SERVICE_NS)
        if back_ns is None:
            return None
        t2_us = int(self.crystal.media_us(there_ns))
        t3_us = int(self.crystal.media_us(there_ns + _SERVICE_NS))
        return back_ns, Exchange(local_us(now_ns), t2_us, t3_us, local_us(back_ns))

    def error_us(self, now_ns: int, media_us: float) -> float:
        """Return how far `media_us` is off as the media time of `now_ns`; what asymmetry hides is left out."""
        return media_us - self.crystal.media_us(now_ns) - self.network.hidden_us


def local_us(now_ns: int) -> int:
    """Return what the node's counter shows at `now_ns` on the virtual clock."""
    return now_ns // 1000 + _LOCAL_EPOCH_US


class _Direction:
    """One direction, others' datagrams included."""

    def __init__(self, settings: LinkSettings, foreign: bool, seed: str) -> None:
        chance = random.Random(seed)
        self._link = Impairment(settings, chance.getrandbits(32))
        self._foreign = _foreign_ns(settings, chance) if foreign else itertools.repeat(1 << 62)
        self._next_ns = next(self._foreign)

    def arrival_ns(self, entered_ns: int) -> int | None:
        while self._next_ns <= entered_ns:
            self._link.arrival_ns(self._next_ns, _FOREIGN_BYTES)
            self._next_ns = next(self._foreign)
        return self._link.arrival_ns(entered_ns, sync.SIZE)


def _foreign_ns(settings: LinkSettings, chance: random.Random) -> Iterator[int]:
    """Yield when others' datagrams enter: downloads that come a little faster than the bottleneck lets them out."""
    gap_ns = int(_FOREIGN_BYTES * 8 * 1_000_000 / (settings.rate_kbps * _FOREIGN_LOAD))
    now_ns = 0
    while True:
        now_ns += int(chance.expovariate(1 / _FOREIGN_EVERY_S) * 1e9)
        for _ in range(int(chance.uniform(*_FOREIGN_S) * 1e9 / gap_ns)):
            now_ns += gap_ns
            yield now_ns
