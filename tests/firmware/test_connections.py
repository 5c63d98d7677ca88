"""The node's MQTT client under MicroPython, whose streams close otherwise than CPython's."""

import asyncio
import os
import socket
from pathlib import Path

CONNACK = b"\x20\x02\x00\x00"


async def run(script: str, hang_up: bool, root: Path, micropython: Path) -> tuple[list[str], int]:
    """Run a script of tests/firmware/connections at a broker; return its lines and how often it connected."""
    connections = 0
    over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.read(1)
        writer.write(CONNACK)
        if not hang_up:
            await over.wait()
        writer.transport.abort()

    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    listener.bind(("127.0.0.1", 0))
    server = await asyncio.start_server(serve, sock=listener, limit=4096)
    process = await asyncio.create_subprocess_exec(
        *(str(micropython), "-X", "heapsize=1m", str(root / "tests/firmware/connections" / script)),
        str(listener.getsockname()[1]),
        env={**os.environ, "MICROPYPATH": f"{root}:.frozen"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        out, _ = await asyncio.wait_for(process.communicate(), 30)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        over.set()
        server.close()
        await asyncio.sleep(0.05)
    return out.decode().splitlines(), connections


async def test_a_broker_that_falls_silent_is_left(root: Path, micropython: Path) -> None:
    lines, connections = await run("mute.py", False, root, micropython)
    assert lines == ["{'broker is silent'}", "{'broker takes nothing in'}", "0 descriptors left"]
    assert connections == 20


async def test_reconnecting_leaves_no_descriptor_and_looks_up_only_in_silence(root: Path, micropython: Path) -> None:
    lines, connections = await run("reconnect.py", True, root, micropython)
    assert lines == ["3 look-ups, 0 descriptors left"]
    assert connections == 30
