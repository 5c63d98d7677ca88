"""The programme of a calibration: one sweep a slot, so that each horn in turn is heard alone.

```
silence | marker | sweep of node 1 | sweep of node 2 | ... | marker
```

Sweeps go up, markers down: neither is taken for the other, so a recording that was begun at any time tells where the
programme lies in it. Both markers are the first node's; their distance tells how fast the recorder's crystal is.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import chirp
from scipy.signal.windows import tukey

Floats = NDArray[np.float64]

RATE_HZ = 48_000
SWEEP_S = 1.0
LOW_HZ = 500.0
HIGH_HZ = 5000.0
"""What every horn and every profile's codec passes."""
LEAD_IN_S = 3.0
"""Silence in which the first horn is chosen and the others are silenced."""
TAIL_S = 0.5
SLOT_S = 3.0
"""One of sweep, the rest to let sound from 400 m further away arrive and to choose the next horn."""
PEAK = 0.3


def sweep(rising: bool = True) -> Floats:
    """Return one sweep, ``(48000,)``: linear in frequency, which makes its autocorrelation one narrow peak."""
    time_s = np.arange(round(SWEEP_S * RATE_HZ)) / RATE_HZ
    ends_hz = (LOW_HZ, HIGH_HZ) if rising else (HIGH_HZ, LOW_HZ)
    return np.asarray(PEAK * tukey(len(time_s), 0.5) * chirp(time_s, ends_hz[0], SWEEP_S, ends_hz[1]))


@dataclass(frozen=True)
class Programme:
    """Which node sounds in which slot. delays_us: by node in order of their slots, what each is set to now.

    rounds: how often each sounds.
    """

    delays_us: dict[str, int]
    rounds: int = 2

    @property
    def nodes(self) -> list[str]:
        """The nodes in order."""
        return list(self.delays_us)

    @property
    def slots(self) -> list[str]:
        """The node that sounds in each slot; the first and the last are markers."""
        return [self.nodes[0], *self.nodes * self.rounds, self.nodes[0]]

    @property
    def slot_s(self) -> float:
        """Length of a slot: longer where a node is set to play late."""
        return SLOT_S + float(np.ceil(max(self.delays_us.values()) / 1e5)) / 10.0

    @property
    def duration_s(self) -> float:
        """Length of the whole."""
        return self.start_s(len(self.slots)) + TAIL_S

    def start_s(self, slot: int) -> float:
        """Return when the sweep of a slot begins."""
        return LEAD_IN_S + slot * self.slot_s

    def samples(self) -> Floats:
        """Return the whole programme, 48 kHz."""
        total = np.zeros(round(self.duration_s * RATE_HZ))
        for slot in range(len(self.slots)):
            sound = sweep(rising=0 < slot < len(self.slots) - 1)
            first = round(self.start_s(slot) * RATE_HZ)
            total[first : first + len(sound)] = sound
        return total
