"""What one direction of a node's link does to datagrams: when each arrives, or that it is lost. No I/O."""

import random

from hil_sim.scenario import LinkSettings

QUEUE_S = 0.3
"""A bottleneck drops what would wait longer than this before it; home routers keep about as much."""
UDP_IP_BYTES = 28
MOST_AGAIN_NS = 20_000_000
"""A copy comes so much after its original at most."""
_NS = 1_000_000_000


class Impairment:
    """One direction of a link. `seed` makes it repeatable for the same datagrams at the same times."""

    def __init__(self, settings: LinkSettings, seed: int) -> None:
        self._settings = settings
        self._random = random.Random(seed)
        self._lossy = False
        self._free_ns = 0

    def arrival_ns(self, entered_ns: int, size: int) -> int | None:
        """Return when `size` bytes that entered at `entered_ns` arrive; None when they are lost.

        Loss comes first, then the bottleneck's queue, then delay and jitter; so jitter makes datagrams overtake.
        """
        if self._loses():
            return None
        leaves_ns = entered_ns
        if self._settings.rate_kbps > 0:
            starts_ns = max(entered_ns, self._free_ns)
            if starts_ns - entered_ns > QUEUE_S * _NS:
                return None
            self._free_ns = starts_ns + int((size + UDP_IP_BYTES) * 8 * 1_000_000 / self._settings.rate_kbps)
            leaves_ns = self._free_ns
        jitter_ms = self._random.gauss(0.0, self._settings.jitter_ms) if self._settings.jitter_ms else 0.0
        return leaves_ns + int(max(self._settings.delay_ms + jitter_ms, 0.0) * 1_000_000)

    def again_ns(self) -> int | None:
        """Return how long after a datagram its copy arrives; None when it has none."""
        if not self._settings.duplicate or self._random.random() >= self._settings.duplicate:
            return None
        return int(self._random.uniform(0.0, MOST_AGAIN_NS))

    def _loses(self) -> bool:
        """Step the loss model: independent, or Gilbert's two states (E. N. Gilbert, BSTJ 39, 1960).

        The bad state loses all; it is left with probability 1/burst and entered so that `loss` is its share.
        """
        loss, burst = self._settings.loss, self._settings.burst
        if loss <= 0.0:
            return False
        if burst <= 1.0:
            return self._random.random() < loss
        if self._lossy:
            self._lossy = self._random.random() >= 1.0 / burst
        else:
            self._lossy = self._random.random() < loss / (burst * (1.0 - loss))
        return self._lossy
