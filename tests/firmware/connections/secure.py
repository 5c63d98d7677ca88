"""TLS connections by the firmware's own stream: as many as asked for, each with a message there and back."""

import asyncio
import gc
import os
import sys
import time

from firmware.hal import tcp


def descriptors():
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - MicroPython has no pathlib


def resident_kb():
    with open("/proc/self/statm") as file:  # noqa: PTH123 - as above
        return int(file.read().split()[1]) * 4


async def exchange(address, authorities):
    reader, writer = await tcp.connect(address, authorities)
    try:
        writer.write(b"x" * 3000)
        await writer.drain()
        assert await reader.readexactly(3000) == b"y" * 3000
    finally:
        writer.close()
        await writer.wait_closed()


async def main():
    port, times, authorities = int(sys.argv[1]), int(sys.argv[2]), []
    for path in sys.argv[3:]:
        with open(path) as file:  # noqa: PTH123 - as above
            authorities.append(file.read())
    address = tcp.resolve("127.0.0.1", port)
    longest_ms = 0

    async def tick():
        nonlocal longest_ms
        last = time.ticks_ms()
        while True:
            await asyncio.sleep_ms(2)
            now = time.ticks_ms()
            longest_ms = max(longest_ms, time.ticks_diff(now, last) - 2)
            last = now

    ticking = asyncio.create_task(tick())
    try:
        for _ in range(10):
            await exchange(address, authorities)
        gc.collect()
        before = descriptors(), gc.mem_free(), resident_kb()
        for _ in range(times):
            await exchange(address, authorities)
        gc.collect()
        print("descriptors", descriptors() - before[0])
        print("heap", before[1] - gc.mem_free())
        print("resident", resident_kb() - before[2])
        print("longest", longest_ms)
    except OSError as error:
        print("refused:", error, "descriptors", descriptors())
    ticking.cancel()


asyncio.run(main())
