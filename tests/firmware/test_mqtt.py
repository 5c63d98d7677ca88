"""The node's MQTT client against mosquitto, and against brokers that misbehave."""

import asyncio
from pathlib import Path

import pytest

from codec.wire.errors import WireError
from firmware.node import mqtt_packets
from firmware.node.mqtt import Connection, MqttError
from tests.firmware.office import Office


async def connect(office: Office, client_id: str, on_message, **settings) -> tuple[Connection, asyncio.Task[None]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", office.port)
    connection = Connection(reader, writer, on_message, keepalive_s=settings.pop("keepalive_s", 15))
    await connection.open(client_id, **settings)
    return connection, asyncio.create_task(connection.run())


async def finish(connection: Connection, task: asyncio.Task[None], politely: bool = True) -> None:
    await connection.close(politely)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.sleep(0.01)  # the transport closes in the loop's next turn


async def test_publish_and_subscribe_with_both_qualities(tmp_path: Path) -> None:
    heard: list[tuple[str, bytes]] = []
    async with Office(tmp_path) as office:
        connection, task = await connect(office, "a", lambda *message: heard.append(message))
        await connection.subscribe(["t/1", "t/2"])
        await connection.publish("t/1", b"x" * 300)
        await connection.publish("t/2", b"", 1)
        await office.publish("t/1", "cà phê".encode())
        for _ in range(100):
            if len(heard) == 3:
                break
            await asyncio.sleep(0.02)
        assert sorted(heard) == [("t/1", "cà phê".encode()), ("t/1", b"x" * 300), ("t/2", b"")]
        await connection.unsubscribe(["t/1"])
        await office.publish("t/1", b"unheard")
        await connection.publish("t/2", b"last", 1)
        await asyncio.sleep(0.1)
        assert heard[-1] == ("t/2", b"last")
        await finish(connection, task)


async def test_many_publications_at_once(tmp_path: Path) -> None:
    async with Office(tmp_path) as office:
        connection, task = await connect(office, "a", lambda *_: None)
        await asyncio.gather(*[connection.publish("loaxa/v1/x", b"%d" % i, 1) for i in range(12)])
        await office.expect("loaxa/v1/x", lambda raw: raw == b"11")
        await finish(connection, task)


async def test_last_will_only_when_the_connection_breaks(tmp_path: Path) -> None:
    async with Office(tmp_path) as office:
        will = ("loaxa/v1/will", b"gone", 1, True)
        connection, task = await connect(office, "a", lambda *_: None, will=will)
        await finish(connection, task)
        await asyncio.sleep(0.2)
        assert not office.heard
        connection, task = await connect(office, "a", lambda *_: None, will=will)
        await finish(connection, task, politely=False)
        assert await office.expect("loaxa/v1/will") == b"gone"


async def test_keepalive_holds_an_idle_connection(tmp_path: Path) -> None:
    async with Office(tmp_path) as office:
        connection, task = await connect(office, "a", lambda *_: None, keepalive_s=1)
        await asyncio.sleep(2.5)
        assert not task.done()
        await connection.publish("t", b"still here", 1)
        await finish(connection, task)


async def broker(*answers: bytes) -> tuple[asyncio.Server, Connection]:
    """A server that says `answers` whatever it hears, and a connection to it."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            writer.write(answer)
        await writer.drain()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    return server, Connection(reader, writer, lambda *_: None, keepalive_s=1)


async def close(server: asyncio.Server, connection: Connection) -> None:
    await connection.close(politely=False)
    server.close()
    await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        (b"\x20\x02\x00\x05", MqttError, "refuses the connection, code 5"),
        (b"\x90\x02\x00\x00", MqttError, "does not speak MQTT"),
        (b"\x20\xff\xff\xff\xff\x7f", WireError, "more than four bytes"),
        (b"\x20\xff\xff\x7f", WireError, "MQTT packet of 2097151 bytes"),
    ],
)
async def test_a_broker_that_refuses_or_lies(answer: bytes, error: type[Exception], text: str) -> None:
    server, connection = await broker(answer)
    with pytest.raises(error, match=text):
        await connection.open("a")
    await close(server, connection)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (b"\x30\x01\x00", "nobody asked for"),
        (b"\x34\x05\x00\x01t\x00\x01", "nobody asked for"),
        (b"\x30\x03\x00\x09t", "cut off"),
        (b"\x32\x03\x00\x01t", "cut off"),
        (b"\x40\x01\x00", "cut off"),
        (b"\x30\x04\x00\x02\xff\xfe", "not UTF-8"),
        (b"\x10\x00", "unexpected MQTT packet"),
    ],
)
async def test_hostile_packets_end_the_connection(answer: bytes, text: str) -> None:
    server, connection = await broker(b"\x20\x02\x00\x00" + answer)
    await connection.open("a")
    with pytest.raises(WireError, match=text):
        await connection.run()
    await close(server, connection)


async def test_a_silent_broker_is_left() -> None:
    server, connection = await broker(b"\x20\x02\x00\x00")
    await connection.open("a")
    with pytest.raises((OSError, EOFError)):
        await asyncio.wait_for(connection.run(), 3)
    with pytest.raises(MqttError):
        await connection.publish("t", b"", 1)
    await close(server, connection)


def test_lengths_of_packets() -> None:
    for length, head in ((0, b"\x00"), (127, b"\x7f"), (128, b"\x80\x01"), (16384, b"\x80\x80\x01")):
        assert mqtt_packets.packet(0x30, bytes(length))[1 : 1 + len(head)] == head
