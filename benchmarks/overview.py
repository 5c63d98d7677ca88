"""The overview of a province's nodes: how soon it is there, how soon a change is told, and what that costs.

The controller is the real one with its HTTPS interface, the broker a mosquitto of its own; one MQTT client says what
all nodes would say. Half of the changes are a node's going, half its coming back, upon which it is greeted with two
commands. Beside them every node reports its health each ten seconds, as nodes do.
"""

import asyncio
import contextlib
import json
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from benchmarks import table
from benchmarks.crowd import ZONES, settle_in
from benchmarks.mouth import Mouth
from codec.wire import report
from controller.localaccess import LocalAuth
from hil_sim import children
from hil_sim.office import Office
from hil_sim.ports import free_tcp_port

NODES, WATCHERS = 2000, 5
CHANGES_PER_S, LASTS_S = 100, 15.0
_SETTLE_S = 300.0
_ANSWERS = 20
_TICK_S = 0.02


def run(nodes: int = NODES) -> dict[str, Any]:
    """Return how long the overview of `nodes` takes and how large it is, and what CHANGES_PER_S cost and take."""
    with tempfile.TemporaryDirectory(prefix="loaxa-overview-") as name:
        folder = Path(name)
        port = free_tcp_port()
        (folder / "broker.conf").write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nuser root\n")
        program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        broker = children.start([program, "-c", str(folder / "broker.conf")], log=folder / "broker.log")
        asyncio.run(settle_in(folder / "office" / "data", nodes))
        office = Office(folder / "office", record=False, outside_broker=port)
        try:
            office.wait_ready()
            return asyncio.run(_Run(office, port, nodes).all())
        finally:
            office.close()
            children.end(broker, patience_s=2.0)


def describe(result: dict[str, Any]) -> str:
    """Return the figures as a table."""
    return table.lines(
        ("nodes", result["nodes"], f"in {ZONES} zones"),
        ("overview, plain", result["plain_bytes"], "bytes"),
        ("  compressed", result["compressed_bytes"], "bytes"),
        ("  as it is, p50", result["kept_ms"], "ms"),
        ("  made anew, p50", result["anew_ms"], f"ms, among {CHANGES_PER_S} changes a second"),
        ("list of nodes, p50", result["list_ms"], "ms, for comparison"),
        ("changes a second", result["changes_per_s"], f"watched by {WATCHERS}"),
        ("controller, only health", result["health_cpu_percent"], "% of a core"),
        ("  with the changes", result["changes_cpu_percent"], "% of a core"),
        ("told after, p50", result["told_p50_ms"], "ms, from the node's word to each watcher"),
        ("  p95", result["told_p95_ms"], "ms"),
        ("events", result["events_per_s"], "a second to each watcher"),
    )


class _Run:
    def __init__(self, office: Office, broker_port: int, nodes: int) -> None:
        self._office = office
        self._port = broker_port
        self._names = [f"cum-{number:04}" for number in range(nodes)]
        self._said_s: dict[tuple[str, str], float] = {}
        self._took_ms: list[float] = []
        self._events = 0

    async def all(self) -> dict[str, Any]:
        """Play everything and return the figures."""
        limits = httpx.Limits(max_connections=WATCHERS + 5)
        self._http = httpx.AsyncClient(
            base_url=self._office.url,
            auth=LocalAuth(self._office.url),
            verify=self._office.tls(),
            limits=limits,
            timeout=60,
        )
        async with self._http, Mouth(self._port) as self._mqtt:
            for node in self._names:
                await self._status(node, report.ONLINE)
            await self._settled()
            watchers = [asyncio.create_task(self._watch()) for _ in range(WATCHERS)]
            health = asyncio.create_task(self._health())
            try:
                kept_ms, list_ms = await self._ask("/api/overview"), await self._ask("/api/nodes", 3)
                await asyncio.sleep(1)
                health_cpu = await self._cpu(asyncio.sleep(LASTS_S / 2))
                self._events = 0
                changed = asyncio.create_task(self._change())
                changes_cpu = await self._cpu(asyncio.shield(changed))
                events_per_s = self._events / WATCHERS / LASTS_S
                took_ms = sorted(self._took_ms)
                again = asyncio.create_task(self._change())
                anew_ms = await self._ask("/api/overview", between_s=0.3)
                await again
            finally:
                for task in (health, *watchers):
                    task.cancel()
                await asyncio.gather(health, *watchers, return_exceptions=True)
            plain = await self._http.get("/api/overview", headers={"Accept-Encoding": "identity"})
            compressed = await self._http.get("/api/overview", headers={"Accept-Encoding": "gzip"})
        return {
            "nodes": len(self._names),
            "plain_bytes": len(plain.content),
            "compressed_bytes": int(compressed.headers["content-length"]),
            "kept_ms": kept_ms,
            "anew_ms": anew_ms,
            "list_ms": list_ms,
            "changes_per_s": CHANGES_PER_S,
            "health_cpu_percent": health_cpu,
            "changes_cpu_percent": changes_cpu,
            "told_p50_ms": round(statistics.median(took_ms), 1) if took_ms else None,
            "told_p95_ms": round(took_ms[int(len(took_ms) * 0.95)], 1) if took_ms else None,
            "events_per_s": round(events_per_s, 1),
        }

    async def _status(self, node: str, state: str) -> None:
        self._said_s[node, state] = time.monotonic()
        await self._mqtt.say(node, "status", report.build_status(state, "1", "esp32-s3"))

    async def _settled(self) -> None:
        """Return when all are on line and were greeted: when the controller has nothing to do any more."""
        deadline_s = time.monotonic() + _SETTLE_S
        while time.monotonic() < deadline_s:
            states = (await self._http.get("/api/health")).json()["nodes"]
            if states.get("online") == len(self._names) and await self._cpu(asyncio.sleep(1)) < 10:
                return
        raise RuntimeError(f"the controller does not come to rest: {states}")

    async def _ask(self, path: str, times: int = _ANSWERS, between_s: float = 0.0) -> float:
        """Return the median milliseconds of an answer, taken in whole."""
        took = []
        for _ in range(times):
            began_s = time.monotonic()
            answer = await self._http.get(path)
            took.append(1000 * (time.monotonic() - began_s))
            answer.raise_for_status()
            await asyncio.sleep(between_s)
        return round(statistics.median(took), 1)

    async def _cpu(self, work: Any) -> float:
        """Return what the controller's own process needs while `work` is done, percent of a core."""
        pid = self._office.pids[0]
        cpu_s, began_s = children.cpu_seconds(pid), time.monotonic()
        await work
        return round(100 * (children.cpu_seconds(pid) - cpu_s) / (time.monotonic() - began_s), 1)

    async def _change(self) -> None:
        """Let nodes go and come back a second later, CHANGES_PER_S in all."""
        began_s, done = time.monotonic(), 0
        while (now_s := time.monotonic() - began_s) < LASTS_S:
            while done < now_s * CHANGES_PER_S:
                goes = done // 2 % (len(self._names) // 2)
                if done % 2 == 0:
                    await self._status(self._names[goes], report.OFFLINE)
                else:
                    await self._status(self._names[goes - CHANGES_PER_S // 2], report.ONLINE)
                done += 1
            await asyncio.sleep(_TICK_S)

    async def _health(self) -> None:
        """Have each node report its health every ten seconds."""
        counters = dict.fromkeys(report.COUNTERS, 12345)
        began_s, done = time.monotonic(), 0
        while True:
            while done < (time.monotonic() - began_s) * len(self._names) * 1000 / report.HEALTH_PERIOD_MS:
                # Not those that go and come: the report of a node that went says that it is there.
                node = self._names[-1 - done % (len(self._names) // 2)]
                gauges = {
                    **dict.fromkeys((name for name, _, _ in report.GAUGES)),
                    "temperature_mc": 40_000 + done % 5000,
                }
                raw = report.build_health(counters, gauges, None)
                await self._mqtt.say(node, "health", raw)
                done += 1
            await asyncio.sleep(_TICK_S)

    async def _watch(self) -> None:
        with contextlib.suppress(httpx.HTTPError):
            async with self._http.stream("GET", "/api/events") as answer:
                kind = ""
                async for line in answer.aiter_lines():
                    if line.startswith("event: "):
                        kind = line.removeprefix("event: ")
                        self._events += 1
                    elif line.startswith("data: ") and kind == "nodes":
                        now_s = time.monotonic()
                        for row in json.loads(line.removeprefix("data: "))["rows"]:
                            said_s = self._said_s.get((row[0], row[1]))
                            if said_s is not None and now_s - said_s < LASTS_S:
                                self._took_ms.append(1000 * (now_s - said_s))
