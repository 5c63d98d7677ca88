"""Says by MQTT what any number of nodes would, by the packets that nodes make; it hears nothing."""

import asyncio
from types import TracebackType

from codec.wire import names
from firmware.node import mqtt_packets as packets

_CONNACK_BYTES = 4
_READY_S = 20.0


class Mouth:
    """One connection, without TLS, to a broker on this machine that takes anybody. A context manager."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __aenter__(self) -> "Mouth":
        async with asyncio.timeout(_READY_S):
            answers, self._out = await asyncio.open_connection("127.0.0.1", self._port)
            self._out.write(packets.connect("loaxa-bench", 0, None))
            await answers.readexactly(_CONNACK_BYTES)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._out.close()

    async def say(self, node: str, leaf: str, raw: bytes) -> None:
        """Publish a body (QoS 0) as a node does; raises OSError when the broker is gone."""
        self._out.write(packets.publish(names.node_topic(node, leaf), raw, 0, False, 0))
        await self._out.drain()
