"""What time filters make of exchanges: our clock, and aiosendspin's filter in a process of its own.

A `Heard` has an estimate's error at every STEP_NS of the virtual clock (``exchanges``).
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from heapq import heappop, heappush
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.exchanges import SECONDS, Exchange, World, local_us
from codec.wire import names, sync
from codec.wire.mac import Mac
from firmware.node.clock import Clock

STEP_NS = 100_000_000
PEER_VERSION = "10.2.1"
PEER = Path(__file__).parent.parent / ".tools" / "aiosendspin" / "aiosendspin" / "client" / "time_sync.py"
"""Made by scripts/peer-sendspin."""
_CHILD = Path(__file__).parent / "peers" / "sendspin.py"
_TAG = names.node_tag("node-1")
_STEPS = SECONDS * 1_000_000_000 // STEP_NS
_PEER_PAUSES_S = ((1_000, 3.0), (2_000, 1.0), (5_000, 0.5))
"""How long the peer's client waits while its error is below so many microseconds (client/connection.py)."""
_PEER_SHORT_PAUSE_S = 0.2

Floats = NDArray[np.float64]
Recording = list[tuple[int, Exchange]]
"""Exchanges in the order in which they came back, each with the virtual clock's nanoseconds of that."""


class Heard(NamedTuple):
    """What a filter heard, and how far it was off: `errors_us` at every step, NaN before the first estimate.

    covered: the share of estimates that are, asymmetry included, as near as the filter itself says; None if it does
    not say.
    """

    recording: Recording
    errors_us: Floats
    covered: float | None = None


def hear(world: World) -> Heard:
    """Let our clock ask through `world`, as a node's agent drives it."""
    key = Mac(bytes(32))
    clock = Clock(_TAG, key, lambda: 0)
    recording: Recording = []
    errors_us, covered = np.full(_STEPS, np.nan), []
    on_the_way: list[tuple[int, Exchange, bytes]] = []
    wake_ns = 0
    for step in range(_STEPS):
        now_ns = step * STEP_NS
        while True:
            if on_the_way and on_the_way[0][0] <= min(wake_ns, now_ns):
                back_ns, exchange, reply = heappop(on_the_way)
                recording.append((back_ns, exchange))
                clock.receive(reply, exchange.t4_us)
            elif wake_ns <= now_ns:
                wake_us = local_us(wake_ns)
                request = clock.poll(wake_us)
                answered = world.ask(wake_ns) if request is not None else None
                if answered is not None:
                    back_ns, exchange = answered
                    reply = bytes(sync.pack_reply(request, exchange.t2_us, exchange.t3_us, key))
                    heappush(on_the_way, (back_ns, exchange, reply))
                # The agent sleeps whole milliseconds, a second at most.
                wait_us = clock.next_us(wake_us) - wake_us
                wake_ns += min(max(wait_us // 1000 + 1, 1), 1000) * 1_000_000
            else:
                break
        now_us = local_us(now_ns)
        if clock.locked(now_us):
            errors_us[step] = world.error_us(now_ns, clock.media_us(now_us))
            covered.append(abs(errors_us[step] + world.network.hidden_us) <= clock.uncertainty_us(now_us))
    return Heard(recording, errors_us, float(np.mean(covered)) if covered else 0.0)


def replay(world: World, recording: Recording) -> Heard:
    """Give the peer what is in `recording`, made in `world`."""
    requests, used = [], 0
    for step in range(_STEPS):
        taken = []
        while used < len(recording) and recording[used][0] <= step * STEP_NS:
            taken.append(recording[used][1])
            used += 1
        requests.append(json.dumps([taken, local_us(step * STEP_NS)]))
    with _peer() as child:
        output, _ = child.communicate("\n".join(requests) + "\n")
    answers = [json.loads(line)[0] for line in output.splitlines()]
    return Heard(recording, _errors_us(world, answers))


def hear_peer(world: World) -> Heard:
    """Let the peer ask through `world` as its client does."""
    recording: Recording = []
    answers: list[int | None] = []
    on_the_way: Recording = []
    ask_step = 0
    with _peer() as child:
        assert child.stdin is not None and child.stdout is not None
        for step in range(_STEPS):
            now_ns = step * STEP_NS
            taken = []
            while on_the_way and on_the_way[0][0] <= now_ns:
                recording.append(heappop(on_the_way))
                taken.append(recording[-1][1])
            child.stdin.write(json.dumps([taken, local_us(now_ns)]) + "\n")
            child.stdin.flush()
            media_us, error_us = json.loads(child.stdout.readline())
            answers.append(media_us)
            if step == ask_step:
                answered = world.ask(now_ns)
                if answered is not None:
                    heappush(on_the_way, answered)
                ask_step += round(_peer_pause_s(error_us) * 1e9 / STEP_NS)
    return Heard(recording, _errors_us(world, answers))


def _peer_pause_s(error_us: int | None) -> float:
    if error_us is None:
        return _PEER_SHORT_PAUSE_S
    return next((pause_s for below_us, pause_s in _PEER_PAUSES_S if error_us < below_us), _PEER_SHORT_PAUSE_S)


@contextmanager
def _peer() -> Iterator[subprocess.Popen[str]]:
    child = subprocess.Popen([sys.executable, _CHILD, PEER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with child:
        yield child


def _errors_us(world: World, answers: list[int | None]) -> Floats:
    return np.array(
        [
            np.nan if media_us is None else world.error_us(step * STEP_NS, media_us)
            for step, media_us in enumerate(answers)
        ]
    )
