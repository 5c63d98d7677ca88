"""``loaxa broadcast``: puts one source on air and ends with it."""

import os
import re
import signal
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from loaxa.client import Controller
from loaxa.errors import CommandError
from loaxa.output import Output

CHUNK_BYTES = 1920
"""20 ms of s16: a live voice must not wait for a larger one to fill."""


class _StopError(Exception):
    """Ctrl-C or SIGTERM."""


def run(controller: Controller, args: Namespace, output: Output) -> int:
    """Broadcast `args.source` and return the exit code when it is over."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    session_id = ""
    try:
        body = {
            "source": resolve(args.source, controller, args.live),
            "zones": args.zone,
            "areas": args.area,
            "priority": args.priority,
            "gain_db": args.gain_db,
        }
        begun = controller.post("/sessions", body)
        session_id = str(begun["id"])
        output.note(f"On its way: {session_id}")
        if not _anybody_hears(controller, begun["zones"]):
            output.note("No node of these zones is on line, so nobody hears it yet; see: loaxa node list")
        if args.source == "-":
            controller.push(session_id, _standard_input())
        ended = _wait(controller, session_id)
    except _StopError:
        if not session_id:
            return 130
        ended = controller.delete(f"/sessions/{session_id}")
    if ended["state"] == "failed":
        raise CommandError(f"The broadcast failed: {ended['reason']}.")
    output.answer(ended, f"{session_id}: {ended['reason']}")
    return 0


def resolve(source: str, controller: Controller, live: bool) -> dict[str, Any]:
    """Return the REST source for what stands on the command line; a file is uploaded."""
    if source == "-":
        return {"kind": "push", "realtime": live}
    if source.startswith("text:"):
        return {"kind": "text", "text": source.removeprefix("text:")}
    if chime := re.fullmatch(r"chime(?::(\w+))?", source):
        return {"kind": "chime", "name": chime[1] or "open"}
    if tone := re.fullmatch(r"tone(?::(\d+(?:\.\d+)?))?", source):
        return {"kind": "tone", "frequency_hz": float(tone[1] or 1000)}
    if re.match(r"https?://", source, re.IGNORECASE):
        return {"kind": "stream", "url": source}
    path = Path(source)
    if not path.is_file():
        raise CommandError(
            f"{source} is no file. A source is a file, -, a URL, text:..., chime, chime:close or tone:440."
        )
    return {"kind": "sound", "sound": controller.upload(path)}


def _anybody_hears(controller: Controller, zones: list[str]) -> bool:
    """Return whether a node of the zones is on line; a plain receiver never says whether it is."""
    nodes = [node for node in controller.get("/nodes")["nodes"] if node["zone"] in zones]
    return any(node["state"] == "online" or node["rtp_address"] for node in nodes)


def _wait(controller: Controller, session_id: str) -> dict[str, Any]:
    """Return the session when it is over; read anew at each change, so that none is missed."""
    while True:
        for kind in controller.events():
            if kind in ("hello", "session"):
                found: dict[str, Any] = controller.get(f"/sessions/{session_id}")
                if found["ended_at"]:
                    return found


def _standard_input() -> Iterator[bytes]:
    while chunk := os.read(sys.stdin.fileno(), CHUNK_BYTES):
        yield chunk


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise _StopError
