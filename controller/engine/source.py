"""A session's pipe as blocks of samples: starts and stops without a click, keeps a live source's delay short.

A :class:`Source` owns the pipe; each pipeline that mixes it has a :class:`Tap` with a position of its own.
Nothing blocks: the pipe is read when a block is due, and what does not fit stays in it, so that its writer
waits.
"""

import os
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from controller.engine.buffer import SampleBuffer

Floats = NDArray[np.float32]

SAMPLES_PER_MS = 48
FADE_SAMPLES = 240
"""5 ms: how sound begins and ends. That many samples are kept back, so that there is something to fade when a
pipe runs dry without warning."""

WAITING, PLAYING, STALLED, ENDED = "waiting", "playing", "stalled", "ended"


@dataclass(frozen=True)
class SourceSettings:
    """How sources are buffered.

    start_ms: how much of a file must be there before it sounds. live_target_ms: what a live source's buffer
    is held at. live_band_ms: by how much it may be off before samples are left out or repeated. live_most_ms:
    above target plus this, the excess is left out at once. stall_raise_ms: added to the target after a live
    source ran dry, up to live_target_most_ms: a jittery one needs more. calm_s: after so long in which calm_ms were
    always left over, it needs less: the target comes down by a step towards live_target_ms.
    """

    start_ms: int = 40
    live_target_ms: int = 50
    live_band_ms: int = 8
    live_most_ms: int = 150
    stall_raise_ms: int = 20
    live_target_most_ms: int = 250
    calm_s: int = 10
    calm_ms: int = 30


_CAPACITY_MS = 1000
_LIVE_HOLD_MS = 800
_FILE_HOLD_MS = 200
"""A file waits in its pipe: held short, what is held is rarely moved."""
_HISTORY = 600
_LEAST_LAG, _MOST_LAG = 120, 480
"""A small correction leaves out or repeats 2.5 to 10 ms, about a period of a voice, where it matches best."""
_CALM_STEP_MS = 10
_REST_MS = 100
"""Between two small corrections, so that the level shows what the first one did."""
_FADE_IN: Floats = (np.sin(np.linspace(0, np.pi / 2, FADE_SAMPLES)) ** 2).astype(np.float32)
_FADE_OUT: Floats = _FADE_IN[::-1].copy()


class Source:
    """One pipe of raw samples: 48 kHz mono float32. Owns `fd`."""

    def __init__(self, session: str, fd: int, live: bool, settings: SourceSettings | None = None) -> None:
        os.set_blocking(fd, False)
        self.session = session
        self.live = live
        self.settings = settings or SourceSettings()
        self.exhausted = False
        hold_ms = _LIVE_HOLD_MS if live else _FILE_HOLD_MS
        self.buffer = SampleBuffer(_CAPACITY_MS * SAMPLES_PER_MS, hold_ms * SAMPLES_PER_MS)
        self._fd = fd
        self._taps: list[Tap] = []

    def tap(self) -> "Tap":
        """Return a new reader, which begins with what is mixed next."""
        tap = Tap(self, max([self.buffer.start, *(tap.position for tap in self._taps)]))
        self._taps.append(tap)
        return tap

    def release(self, tap: "Tap") -> None:
        """Forget a reader."""
        self._taps.remove(tap)

    @property
    def state(self) -> str:
        """WAITING, PLAYING, STALLED or ENDED: the liveliest of the taps."""
        states = {tap.state for tap in self._taps}
        return next((state for state in (PLAYING, STALLED, WAITING, ENDED) if state in states), WAITING)

    @property
    def ended_at(self) -> int:
        """How many samples of the last block were sound, once ENDED."""
        return max((tap.ended_at for tap in self._taps), default=0) if self.state == ENDED else 0

    @property
    def is_tapped(self) -> bool:
        """True while somebody reads."""
        return bool(self._taps)

    def fill(self) -> None:
        """Take what the pipe holds."""
        if self.exhausted:
            return
        oldest = min((tap.position for tap in self._taps), default=0)
        try:
            self.exhausted = not self.buffer.fill(self._fd, oldest - _HISTORY)
        except OSError:
            self.exhausted = True

    def close(self) -> None:
        """Close the pipe; its writer gets EPIPE."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
            self.exhausted = True


class Tap:
    """One reader of a source."""

    def __init__(self, source: Source, position: int) -> None:
        self.position = position
        self.state = WAITING
        self.ended_at = 0
        """Samples of the last block that were still sound, once ENDED."""
        self._source = source
        self._settings = source.settings
        self._target = source.settings.live_target_ms * SAMPLES_PER_MS
        self._level = 0.0
        self._rest_blocks = 0
        self._watched = 0
        self._least_left = 0

    @property
    def sounding(self) -> bool:
        """True when the last block held sound that goes on."""
        return self.state == PLAYING

    def read(self, out: Floats) -> bool:
        """Write the next block into `out`, silence where there is none; return whether it holds sound."""
        held = self._source.buffer.end - self.position
        begins = self.state != PLAYING
        if begins and not self._may_begin(held, len(out)):
            out[:] = 0.0
            return False
        if begins:
            self._begin()
        elif self._source.live:
            self._hold_level(held, len(out))
        self._copy(out)
        if begins:
            out[:FADE_SAMPLES] *= _FADE_IN
        return True

    def _may_begin(self, held: int, block: int) -> bool:
        if self.state == ENDED:
            return False
        if self._source.exhausted:
            if held == 0:
                self.state, self.ended_at = ENDED, 0
            return held > 0
        start = self._target if self._source.live else self._settings.start_ms * SAMPLES_PER_MS
        return held >= max(start, block + FADE_SAMPLES)

    def _begin(self) -> None:
        if self._source.live and not self._source.exhausted:
            self.position = max(self.position, self._source.buffer.end - self._target)
        self._level = float(self._source.buffer.end - self.position)
        self._rest_blocks = 0
        self._watched = 0
        self.state = PLAYING

    def _copy(self, out: Floats) -> None:
        block = len(out)
        buffer = self._source.buffer
        held = buffer.end - self.position
        last = held <= block if self._source.exhausted else held < block + FADE_SAMPLES
        count = min(held, block)
        out[:count] = buffer.stretch(self.position, self.position + count)
        self.position += count
        if last:
            self._fade_out(out, count)

    def _fade_out(self, out: Floats, count: int) -> None:
        fade = min(count, FADE_SAMPLES)
        out[count:] = 0.0
        out[count - fade : count] *= _FADE_OUT if fade == FADE_SAMPLES else np.linspace(1, 0, fade, dtype=np.float32)
        if self._source.exhausted:
            self.state, self.ended_at = ENDED, count
        else:
            self.state = STALLED
            most = self._settings.live_target_most_ms * SAMPLES_PER_MS
            self._target = min(most, self._target + self._settings.stall_raise_ms * SAMPLES_PER_MS)

    def _hold_level(self, held: int, block: int) -> None:
        self._level += (held - self._level) * min(1.0, block / (400 * SAMPLES_PER_MS))
        self._rest_blocks -= 1
        self._relax(held - block, block)
        excess = int(self._level) - self._target
        if held - self._target > self._settings.live_most_ms * SAMPLES_PER_MS:
            self._splice(held - self._target)
        elif self._rest_blocks <= 0 and abs(excess) > self._settings.live_band_ms * SAMPLES_PER_MS:
            lag = self._best_lag(1 if excess > 0 else -1)
            if lag:
                self._splice(lag)
                self._rest_blocks = _REST_MS * SAMPLES_PER_MS // block

    def _relax(self, left: int, block: int) -> None:
        """Lower the target where a source that was jittery has been calm: its delay need not last for ever."""
        self._least_left = min(self._least_left, left) if self._watched else left
        self._watched += block
        if self._watched < self._settings.calm_s * 1000 * SAMPLES_PER_MS:
            return
        if self._least_left > self._settings.calm_ms * SAMPLES_PER_MS:
            least = self._settings.live_target_ms * SAMPLES_PER_MS
            self._target = max(least, self._target - _CALM_STEP_MS * SAMPLES_PER_MS)
        self._watched = 0

    def _best_lag(self, sign: int) -> int:
        """Return the jump (signed samples) to where it sounds most like here, or 0."""
        buffer, position = self._source.buffer, self.position
        low = position + (_LEAST_LAG if sign > 0 else -_MOST_LAG)
        high = low + _MOST_LAG - _LEAST_LAG + FADE_SAMPLES
        if low < buffer.start or high + FADE_SAMPLES > buffer.end:
            return 0
        here = buffer.stretch(position, position + FADE_SAMPLES)
        there = buffer.stretch(low, high)
        likeness = np.correlate(there, here, "valid")
        energy = np.convolve(there * there, np.ones(FADE_SAMPLES, np.float32), "valid")
        return low + int(np.argmax(likeness / np.sqrt(energy + 1e-6))) - position

    def _splice(self, jump: int) -> None:
        """Go on `jump` samples further on, crossfading: what is heard of it is where it begins."""
        buffer, position = self._source.buffer, self.position
        here = buffer.stretch(position, position + FADE_SAMPLES)
        there = buffer.stretch(position + jump, position + jump + FADE_SAMPLES)
        if len(here) < FADE_SAMPLES or len(there) < FADE_SAMPLES:
            return
        there[:] = here * _FADE_OUT + there * _FADE_IN
        self.position += jump
        self._level -= jump
