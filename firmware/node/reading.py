"""Reads a socket of the HAL for ever."""

import gc

_NO_MEMORY_MS = 20


async def read(udp, take, counters, sleep_ms):
    """Hand each datagram to ``take(data, from_peer)``."""
    while True:
        await udp.readable()
        try:
            found = udp.receive()  # once: to hear that nothing more is there costs memory and an exception
            if found is not None:
                take(found[0], found[1])
        except MemoryError:
            # The heap is in pieces: one datagram waits for a sweep, and the next ones find room. If they do not,
            # sweeping again at once would leave no time for sound.
            counters["no_memory"] += 1
            gc.collect()
            await sleep_ms(_NO_MEMORY_MS)
