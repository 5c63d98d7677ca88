"""Start of an authenticated emergency session in a zone of 1,000 members: what is published, and how soon.

The controller is the real one with its engine and broker, its members are in its database. One of them listens at the
broker by its own account; what is timed is from the request to the sealed announcement there, so the controller's part
and the broker's.
"""

import asyncio
import os
import ssl
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

from benchmarks import table
from codec.wire import announcement, enrolment, names, tesla
from codec.wire.errors import WireError
from codec.wire.mac import derive
from controller.pki import BROKER_NAME
from firmware.node import mqtt_packets as packets
from hil_sim.attacks.atbroker import read_packet
from hil_sim.office import Office

MEMBERS, CLIENTS, TURNS = 1000, 8, 9
ZONE = "thon-1"
_QUIET_S = 1.5


def run(members: int = MEMBERS) -> dict[str, Any]:
    """Return `announced_ms` (median) and `announced_ms_max` from the request, and `publishes` (most) of the zone."""
    with tempfile.TemporaryDirectory(prefix="loaxa-emergency-") as name:
        office = Office(Path(name) / "office", record=False)
        try:
            office.wait_ready()
            office.post("/api/zones", {"id": ZONE})
            with ThreadPoolExecutor(CLIENTS) as pool:
                lines = list(pool.map(lambda number: _line(office, number), range(members)))
            identity = _enrol(office, lines[0])
            turns = asyncio.run(_measure(office, identity))
        finally:
            office.close()
    return {
        "members": members,
        "announced_ms": round(statistics.median(announced_ms for announced_ms, _ in turns), 1),
        "announced_ms_max": round(max(announced_ms for announced_ms, _ in turns), 1),
        "publishes": max(count for _, count in turns),
    }


def describe(result: dict[str, Any]) -> str:
    """Return the figures as a table."""
    return table.lines(
        ("members", result["members"], ""),
        ("announced after, p50", result["announced_ms"], "ms"),
        ("  max", result["announced_ms_max"], "ms"),
        ("publishes to the zone", result["publishes"], ""),
    )


def _line(office: Office, number: int) -> str:
    return str(office.post("/api/nodes", {"id": f"node-{number:04d}", "zone": ZONE})["enrolment"]["line"])


def _enrol(office: Office, line: str) -> dict[str, Any]:
    body = enrolment.build_request(enrolment.parse_line(line).code, "bench", os.urandom(6).hex())
    headers = {"Content-Type": "application/json"}
    answer = httpx.post(office.url + enrolment.PATH, content=body, headers=headers, verify=office.tls(), timeout=60)
    found: dict[str, Any] = answer.raise_for_status().json()
    return found


async def _measure(office: Office, identity: dict[str, Any]) -> list[tuple[float, int]]:
    context = ssl.create_default_context(cadata=identity["ca"])
    reader, writer = await asyncio.open_connection(*identity["broker"], ssl=context, server_hostname=BROKER_NAME)
    node, password = identity["id"], derive(bytes.fromhex(identity["key"]), "broker").hex()
    writer.write(packets.connect(f"loaxa-{node}", 600, None, node, password))
    await read_packet(reader)
    writer.write(packets.subscribe(1, [names.zone_topic(ZONE, "session")], 0))
    await read_packet(reader)
    heard: list[tuple[float, bytes]] = []
    listening = asyncio.create_task(_listen(reader, heard))
    turns = []
    for _ in range(TURNS):
        heard.clear()
        source = {"kind": "tone", "duration_ms": 30_000}
        body = {"source": source, "zones": [ZONE], "priority": "emergency"}
        began_s = time.monotonic()
        session = await asyncio.to_thread(office.post, "/api/sessions", body)
        await asyncio.sleep(_QUIET_S)
        starts = [at_s for at_s, raw in heard if _begins(raw)]
        turns.append((1000 * (starts[0] - began_s), len(heard)))
        await asyncio.to_thread(office.delete, f"/api/sessions/{session['id']}")
        await asyncio.sleep(_QUIET_S)
    listening.cancel()
    writer.close()
    return turns


async def _listen(reader: asyncio.StreamReader, heard: list[tuple[float, bytes]]) -> None:
    while True:
        head, body, _ = await read_packet(reader)
        if head & 0xF0 == packets.PUBLISH:
            heard.append((time.monotonic(), packets.parse_publish(head, body)[1]))


def _begins(raw: bytes) -> bool:
    try:
        streams, _ = announcement.parse(tesla.parse_seal(raw)[2], ZONE)
    except WireError:
        return False
    return any(stream.priority == announcement.PRIORITY_EMERGENCY for stream in streams)
