"""Buffers of samples, made once."""

from array import array


def buffer(samples):
    """Return a memoryview of `samples` int16 zeros, made without a second copy: the heap is small."""
    made = array("h", b"\0\0" * min(samples, 64))
    while len(made) < samples:
        made.extend(made[: samples - len(made)])
    return memoryview(made)


SILENCE = buffer(960)
"""Zeros to copy from, as many as the longest block has."""
