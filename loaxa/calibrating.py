"""``loaxa node calibrate``: hears node after node alone, and sets their delays so that all arrive together."""

from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.acoustics.calibration import CalibrationError, Measured, Measurement, Proposal, measure, propose
from controller.acoustics.probe import Floats
from loaxa import played, sweeping
from loaxa.client import Controller, segment
from loaxa.errors import CommandError
from loaxa.microphone import Microphone, read
from loaxa.output import Output, table
from loaxa.patience import Patience, StopError
from loaxa.played import Played, PlayedNode

HEADS = ["node", "late ms", "level dB", "over noise dB", "delay ms", "gain dB", "problem"]
LEAST_NODES = 2


@dataclass(frozen=True)
class Chosen:
    """What is to be measured: what will be played, and the zones that it sounds in."""

    played: Played
    zones: list[str]


def run(controller: Controller, args: Namespace, output: Output) -> int:
    """Play, record, measure and set as `args` say; return the exit code, 0 when every node was measured."""
    _check(args)
    if args.recording is not None:
        what = played.load(args.played)
        return _judge(controller, args, output, what, read(args.recording))
    chosen = choose(controller, args.nodes, args.zone, args.rounds, output)
    chosen.played.check_length()
    try:
        with Patience() as patience:
            if args.play_only:
                return _play_only(controller, args, output, chosen, patience)
            with Microphone(args.device) as microphone:
                what = _play(controller, args, output, chosen, patience)
    except StopError:
        output.note("Stopped. Nothing was changed.")
        return 130
    return _judge(controller, args, output, what, microphone.recording())


def choose(controller: Controller, names: list[str], zone: str | None, rounds: int, output: Output) -> Chosen:
    """Return the nodes of those names, or all of `zone` that can be heard; raises CommandError."""
    there = {str(node["id"]): node for node in controller.get("/nodes")["nodes"]}
    unknown = [name for name in names if name not in there]
    if unknown:
        raise CommandError(f"There is no node {', '.join(unknown)}. There are: {', '.join(there) or 'none'}.")
    nodes = [there[name] for name in dict.fromkeys(names)] or [node for node in there.values() if node["zone"] == zone]
    if zone is not None and not nodes:
        raise CommandError(f"The zone {zone} has no node. See: loaxa node list.")
    unfit = {node["id"]: _unfit(node) for node in nodes if _unfit(node)}
    if unfit and zone is None:  # of names every one was meant
        raise CommandError("; ".join(f"{name} {problem}" for name, problem in unfit.items()) + ".")
    for name, problem in unfit.items():
        output.note(f"{name} {problem}, and is left out.")
    nodes = [node for node in nodes if node["id"] not in unfit]
    if len(nodes) < LEAST_NODES:
        raise CommandError("One node alone has nobody to be in time with: at least two must be on line, not muted.")
    zones = sorted({str(node["zone"]) for node in nodes})
    _check_zones(controller, zones)
    for node in there.values():
        if node["zone"] in zones and node["rtp_address"]:
            output.note(
                f"{node['id']} is a plain RTP receiver and cannot be silenced: switch it off while you measure."
            )
    return Chosen(
        Played(
            nodes=[PlayedNode(id=node["id"], delay_us=node["delay_us"], gain_db=node["gain_db"]) for node in nodes],
            rounds=rounds,
        ),
        zones,
    )


def _check(args: Namespace) -> None:
    if args.recording is not None:
        if args.nodes or args.zone or args.play_only or args.device:
            raise CommandError("--recording measures what --play-only played: leave out nodes, --zone and --device.")
    elif bool(args.nodes) == bool(args.zone):
        raise CommandError("Name the nodes to be measured, or a zone with --zone.")
    if not 1 <= args.rounds <= played.MAX_ROUNDS:
        raise CommandError(f"--rounds is a number from 1 to {played.MAX_ROUNDS}.")
    if not 0.0 <= args.level_limit_db <= 24.0:
        raise CommandError("--level-limit-db is a number from 0 to 24.")


def _unfit(node: dict[str, Any]) -> str:
    if node["rtp_address"]:
        return "is a plain RTP receiver and cannot be delayed"
    if node["muted"]:
        return "is muted"
    return "is not on line" if node["state"] in ("new", "offline") else ""


def _check_zones(controller: Controller, zones: list[str]) -> None:
    profiles = {zone["profile"] for zone in controller.get("/zones")["zones"] if zone["id"] in zones}
    if len(profiles) > 1:
        raise CommandError(
            f"{', '.join(zones)} have the profiles {', '.join(sorted(profiles))}, and each has a lead of its own. "
            "Give them one profile, or measure zone by zone."
        )


def _play(controller: Controller, args: Namespace, output: Output, chosen: Chosen, patience: Patience) -> Played:
    what = chosen.played
    output.note(f"{len(what.nodes)} nodes, {what.programme.duration_s:.0f} s. Keep the microphone where it is.")
    lost = sweeping.play(controller, what.programme, chosen.zones, args.gain_db, patience, output.note)
    return what.model_copy(update={"lost": sorted(lost)})


def _play_only(controller: Controller, args: Namespace, output: Output, chosen: Chosen, patience: Patience) -> int:
    played.keep(chosen.played, args.played)  # before anything sounds: it may be a place that cannot be written
    try:
        output.note("The recorder should be running by now; let it run until this command has ended.")
        what = _play(controller, args, output, chosen, patience)
    except BaseException:
        args.played.unlink(missing_ok=True)  # what was not played to its end is not to be measured
        raise
    played.keep(what, args.played)
    elsewhere = "" if args.played == Path(played.DEFAULT_NAME) else f" --played {args.played}"
    output.answer(what.model_dump(), f"Played. Then: loaxa node calibrate --recording FILE{elsewhere}")
    return 0


def _judge(controller: Controller, args: Namespace, output: Output, what: Played, recording: Floats) -> int:
    try:
        found = measure(recording, what.programme, frozenset(what.lost))
    except CalibrationError as error:
        raise CommandError(str(error)) from None
    proposals = propose(found, what.gains_db, args.level_limit_db)
    changes: dict[str, dict[str, Any]] = {}
    if len(proposals) >= LEAST_NODES:
        changes = {
            name: {"delay_us": each.delay_us, **({"gain_db": each.gain_db} if args.level else {})}
            for name, each in proposals.items()
        }
    if changes and not args.dry_run:
        with Patience():  # Ctrl-C does not leave half of them changed
            set_all(controller, changes)
    answer = describe(found, what, proposals, changes, applied=bool(changes) and not args.dry_run)
    for name, each in proposals.items():
        if each.limited:
            output.note(f"{name} would need a longer delay than a node takes; it still comes too early.")
    output.answer(answer, _text(answer, args.dry_run))
    return 0 if len(proposals) == len(what.nodes) else 1


def set_all(controller: Controller, changes: dict[str, dict[str, Any]]) -> None:
    """Change the nodes by PATCH, all or none; raises CommandError."""
    there = {str(node["id"]): node for node in controller.get("/nodes")["nodes"]}
    gone = [name for name in changes if name not in there]
    if gone:
        raise CommandError(f"{', '.join(gone)} is no node any more. Nothing was changed; play and measure again.")
    tried: list[str] = []
    try:
        for name, change in changes.items():
            tried.append(name)
            controller.patch(f"/nodes/{segment(name)}", change)
    except CommandError as error:
        before = {name: {key: there[name][key] for key in changes[name]} for name in tried}
        left = [name for name, values in before.items() if not _set_back(controller, name, values)]
        raise CommandError(
            f"{error} {', '.join(left) + ' may have its new delay already' if left else 'Nothing was changed'}; "
            "measure again."
        ) from None


def _set_back(controller: Controller, name: str, values: dict[str, Any]) -> bool:
    try:
        controller.patch(f"/nodes/{segment(name)}", values)
    except CommandError:
        return False
    return True


def describe(
    found: Measurement,
    what: Played,
    proposals: dict[str, Proposal],
    changes: dict[str, dict[str, Any]],
    applied: bool,
) -> dict[str, Any]:
    """Return the answer as JSON has it. late_ms: after the earliest one, the delays that were set taken out."""
    earliest_s = min((each.late_s for each in found.nodes if each.node in proposals), default=0.0)
    return {
        "applied": applied,
        "recorder_ppm": round(found.recorder_ppm, 1),
        "nodes": [
            {
                "id": each.node,
                **_heard(each, earliest_s),
                "delay_us": changes.get(each.node, {}).get("delay_us"),
                "gain_db": changes.get(each.node, {}).get("gain_db", what.gains_db[each.node]),
                "limited": each.node in proposals and proposals[each.node].limited,
                "problem": each.problem or None,
            }
            for each in found.nodes
        ],
    }


def _heard(each: Measured, earliest_s: float) -> dict[str, float | None]:
    if each.problem:  # its figures are those of noise, or of another horn
        return dict.fromkeys(("late_ms", "level_db", "over_noise_db", "spread_ms"))
    return {
        "late_ms": round((each.late_s - earliest_s) * 1000, 3),
        "level_db": round(each.level_db, 1),
        "over_noise_db": round(each.over_noise_db, 1),
        "spread_ms": round(each.spread_s * 1000, 3),
    }


def _text(answer: dict[str, Any], dry_run: bool) -> str:
    rows = [
        [
            one["id"],
            *("" if one[key] is None else f"{one[key]:.1f}" for key in ("late_ms", "level_db", "over_noise_db")),
            "" if one["delay_us"] is None else f"{one['delay_us'] / 1000:.1f}",
            f"{one['gain_db']:+.1f}",
            one["problem"] or "",
        ]
        for one in answer["nodes"]
    ]
    if answer["applied"]:
        said = "Set."
    else:
        said = "Nothing was set: --dry-run." if dry_run else "Nothing was set: no two nodes were measured."
    if any(one["problem"] for one in answer["nodes"]):
        said += " A node with a problem stays as it was."
    return f"{table(rows, HEADS)}\n{said}"
