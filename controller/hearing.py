"""Packets of one stream as samples: each frame once, in order; what was lost is restored or made up."""

import array

from codec.opus import MAX_FRAME_SAMPLES, SAMPLE_RATE, Decoder, OpusError

__all__ = ["SAMPLE_RATE", "Hearing"]

MOST_CONCEALED = 5
"""Frames in a row that are made up; a longer gap is left as it is."""


class Hearing:
    """The decoder of one stream. frame_us: length of its frames."""

    def __init__(self, frame_us: int) -> None:
        self._frame_samples = frame_us * SAMPLE_RATE // 1_000_000
        self._decoder = Decoder()
        self._pcm = array.array("h", bytes(2 * MAX_FRAME_SAMPLES))
        self._next: int | None = None

    def hear(self, index: int, payload: bytes, marker: bool) -> list[tuple[int, bytes]]:
        """Return the frames that are known with this packet, each its number and int16 little-endian samples.

        The frame before it comes from its in-band FEC where that was lost, those before are concealed. With the marker
        nothing was lost: there was silence (RFC 7587 section 4.1). A packet that comes again, or too late, gives none.
        """
        expected = self._next
        if expected is not None and index < expected:
            return []
        self._next = index + 1
        lost = index - expected if expected is not None and not marker else 0
        frames = []
        try:
            if 0 < lost <= MOST_CONCEALED:
                for number in range(index - lost, index - 1):
                    frames.append((number, self._taken(self._decoder.conceal(self._pcm, self._frame_samples))))
                restored = self._decoder.recover(payload, self._pcm, self._frame_samples)
                frames.append((index - 1, self._taken(restored)))
            frames.append((index, self._taken(self._decoder.decode(payload, self._pcm))))
        except OpusError:
            pass  # as if it had been lost
        return frames

    def _taken(self, count: int) -> bytes:
        return self._pcm[:count].tobytes()
