"""What it costs that nobody else can speak: bytes and processor time a packet, in a node and in the engine.

The node's part runs under MicroPython's unix port and counts its processor time; the engine's is a signature put into
a packet, and the tag of a packet that a node asked for again.
"""

import json
import os
import statistics
import subprocess
import time
from pathlib import Path
from typing import Any

from benchmarks import table
from codec.profile import PROFILES
from codec.wire import rtp
from codec.wire.mac import Mac
from controller.engine.authenticator import Signature
from hil_sim import flash

TURNS, PACKETS, PAYLOAD_BYTES = 5, 20_000, 80
PLAIN_HEADER_BYTES = 24
"""RTP with the frame index alone."""
_SCRIPT = Path(__file__).parent / "node" / "authentication.py"


def run() -> dict[str, Any]:
    """Return `overhead_bytes` a packet, `verify_us` and `again_us` in a node, `sign_us` and `sign_again_us` in the
    engine: medians, microseconds of processor time a packet; and by profile `lag_us`, for how long a frame waits."""
    node = [_on_a_node() for _ in range(TURNS)]
    tags = Mac(bytes(32))
    packet = memoryview(bytearray(rtp.HEADER_BYTES + PAYLOAD_BYTES))
    return {
        "overhead_bytes": rtp.HEADER_BYTES - PLAIN_HEADER_BYTES,
        "verify_us": round(statistics.median(turn["verified_us"] for turn in node), 1),
        "again_us": round(statistics.median(turn["again_us"] for turn in node), 1),
        "sign_us": _time(lambda: Signature(tags, bytes(rtp.KEY_BYTES)).put(packet)),
        "sign_again_us": _time(lambda: rtp.put_tag(packet, tags, rtp.BY_NODE_KEY)),
        "lag_us": {profile.name: profile.lag_us for profile in PROFILES.values()},
    }


def describe(result: dict[str, Any]) -> str:
    """Return the figures as a table."""
    return table.lines(
        ("bytes of a packet", result["overhead_bytes"], "B"),
        ("to verify one in a node", result["verify_us"], "us"),
        ("  one that it asked for again", result["again_us"], "us"),
        ("to sign one in the engine", result["sign_us"], "us"),
        ("  for one node", result["sign_again_us"], "us"),
        *((f"a frame waits, {name}", lag_us // 1000, "ms") for name, lag_us in result["lag_us"].items()),
    )


def _on_a_node() -> dict[str, float]:
    done = subprocess.run(
        [flash.micropython(), "-X", "heapsize=16m", _SCRIPT],
        env={**os.environ, "MICROPYPATH": f"{flash.ROOT}:.frozen"},
        capture_output=True,
        check=True,
        timeout=60,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _time(call: Any) -> float:
    turns = []
    for _ in range(TURNS):
        began_s = time.process_time()
        for _ in range(PACKETS // TURNS):
            call()
        turns.append((time.process_time() - began_s) * 1e6 / (PACKETS // TURNS))
    return round(statistics.median(turns), 2)
