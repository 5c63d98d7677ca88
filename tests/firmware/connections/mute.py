"""Twenty connections to a broker that says CONNACK and no more: each must end by itself and leave no descriptor."""

import asyncio
import os
import sys

from firmware.hal import tcp
from firmware.node import mqtt

mqtt.ANSWER_S = 1


async def outcome(address, use):
    reader, writer = await tcp.connect(address)
    connection = mqtt.Connection(reader, writer, lambda *_: None, keepalive_s=1)
    await connection.open("node")
    try:
        await use(connection)
    except mqtt.MqttError as error:
        return str(error)
    finally:
        await connection.close(politely=False)


async def listen(connection):
    await connection.run()


async def flood(connection):
    while True:
        await connection.publish("t", bytes(8000))


def descriptors():
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - MicroPython has no pathlib


async def main():
    address = tcp.resolve("127.0.0.1", int(sys.argv[1]))
    before = descriptors()
    for use in (listen, flood):
        print(set(await asyncio.gather(*[outcome(address, use) for _ in range(10)])))
    print(descriptors() - before, "descriptors left")


asyncio.run(main())
