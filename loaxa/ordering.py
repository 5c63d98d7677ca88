"""``loaxa node order``: one order to many nodes, and what came of it at each."""

from argparse import Namespace

from loaxa.client import Controller, segment
from loaxa.errors import CommandError
from loaxa.output import Output, table

MOST = 2000
"""Nodes that the controller takes in one request."""


def run(controller: Controller, args: Namespace, output: Output) -> int:
    """Order the nodes; the exit code is 0 only when every one has done it."""
    if bool(args.nodes) == bool(args.zone):
        raise CommandError("Name nodes, or all of a zone: --zone Z.")
    nodes = args.nodes or controller.get(f"/zones/{segment(args.zone)}")["nodes"]
    if not nodes:
        raise CommandError(f"The zone {args.zone} has no nodes.")
    if (args.op == "gain") != (args.gain_db is not None):
        raise CommandError("gain needs --gain-db, and nothing else has it.")
    body = {"op": args.op.removeprefix("un")}
    if args.op == "gain":
        body["gain_db"] = args.gain_db
    elif body["op"] == "mute":
        body["muted"] = args.op == "mute"
    results = []
    for first in range(0, len(nodes), MOST):
        asked = {**body, "nodes": nodes[first : first + MOST]}
        results += controller.post(f"/nodes/commands?wait_s={args.wait_s:g}", asked)["results"]
    rows = [[one["node"], _said(one["acknowledged"], one["error"])] for one in results]
    output.answer({"results": results}, table(rows, ["node", "answer"]))
    return 0 if all(one["acknowledged"] and one["error"] is None for one in results) else 1


def _said(acknowledged: bool, error: str | None) -> str:
    if error is not None:
        return error
    return "done" if acknowledged else "no answer"
