"""``loaxa audit``: read, verify, export."""

import sys
from argparse import Namespace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from controller.audit.verify import verify_export
from loaxa.client import Controller
from loaxa.errors import CommandError
from loaxa.output import Output, table


def run(controller: Controller, args: Namespace, output: Output) -> int:
    """export, list, verify; verify answers 1 when something is wrong."""
    if args.action == "export":
        return _export(controller, args.file, output)
    if args.action == "verify":
        return _tell(controller.get("/audit/verify"), output)
    wanted = {"limit": args.limit, "text": args.text}
    wanted |= {name: getattr(args, f"of_{name}") for name in ("who", "action", "object")}
    query = urlencode({name: value for name, value in wanted.items() if value is not None})
    answer = controller.get(f"/audit?{query}")
    rows = [
        [str(one["n"]), _at(one["wall_us"]), one["who"], one["address"], one["action"], one["object"], one["details"]]
        for one in reversed(answer["records"])
    ]
    output.answer(answer, table(rows, ["n", "when (UTC)", "who", "from", "did", "what", "details"]))
    return 0


def verify_file(path: Path, output: Output) -> int:
    """Verify an export by itself; needs no controller."""
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            verdict = verify_export(lines)
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} cannot be read: {error}.") from None
    return _tell(
        {"whole": verdict.whole, "n": verdict.head.n, "hash": verdict.head.hash, "problems": verdict.problems}, output
    )


def _export(controller: Controller, path: Path, output: Output) -> int:
    count = 0
    try:
        with sys.stdout.buffer if str(path) == "-" else path.open("wb") as file:
            for chunk in controller.download("/audit/export"):
                count += chunk.count(b"\n")
                file.write(chunk)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}.") from None
    if str(path) != "-":
        output.answer({"records": count, "file": str(path)}, f"{count} records are in {path}.")
    return 0


def _tell(verdict: dict[str, Any], output: Output) -> int:
    said = "whole" if verdict["whole"] else "NOT whole:\n  " + "\n  ".join(verdict["problems"])
    output.answer(verdict, f"{verdict['n']} records, the last with hash {verdict['hash']}: {said}")
    return 0 if verdict["whole"] else 1


def _at(wall_us: int) -> str:
    return datetime.fromtimestamp(wall_us / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S")
