"""A node's main: picks the board, reads ``node.json`` and runs the agent."""

import asyncio
import gc
import sys

_SWEEPS_A_HEAP = 8

if hasattr(gc, "threshold"):
    # A heap that fills up before it is swept is left in pieces, by the compiler first of all: no room for the buffers
    # of sound, and later none for a datagram.
    gc.threshold((gc.mem_free() + gc.mem_alloc()) // _SWEEPS_A_HEAP)

from firmware.node import config  # noqa: E402 - see above
from firmware.node.agent import Agent  # noqa: E402


def make_hal(settings):
    """Return the HAL of the board that this runs on."""
    try:
        from machine import I2S  # noqa: F401 - only an ESP32 and its stand-in have it
    except ImportError:
        from firmware.hal.linux.board import LinuxHal

        return LinuxHal(settings)
    from firmware.hal.esp32.board import Esp32Hal

    return Esp32Hal(settings)


def main():
    """Run the node; returns an exit code when it cannot start."""
    try:
        settings = config.load()
    except config.ConfigError as error:
        print(error)
        return 2
    gc.collect()  # what the compiler left lies between the buffers to come
    asyncio.run(Agent(make_hal(settings), settings).run())
    return 0


if __name__ == "__main__":
    sys.exit(main())
