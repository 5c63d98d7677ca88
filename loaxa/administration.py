"""``loaxa ca``, ``node``, ``zone`` and ``session``: what there is, what is added and removed."""

import io
import sys
from argparse import Namespace
from typing import Any

from loaxa.client import Controller, segment
from loaxa.errors import CommandError
from loaxa.output import Output, table
from loaxa.showing import node_details, node_table

INVENTORY = ("serial", "sim_number", "sim_serial", "postal_address", "horns", "height_m", "aim_deg", "note")
"""What is kept of a node's hardware and place, for people."""


def authority(controller: Controller, args: Namespace, output: Output) -> int:
    """rotate, show."""
    if args.action == "rotate":
        found = controller.post("/ca/rotate", {"now": args.now})
        if found["next_fingerprint"] is None:
            output.answer(found, f"The commune has a new authority: {found['fingerprint']}")
        else:
            output.answer(
                found,
                f"The next authority is {found['next_fingerprint']}. It takes over once every node has answered;"
                f" waited for: {', '.join(found['waiting']) or 'nobody'}.",
            )
        return 0
    found = controller.get("/ca")
    more = f"next         {found['next_fingerprint']}\n" if found["next_fingerprint"] else ""
    if found["waiting"]:
        more += f"waited for   {', '.join(found['waiting'])}\n"
    output.answer(
        found, f"fingerprint  {found['fingerprint']}\nexpires      {found['expires_at']}\n{more}{found['pem'].strip()}"
    )
    return 0


def zone(controller: Controller, args: Namespace, output: Output) -> int:
    """add, align, list, remove, set."""
    if args.action == "align":
        return _align(controller, args, output)
    if args.action == "add":
        body: dict[str, Any] = {"id": args.id, "title": args.title, "profile": args.profile, "gain_db": args.gain_db}
        made = controller.post("/zones", {**body, **_groups(args), **_area(args)})
        output.answer(made, f"Zone {made['id']} added.")
    elif args.action == "set":
        changes = {name: getattr(args, name) for name in ("title", "profile", "gain_db")}
        changes = {name: value for name, value in changes.items() if value is not None} | _groups(args)
        changes |= _area(args)
        if not changes:
            raise CommandError(
                "Say what to change: --title, --profile, --gain-db, --multicast, --sync-group or --area."
            )
        changed = controller.patch(f"/zones/{segment(args.id)}", changes)
        output.answer(changed, f"Zone {args.id} changed.")
    elif args.action == "remove":
        controller.delete(f"/zones/{segment(args.id)}")
        output.answer({"removed": args.id}, f"Zone {args.id} removed.")
    else:
        answer = controller.get("/zones")
        rows = [
            [
                one["id"],
                one["title"],
                one["area"] or "",
                one["profile"],
                str(len(one["nodes"])),
                "on air" if one["on_air"] else "silent",
            ]
            for one in answer["zones"]
        ]
        output.answer(answer, table(rows, ["zone", "title", "area", "profile", "nodes", "state"]))
    return 0


def node(controller: Controller, args: Namespace, output: Output) -> int:
    """add, enrol, list, set, show, retire, remove."""
    if args.action == "add":
        body = {"id": args.id, "zone": args.zone, **_given(args)}
        if args.rtp:
            body["rtp_address"] = _address(args.rtp, "--rtp", "HOST:PORT, such as 192.0.2.7:5004")
        made = controller.post("/nodes", body)
        if args.rtp:
            output.answer(made, f"Receiver {made['id']} added.")
            return 0
        known = ("id", "broker", "media", "zone", "gain_db", "delay_us")
        answer = {name: made[name] for name in known}
        code = made["enrolment"]
        if code is None:
            output.note(f"Node {made['id']} added. It has no line yet; this says why: loaxa node enrol {made['id']}")
            output.answer(answer, "")
            return 0
        output.note(f"Node {made['id']} added. Give its board this line within 15 minutes:")
        output.answer(answer | {"line": code["line"], "expires_at": code["expires_at"]}, _picture(code["line"]))
    elif args.action == "enrol":
        code = controller.post(f"/nodes/{segment(args.id)}/enrolment")
        output.note(f"Give the board of {args.id} this line within 15 minutes; the board it has now is then no node.")
        answer = {"id": args.id, "line": code["line"], "expires_at": code["expires_at"]}
        output.answer(answer, _picture(code["line"]))
    elif args.action == "show":
        found = controller.get(f"/nodes/{segment(args.id)}")
        output.answer(found, node_details(found))
    elif args.action == "retire":
        retired = controller.post(f"/nodes/{segment(args.id)}/retire")
        output.answer(retired, f"Node {args.id} retired: its key is destroyed. To bring it back: loaxa node enrol.")
    elif args.action == "set":
        changes = _given(args)
        if args.zone:
            changes["zone"] = args.zone
        changed = controller.patch(f"/nodes/{segment(args.id)}", changes)
        output.answer(changed, f"Node {args.id} changed.")
    elif args.action == "remove":
        controller.delete(f"/nodes/{segment(args.id)}")
        output.answer({"removed": args.id}, f"Node {args.id} removed.")
    else:
        answer = controller.get("/nodes")
        output.answer(answer, node_table(answer))
    return 0


def _area(args: Namespace) -> dict[str, str | None]:
    """Return the area that was given, or nothing."""
    return {} if args.area is None else {"area": None if args.area == "none" else args.area}


def session(controller: Controller, args: Namespace, output: Output) -> int:
    """list, stop."""
    if args.action == "stop":
        if args.id == "all":
            stopped = controller.post("/sessions/stop-all")
            output.answer(stopped, f"{len(stopped['sessions'])} sessions stopped.")
        else:
            ended = controller.delete(f"/sessions/{segment(args.id)}")
            output.answer(ended, f"{args.id}: {ended['reason']}")
        return 0
    answer = controller.get("/sessions?active=" + ("false" if args.all else "true"))
    rows = [
        [one["id"], one["state"], one["source"]["kind"], ",".join(one["zones"]), one["priority"], one["reason"]]
        for one in answer["sessions"]
    ]
    output.answer(answer, table(rows, ["session", "state", "source", "zones", "priority", "reason"]))
    return 0


def _groups(args: Namespace) -> dict[str, Any]:
    """Return the multicast groups that were given; "none" takes one away."""
    groups = {}
    for name, option in (("multicast", "--multicast"), ("sync_group", "--sync-group")):
        text = getattr(args, name)
        if text is not None:
            groups[name] = None if text == "none" else _address(text, option, "GROUP:PORT, such as 239.77.1.1:5006")
    return groups


def _address(text: str, option: str, form: str) -> dict[str, Any]:
    host, colon, port = text.rpartition(":")
    if not (host and colon and port.isascii() and port.isdigit()):
        raise CommandError(f"{option} {text!r} is not {form}.")
    return {"host": host, "port": int(port)}


def _align(controller: Controller, args: Namespace, output: Output) -> int:
    if (args.x_m is None) != (args.y_m is None):
        raise CommandError("A listening point has two numbers: give both --x-m and --y-m.")
    body: dict[str, Any] = {
        "temperature_c": args.temperature_c,
        "level": args.level,
        "level_limit_db": args.level_limit_db,
        "dry_run": args.dry_run,
    }
    if args.x_m is not None:
        body["listening_point"] = {"x_m": args.x_m, "y_m": args.y_m}
    if args.reference is not None:
        body["reference"] = args.reference
    done = controller.post(f"/zones/{segment(args.id)}/align", body)
    for one in done["nodes"]:
        if one["limited"]:
            output.note(f"{one['id']} would need a longer delay than a node takes; it still comes too early.")
    for skipped in done["skipped"]:
        output.note(f"{skipped} is a plain RTP receiver and cannot be delayed.")
    rows = [
        [one["id"], f"{one['distance_m']:.1f}", f"{one['delay_us'] / 1000:.1f}", f"{one['gain_db']:+.1f}"]
        for one in done["nodes"]
    ]
    said = "Set." if done["applied"] else "Nothing was set: --dry-run."
    output.answer(done, table(rows, ["node", "distance m", "delay ms", "gain dB"]) + f"\n{said}")
    return 0


def _picture(line: str) -> str:
    """Return the line, and under it on a terminal its QR code."""
    if not sys.stdout.isatty():
        return line
    import segno

    drawn = io.StringIO()
    segno.make(line, error="m", micro=False).terminal(drawn, compact=True)
    return f"{line}\n\n{drawn.getvalue()}"


def _given(args: Namespace) -> dict[str, Any]:
    names = ("title", "gain_db", "delay_us", "x_m", "y_m", "lat", "lon", "muted", *INVENTORY)
    given = {name: getattr(args, name) for name in names if getattr(args, name, None) is not None}
    if args.delay_ms is not None:
        given["delay_us"] = round(args.delay_ms * 1000)
    return given
