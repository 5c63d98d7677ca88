"""The engine process as the controller drives it: 1,000 members in 8 zones, 50 packets a second each, 8
sources.

Members are addresses of this process. A frame's lateness is when the last of its packets left after its media
instant; 5 ms is late. `cpu` counts all of the engine's threads as a share of one core, the kernel's work for
its packets included.
"""

import asyncio
import os
import socket
import sys
import threading
import time
from typing import Any

import numpy as np

from benchmarks import table
from benchmarks.sink import Sink
from benchmarks.speech import speech_like
from codec.wire.names import node_tag
from controller.engine.control import EngineLink
from hil_sim.children import cpu_seconds

MEMBERS, ZONES, SECONDS = 1000, 8, int(os.environ.get("LOAXA_BENCH_ENGINE_S", "60"))
FRAME_US, LATE_MS, WARM_UP_S = 20_000, 5.0, 2.0
_PIPE_BYTES = 16_384
_EDGE_FRAMES = 10
_READ_PERIOD_S = 0.01


def run() -> dict[str, Any]:
    """Return `cpu` (cores), `late_frames`, `p99_late_ms` and what else was seen, over SECONDS seconds."""
    return asyncio.run(_run())


def describe(result: dict[str, Any]) -> str:
    """Return the figures as a table."""
    return table.lines(
        (f"{MEMBERS} members in {ZONES} zones: CPU", result["cpu"], "cores"),
        ("frames", result["frames"], "frames"),
        (f"  more than {LATE_MS:g} ms late", result["late_frames"], "frames"),
        ("lateness, median", result["p50_late_ms"], "ms"),
        ("lateness, 99 of 100", result["p99_late_ms"], "ms"),
        ("lateness, worst", result["max_late_ms"], "ms"),
        ("packets that did not arrive", result["lost_packets"], "packets"),
    )


async def _run() -> dict[str, Any]:
    sink = Sink(ZONES, MEMBERS // ZONES)
    ours, its = socket.socketpair()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "controller.engine", "--control-fd", str(its.fileno()),
        "--host", "127.0.0.1", "--port", "0", pass_fds=[its.fileno()],
    )  # fmt: skip
    its.close()
    link = EngineLink(ours)
    streams: dict[int, dict[str, Any]] = {}
    ready = asyncio.Event()

    async def listen() -> None:
        async for event in link.events():
            if event["event"] == "ready":
                ready.set()
            elif event["event"] == "stream":
                streams[event["ssrc"]] = event

    listener = asyncio.create_task(listen())
    mono_us, media_us = time.monotonic_ns() // 1000, time.time_ns() // 1000
    pipes = [os.pipe() for _ in range(ZONES)]
    writers = [threading.Thread(target=_write, args=(pipe[1],), daemon=True) for pipe in pipes]
    try:
        await asyncio.wait_for(ready.wait(), 30)
        link.send("clock", mono_us=mono_us, media_us=media_us)
        link.send("plan", **_plan(sink))
        for number, (reading, _) in enumerate(pipes):
            link.send("source", session=f"s-{number}", live=False, fd=reading)
            os.close(reading)
            writers[number].start()
        await _drain(sink, WARM_UP_S)
        sink.arrivals.clear()
        spent_s, began_s = cpu_seconds(process.pid), time.monotonic()
        await _drain(sink, SECONDS)
        cpu = (cpu_seconds(process.pid) - spent_s) / (time.monotonic() - began_s)
    finally:
        link.close()
        await process.wait()
        await listener
        sink.close()
    return {"cpu": round(cpu, 3), **_lateness(sink, streams, mono_us, media_us)}


def _plan(sink: Sink) -> dict[str, Any]:
    members = [
        [{"tag": node_tag(str(address)).hex(), "address": list(address), "fixed": True} for address in addresses]
        for addresses in sink.addresses
    ]
    return {
        "zones": [
            {"id": f"z-{number}", "profile": "lan", "gain_db": 0.0, "multicast": None, "stream": None,
             "members": members[number]}
            for number in range(ZONES)
        ],
        "sessions": [
            {"id": f"s-{number}", "zones": [f"z-{number}"], "priority": 1, "gain_db": 0.0, "duck_db": -18.0}
            for number in range(ZONES)
        ],
    }  # fmt: skip


def _write(fd: int) -> None:
    """Write something like speech until the engine closes the pipe."""
    sound = memoryview(speech_like(10, fd).tobytes())
    try:
        while True:
            for start in range(0, len(sound), _PIPE_BYTES):
                os.write(fd, sound[start : start + _PIPE_BYTES])
    except BrokenPipeError:
        os.close(fd)


async def _drain(sink: Sink, seconds: float) -> None:
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        await asyncio.sleep(_READ_PERIOD_S)
        sink.drain()


def _lateness(sink: Sink, streams: dict[int, dict[str, Any]], mono_us: int, media_us: int) -> dict[str, Any]:
    arrivals = np.concatenate(sink.arrivals)
    late_ms, lost = [], 0
    for ssrc, stream in streams.items():
        _, index, at_ns = arrivals[arrivals[:, 0] == ssrc].T
        # At both ends only some of a frame's packets are in the measurement.
        whole = (index >= index.min() + _EDGE_FRAMES) & (index <= index.max() - _EDGE_FRAMES)
        index, at_ns = index[whole], at_ns[whole]
        order = np.lexsort((at_ns, index))
        last = order[np.append(np.flatnonzero(np.diff(index[order])), len(index) - 1)]
        due_us = stream["media0_us"] + index[last] * FRAME_US - media_us + mono_us
        late_ms.append((at_ns[last] / 1000 - due_us) / 1000)
        lost += int(index.max() - index.min() + 1) * (MEMBERS // ZONES) - len(index)
    frames_ms = np.concatenate(late_ms)
    p50, p99 = np.percentile(frames_ms, (50, 99))
    return {
        "frames": len(frames_ms),
        "late_frames": int(np.count_nonzero(frames_ms > LATE_MS)),
        "p50_late_ms": round(float(p50), 3),
        "p99_late_ms": round(float(p99), 3),
        "max_late_ms": round(float(frames_ms.max()), 3),
        "lost_packets": lost,
    }
