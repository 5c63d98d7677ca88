"""A link thirty times at a broker that hangs up as soon as it has answered."""

import asyncio
import os
import sys

from firmware.hal import tcp
from firmware.node.config import Config
from firmware.node.link import Link


class StopError(Exception):
    pass


class Stub:
    """HAL, agent, settings and watchdog in one."""

    board = restart_cause = "test"
    zone = authorities = None
    lookups = failures = 0
    open_stream = staticmethod(tcp.connect)

    def __init__(self):
        self.settings = self.watchdog = self.trust = self

    def resolve(self, host, port):
        self.lookups += 1
        return tcp.resolve(host, port)

    async def sleep_ms(self, ms):
        await asyncio.sleep_ms(5)

    def now_us(self):
        return 0

    def random(self):
        return 0

    def on_air(self):
        return self.lookups > 2

    def link(self, now_us):
        pass

    def log(self, text):
        self.failures += 1
        if self.failures == 30:
            raise StopError


def descriptors():
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - MicroPython has no pathlib


async def main():
    stub = Stub()
    config = Config("node-1", bytes(32), None, ("127.0.0.1", int(sys.argv[1])), None)
    before = descriptors()
    try:
        await Link(stub, config, stub).run()
    except StopError:
        print(stub.lookups, "look-ups,", descriptors() - before, "descriptors left")


asyncio.run(main())
