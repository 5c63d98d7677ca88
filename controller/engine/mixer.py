"""Zones x sources gain matrix over one block of samples, with a ramp a gain.

Every change of a gain is a straight line over whole blocks: within a block the gain of sample t (from 1 to n)
is ``gain + change * t / n``, so the mix is ``gains @ x`` and, only while a gain moves, ``+ changes @ (x * t /
n)``. No memory is allocated in the steady state; :meth:`Mixer.grow` and :meth:`Mixer.aim` may.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class Mixer:
    """Mixes blocks of `frame_samples` samples.

    inputs: ``(sources, frame_samples)`` float32, filled by the caller before each block; silent rows must be
    zero. revision: changes whenever an aim changes, so that equality of rows need not be tested every block.
    """

    def __init__(self, frame_samples: int, zones: int = 8, sources: int = 8) -> None:
        self.frame_samples = frame_samples
        self.revision = 0
        self._moving = False
        self._ramp: Floats = np.arange(1, frame_samples + 1, dtype=np.float32) / np.float32(frame_samples)
        self._allocate(zones, sources)

    def _allocate(self, zones: int, sources: int) -> None:
        shape = (zones, sources)
        self.inputs: Floats = np.zeros((sources, self.frame_samples), np.float32)
        self._gains: Floats = np.zeros(shape, np.float32)
        self._aims: Floats = np.zeros(shape, np.float32)
        self._steps: Floats = np.zeros(shape, np.float32)
        self._left = np.zeros(shape, np.int32)
        self._next: Floats = np.zeros(shape, np.float32)
        self._changes: Floats = np.zeros(shape, np.float32)
        self._is_moving = np.zeros(shape, np.bool_)
        self._is_last = np.zeros(shape, np.bool_)
        self._is_still = np.zeros(shape, np.bool_)
        self._ramped: Floats = np.zeros((sources, self.frame_samples), np.float32)
        self._added: Floats = np.zeros((zones, self.frame_samples), np.float32)

    @property
    def shape(self) -> tuple[int, int]:
        """Zones and sources there is room for."""
        zones, sources = self._gains.shape
        return zones, sources

    @property
    def gains(self) -> Floats:
        """Gains at the end of the last block, ``(zones, sources)``; read only."""
        return self._gains

    def grow(self, zones: int, sources: int) -> None:
        """Make room for at least `zones` and `sources`; gains and inputs stay. Allocates."""
        had_zones, had_sources = self.shape
        if zones <= had_zones and sources <= had_sources:
            return
        old = (self._gains, self._aims, self._steps, self._left, self.inputs)
        self._allocate(max(zones, had_zones), max(sources, had_sources))
        for new, kept in zip((self._gains, self._aims, self._steps, self._left), old, strict=False):
            new[:had_zones, :had_sources] = kept
        self.inputs[:had_sources] = old[4]

    def aim(self, gains: Floats, blocks: NDArray[np.int32]) -> None:
        """Move towards `gains` ``(zones, sources)``, each within its number of `blocks`; 0: at once, for
        silent inputs.

        A gain whose aim does not change goes on as it was.
        """
        changed = gains != self._aims
        if not changed.any():
            return
        self.revision += 1
        np.copyto(self._aims, gains, where=changed)
        at_once = changed & (blocks <= 0)
        np.copyto(self._gains, gains, where=at_once)
        np.copyto(self._left, np.maximum(blocks, 0), where=changed)
        steps = (gains - self._gains) / np.maximum(blocks, 1).astype(np.float32)
        np.copyto(self._steps, steps, where=changed)
        self._steps[at_once] = 0.0
        self._moving = bool(self._left.any())

    def mix(self, out: Floats) -> None:
        """Mix `inputs` into `out` ``(zones, frame_samples)`` and move the gains on by one block."""
        np.matmul(self._gains, self.inputs, out=out)
        if self._moving:
            self._move(out)

    def same_row(self, one: int, other: int) -> bool:
        """True when two zones have the same mix now and, unless aimed differently later, for ever."""
        return all(np.array_equal(matrix[one], matrix[other]) for matrix in (self._gains, self._aims, self._left))

    def row_bytes(self, row: int) -> bytes:
        """Return a zone's mix as bytes that are equal where :meth:`same_row` is true."""
        return b"".join(matrix[row].tobytes() for matrix in (self._gains, self._aims, self._left))

    def row_is_silent(self, row: int) -> bool:
        """True when a zone's gains are all zero and stay so."""
        return not (self._gains[row].any() or self._aims[row].any())

    def column_is_silent(self, column: int) -> bool:
        """True when a source is heard nowhere and will not be."""
        return not (self._gains[:, column].any() or self._aims[:, column].any())

    def _move(self, out: Floats) -> None:
        moving = np.greater(self._left, 0, out=self._is_moving)
        last = np.equal(self._left, 1, out=self._is_last)
        np.add(self._gains, self._steps, out=self._next, where=moving)
        np.copyto(self._next, self._gains, where=np.logical_not(moving, out=self._is_still))
        np.copyto(self._next, self._aims, where=last)  # exactly there, whatever the steps rounded to
        np.subtract(self._next, self._gains, out=self._changes)
        np.multiply(self.inputs, self._ramp, out=self._ramped)
        np.matmul(self._changes, self._ramped, out=self._added)
        out += self._added
        self._gains, self._next = self._next, self._gains
        np.subtract(self._left, 1, out=self._left, where=moving)
        self._moving = bool(self._left.any())
