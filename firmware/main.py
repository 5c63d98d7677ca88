"""A node's main: picks the board, learns who it is, and runs the agent."""

import asyncio
import gc
import sys

_SWEEPS_A_HEAP = 16

if hasattr(gc, "threshold"):
    # A heap that fills up before it is swept is left in pieces, by the compiler first of all: no room for the buffers
    # of sound, and later none for a datagram.
    gc.threshold((gc.mem_free() + gc.mem_alloc()) // _SWEEPS_A_HEAP)

from firmware.node import config  # noqa: E402 - see above


def make_hal(settings):
    """Return the HAL of the board that this runs on."""
    try:
        from machine import I2S  # noqa: F401 - only an ESP32 and its stand-in have it
    except ImportError:
        from firmware.hal.linux.board import LinuxHal

        return LinuxHal(settings)
    from firmware.hal.esp32.board import Esp32Hal

    return Esp32Hal(settings)


def learn_identity(settings, hal):
    """Have `settings` say who this node is; returns an exit code where the board neither knows nor is told."""
    kept = hal.load_identity()
    if kept:
        try:
            settings.take(kept)
        except config.ConfigError as error:
            print(error)
    line = sys.argv[1] if len(sys.argv) > 1 else settings.enrol
    if settings.id is not None and (not line or config.plain(line) == settings.line):
        return None
    from firmware.node import enrolment  # most starts do without it, and its memory

    return enrolment.run(hal, settings, line)


def main():
    """Run the node; returns an exit code when it cannot start."""
    try:
        settings = config.load()
    except config.ConfigError as error:
        print(error)
        return 2
    hal = make_hal(settings)
    if settings.id is None:
        failed = learn_identity(settings, hal)
        if failed is not None:
            return failed
    from firmware.node.agent import Agent

    gc.collect()  # what the compiler left lies between the buffers to come
    asyncio.run(Agent(hal, settings).run())
    return 0


if __name__ == "__main__":
    sys.exit(main())
