"""Fan-out: one packet of 110 bytes to 1,000 destinations, against a loop of ``sendmmsg`` in C compiled for
the occasion.

Both send to the same sockets of this machine, in turns, so that they meet the same load. Nobody reads those
sockets: once full they drop, for both alike, and what is measured is the sending.
"""

import shutil
import socket
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import table
from controller.engine.fanout import Fanout
from controller.engine.mediasocket import open_media
from controller.engine.settings import EngineSettings

MEMBERS, PACKET_BYTES, ROUNDS, TURNS = 1000, 110, 150, 9
_SOURCE = Path(__file__).parent / "peers" / "fanout.c"


def run() -> dict[str, Any]:
    """Return `packets_per_s` (median) and `vs_c`, its ratio to the C loop's; None without a C compiler."""
    sinks = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(MEMBERS)]
    with tempfile.TemporaryDirectory() as folder:
        peer = _compile(Path(folder))
        try:
            for sink in sinks:
                sink.bind(("127.0.0.1", 0))
            ports = [sink.getsockname()[1] for sink in sinks]
            with open_media(EngineSettings(host="127.0.0.1", port=0)) as media:
                fanout = Fanout(media, bytearray(PACKET_BYTES))
                fanout.set_members([("127.0.0.1", port) for port in ports])
                ours, theirs = [], []
                for _ in range(TURNS):
                    ours.append(_send(fanout))
                    if peer:
                        theirs.append(_send_in_c(peer, ports))
        finally:
            for sink in sinks:
                sink.close()
    rate, peer_rate = statistics.median(ours), statistics.median(theirs) if theirs else None
    return {
        "packets_per_s": round(rate),
        "c_packets_per_s": peer_rate and round(peer_rate),
        "vs_c": peer_rate and round(rate / peer_rate, 3),
    }


def describe(result: dict[str, Any]) -> str:
    """Return the figures as a table."""
    return table.lines(
        (f"{MEMBERS} destinations, {PACKET_BYTES} B", result["packets_per_s"], "packets/s"),
        ("  the same in C", result["c_packets_per_s"], "packets/s"),
        ("of C's rate", result["vs_c"], ""),
    )


def _send(fanout: Fanout) -> float:
    before = fanout.sent
    began = time.perf_counter()
    for _ in range(ROUNDS):
        fanout.send(PACKET_BYTES)
    return (fanout.sent - before) / (time.perf_counter() - began)


def _send_in_c(program: Path, ports: list[int]) -> float:
    output = subprocess.run(
        [program, str(PACKET_BYTES), str(ROUNDS)],
        input="\n".join(map(str, ports)), text=True, capture_output=True, check=True,
    ).stdout  # fmt: skip
    return MEMBERS * ROUNDS / (int(output) / 1e9)


def _compile(folder: Path) -> Path | None:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return None
    program = folder / "fanout"
    subprocess.run([compiler, "-O2", "-Wall", "-Wextra", "-Werror", "-o", program, _SOURCE], check=True)
    return program
