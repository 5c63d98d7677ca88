"""Enrolment of a whole province: a code for each node, used once, and tried again by somebody else.

The controller is the real one, with its broker, over its real HTTP interface. Some nodes are boards that run the
firmware under MicroPython, all others are clients that say the same. The second try of each code comes from an address
of its own, so that it is the code that is refused and not the asker; where all askers' common budget of wrong tries is
empty, it waits as it is told to.
"""

import os
import statistics
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

from benchmarks import table
from codec.wire import enrolment
from hil_sim.nodes import Node, NodeSetup
from hil_sim.office import Office

NODES, BOARDS, CLIENTS = 1000, 20, 16
ZONE = "thon-1"
_TRIES_S = 600.0


def run(nodes: int = NODES) -> dict[str, Any]:
    """Return how many of `nodes` were enrolled, how many codes were good twice, and the seconds that it took."""
    boards = min(BOARDS, nodes)
    with tempfile.TemporaryDirectory(prefix="loaxa-enrolment-") as name:
        folder = Path(name)
        office = Office(folder / "office", record=False)
        try:
            office.wait_ready()
            office.post("/api/zones", {"id": ZONE})
            names = [f"node-{number:04d}" for number in range(1, nodes + 1)]
            with ThreadPoolExecutor(CLIENTS) as pool:
                began_s = time.monotonic()
                lines = list(pool.map(lambda node: _line(office, node), names))
                made_s = time.monotonic()
                real = _Boards(folder / "nodes", lines[:boards])
                answers = list(pool.map(lambda line: _enrol(office, line), lines[boards:]))
                enrolled = real.wait() + sum(status == 200 for status, _ in answers)
                done_s = time.monotonic()
                again = list(pool.map(lambda pair: _again(office, *pair), enumerate(lines)))
                end_s = time.monotonic()
        finally:
            office.close()
    took_ms = sorted(1000 * seconds for _, seconds in answers)
    return {
        "nodes": nodes,
        "boards": boards,
        "enrolled": enrolled,
        "codes_made_s": round(made_s - began_s, 2),
        "enrolled_s": round(done_s - made_s, 2),
        "total_s": round(done_s - began_s, 2),
        "p50_ms": round(statistics.median(took_ms), 1) if took_ms else None,
        "p99_ms": round(took_ms[int(len(took_ms) * 0.99)], 1) if took_ms else None,
        "tried_again": len(again),
        "good_twice": sum(status == 200 for status in again),
        "refused": sum(status == 403 for status in again),
        "tried_again_s": round(end_s - done_s, 2),
    }


def describe(result: dict[str, Any]) -> str:
    """Return the figures as a table."""
    return table.lines(
        ("nodes", result["nodes"], f"of them {result['boards']} boards under MicroPython"),
        ("enrolled", result["enrolled"], ""),
        ("codes made in", result["codes_made_s"], "s"),
        ("enrolled in", result["enrolled_s"], "s"),
        ("both", result["total_s"], "s"),
        ("an enrolment, p50", result["p50_ms"], f"ms, {CLIENTS} at once"),
        ("  p99", result["p99_ms"], "ms"),
        ("codes tried again", result["tried_again"], f"in {result['tried_again_s']} s"),
        ("  good twice", result["good_twice"], ""),
        ("  refused", result["refused"], ""),
    )


class _Boards:
    """Simulated boards that enrol by the firmware's own code, all begun at once in threads of their own."""

    def __init__(self, folder: Path, lines: list[str]) -> None:
        self._enrolled = 0
        self._folder = folder
        self._lines = lines
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def wait(self) -> int:
        """Return how many have an identity."""
        self._thread.join()
        return self._enrolled

    def _run(self) -> None:
        for number, line in enumerate(self._lines, 1):
            setup = NodeSetup(number=number, media_port=1, broker_port=1, drift_ppm=0.0, seed=number, record=False)
            Node(setup, line, self._folder).enrolled()
            self._enrolled += 1


def _line(office: Office, node: str) -> str:
    return str(office.post("/api/nodes", {"id": node, "zone": ZONE})["enrolment"]["line"])


def _enrol(office: Office, line: str, source: str | None = None) -> tuple[int, float]:
    """Return the status of one enrolment and its seconds, connection included."""
    body = enrolment.build_request(enrolment.parse_line(line).code, "bench", os.urandom(6).hex())
    began_s = time.monotonic()
    with httpx.Client(transport=httpx.HTTPTransport(verify=office.tls(), local_address=source), timeout=60) as client:
        answer = client.post(office.url + enrolment.PATH, content=body, headers={"Content-Type": "application/json"})
    return answer.status_code, time.monotonic() - began_s


def _again(office: Office, number: int, line: str) -> int:
    """Return the status of a second use, once it was looked at."""
    source = f"127.1.{number // 250}.{number % 250 + 1}"
    deadline_s = time.monotonic() + _TRIES_S
    status = 429
    while status == 429 and time.monotonic() < deadline_s:
        status, _ = _enrol(office, line, source)
        if status == 429:
            time.sleep(1)
    return status
