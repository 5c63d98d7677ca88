"""The command ``loaxa``: reads the command line, calls what does the work, turns errors into one sentence."""

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from loaxa.errors import CommandError
from loaxa.output import Output

PRIORITIES = ("background", "normal", "priority", "live", "emergency")


_SYNC_GROUP = "the zone's nodes, all on one LAN, follow one of them in time by this group; a port of its own"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 only on success."""
    parser = build_parser()
    args = parser.parse_args(arguments)
    if args.command == "broadcast" and not args.zone and not args.area:
        parser.error("broadcast: say where: --zone Z, or --area A for all zones in it")
    output = Output(getattr(args, "json", False))
    try:
        _refuse_bytes(args)
        return _run(args, output)
    except CommandError as error:
        print(f"loaxa: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output is gone: nothing is left to say
        return 1


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    remote = argparse.ArgumentParser(add_help=False, parents=[common])
    remote.add_argument("--controller", metavar="URL", help="default: $LOAXA_CONTROLLER or https://127.0.0.1:8080")
    remote.add_argument("--ca", metavar="FILE", help="authority of its certificate, in PEM; default: $LOAXA_CA")
    parser = argparse.ArgumentParser(prog="loaxa", description="The open loudspeaker system of a commune.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", parents=[common], help="run the controller")
    serve.add_argument("--config", type=Path, metavar="FILE", help="settings in TOML")

    broadcast = commands.add_parser("broadcast", parents=[remote], help="put a source on air; ends with it")
    broadcast.add_argument(
        "source", metavar="SOURCE", help="a file, - (raw 48 kHz s16 mono), a URL, text:..., chime, tone:440"
    )
    broadcast.add_argument("--zone", action="append", default=[], metavar="Z", help="may be given several times")
    broadcast.add_argument("--area", action="append", default=[], metavar="A", help="all zones in it; several times")
    broadcast.add_argument("--priority", choices=PRIORITIES, default="live")
    broadcast.add_argument("--gain-db", type=_number, default=0.0)
    broadcast.add_argument(
        "--live", action="store_true", help="with -: a microphone; what piles up is dropped to keep the delay short"
    )

    _add_administration(commands, remote)
    _add_people(commands, remote)

    sim = commands.add_parser("sim", help="a village without poles")
    sims = sim.add_subparsers(dest="action", required=True, metavar="ACTION")
    run = sims.add_parser("run", parents=[common], help="play a scenario and print its verdict")
    run.add_argument("scenario", type=Path, metavar="SCENARIO")
    run.add_argument("--keep", type=Path, metavar="DIR", help="leave recordings, packets, plots and logs there")
    search = sims.add_parser(
        "search", parents=[common], help="play many drawn scenarios in virtual time; say which break what must hold"
    )
    search.add_argument("--seeds", type=int, default=100, metavar="N", help="how many; default 100")
    search.add_argument("--first", type=int, default=0, metavar="SEED", help="the first seed; default 0")
    search.add_argument("--keep", type=Path, metavar="DIR", help="leave the shortest scenario of each failure there")
    village = sims.add_parser("village", help="a controller and a living village to try things in")
    village.add_argument("--nodes", type=int, default=6)
    village.add_argument("--port", type=int, default=8080, help="of the controller's page")

    bench = commands.add_parser("bench", parents=[common], help="run one benchmark, or all")
    bench.add_argument("name", metavar="NAME")
    bench.add_argument("--nodes", type=int, metavar="N", help="of enrolment, 1000, history and overview, 2000")
    bench.add_argument("--days", type=int, metavar="N", help="of history; default 30")
    return parser


def _add_administration(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", remote: argparse.ArgumentParser
) -> None:
    details = argparse.ArgumentParser(add_help=False)
    details.add_argument("--title")
    details.add_argument("--gain-db", type=_number)
    delay = details.add_mutually_exclusive_group()
    delay.add_argument("--delay-us", type=int, help="acoustic delay, microseconds")
    delay.add_argument("--delay-ms", type=_number, help="acoustic delay, milliseconds: 3 for each metre of air")
    for name in ("--x-m", "--y-m", "--lat", "--lon"):
        details.add_argument(name, type=_number)
    details.add_argument("--serial", help="of the hardware; a board of ours tells its own when it is enrolled")
    details.add_argument("--sim-number", help="telephone number of the SIM")
    details.add_argument("--sim-serial", help="of the SIM (ICCID)")
    details.add_argument("--address", dest="postal_address", help="where it hangs, for people")
    details.add_argument("--horns", type=int, help="how many it drives")
    details.add_argument("--height-m", type=_number, help="of the horns over the ground")
    details.add_argument("--aim-deg", type=_number, help="where the horns point, degrees from north")
    details.add_argument("--note", help="for people")

    node = commands.add_parser("node", help="nodes: boards with horns")
    nodes = node.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = nodes.add_parser("add", parents=[remote, details], help="add a node; prints the enrolment line for its board")
    add.add_argument("id", metavar="ID")
    add.add_argument("--zone", required=True, metavar="Z")
    add.add_argument("--rtp", metavar="HOST:PORT", help="a plain RTP receiver in place of a board of ours")
    change = nodes.add_parser("set", parents=[remote, details], help="change a node")
    change.add_argument("id", metavar="ID")
    change.add_argument("--zone", metavar="Z")
    change.add_argument("--muted", action=argparse.BooleanOptionalAction)
    _add_calibrate(nodes, remote)
    enrol = nodes.add_parser("enrol", parents=[remote], help="a new enrolment line: for a board that replaces another")
    enrol.add_argument("id", metavar="ID")
    retire = nodes.add_parser("retire", parents=[remote], help="take a node out of service; destroys its key")
    retire.add_argument("id", metavar="ID")
    order = nodes.add_parser("order", parents=[remote], help="order nodes: at once, and wait for their answers")
    order.add_argument("op", metavar="ORDER", choices=("gain", "mute", "unmute", "tone", "stop", "reboot"))
    order.add_argument("nodes", metavar="NODE", nargs="*")
    order.add_argument("--zone", metavar="Z", help="in place of names: all of its nodes")
    order.add_argument("--gain-db", type=_number, help="of gain")
    order.add_argument("--wait-s", type=_number, default=2.0, metavar="S", help="for answers, at most 10; default 2")
    nodes.add_parser("list", parents=[remote], help="list nodes and their state")
    nodes.add_parser("show", parents=[remote], help="what a node told of itself").add_argument("id", metavar="ID")
    nodes.add_parser("remove", parents=[remote], help="remove a node").add_argument("id", metavar="ID")

    ca = commands.add_parser("ca", help="the commune's certificate authority")
    authorities = ca.add_subparsers(dest="action", required=True, metavar="ACTION")
    authorities.add_parser("show", parents=[remote], help="fingerprint, expiry, and the certificate in PEM")
    rotate = authorities.add_parser("rotate", parents=[remote], help="a new one, once every node has learnt of it")
    rotate.add_argument("--now", action="store_true", help="at once; nodes that are away must then be enrolled anew")

    zone = commands.add_parser("zone", help="zones: groups of nodes that play the same")
    zones = zone.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = zones.add_parser("add", parents=[remote], help="add a zone")
    add.add_argument("id", metavar="ID")
    add.add_argument("--title", default="")
    add.add_argument("--profile", default="lan", help="lan, low or mobile")
    add.add_argument("--gain-db", type=_number, default=0.0)
    add.add_argument("--multicast", metavar="GROUP:PORT")
    add.add_argument("--sync-group", metavar="GROUP:PORT", help=_SYNC_GROUP)
    add.add_argument("--area", metavar="A", help="the area that it lies in")
    change = zones.add_parser("set", parents=[remote], help="change a zone")
    change.add_argument("id", metavar="ID")
    change.add_argument("--title")
    change.add_argument("--profile", help="lan, low or mobile")
    change.add_argument("--gain-db", type=_number)
    change.add_argument("--multicast", metavar="GROUP:PORT", help="or: none")
    change.add_argument("--sync-group", metavar="GROUP:PORT", help=_SYNC_GROUP + "; or: none")
    change.add_argument("--area", metavar="A", help="or: none")
    _add_align(zones, remote)
    zones.add_parser("list", parents=[remote], help="list zones")
    zones.add_parser("remove", parents=[remote], help="remove a zone without nodes").add_argument("id", metavar="ID")

    _add_areas(commands, remote)
    session = commands.add_parser("session", help="sessions: what is on air")
    sessions = session.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = sessions.add_parser("list", parents=[remote], help="list what is on air")
    listing.add_argument("--all", action="store_true", help="also what is over")
    stop = sessions.add_parser("stop", parents=[remote], help="stop a session, or all")
    stop.add_argument("id", metavar="ID", help="of the session, or: all")


def _add_areas(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", remote: argparse.ArgumentParser
) -> None:
    area = commands.add_parser("area", help="areas: provinces, communes and villages that zones lie in")
    areas = area.add_subparsers(dest="action", required=True, metavar="ACTION")
    outline = argparse.ArgumentParser(add_help=False)
    outline.add_argument("--outline", type=Path, metavar="FILE", help="its border: a Polygon, GeoJSON")
    add = areas.add_parser("add", parents=[remote, outline], help="add an area")
    add.add_argument("id", metavar="ID")
    add.add_argument("--kind", required=True, choices=("province", "commune", "village"))
    add.add_argument("--title", default="")
    add.add_argument("--parent", metavar="A", help="the area that it lies in")
    change = areas.add_parser("set", parents=[remote, outline], help="change an area")
    change.add_argument("id", metavar="ID")
    change.add_argument("--kind", choices=("province", "commune", "village"))
    change.add_argument("--title")
    change.add_argument("--parent", metavar="A", help="or: none")
    areas.add_parser("list", parents=[remote], help="list areas as a tree")
    areas.add_parser("remove", parents=[remote], help="remove an empty area").add_argument("id", metavar="ID")


def _add_people(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    remote: argparse.ArgumentParser,
) -> None:
    secret = argparse.ArgumentParser(add_help=False)
    secret.add_argument("--generate", action="store_true", help="have a password made up, in place of asking for one")
    user = commands.add_parser("user", help="accounts of people")
    users = user.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = users.add_parser("add", parents=[remote, secret], help="add an account; asks for its password")
    add.add_argument("name", metavar="NAME")
    add.add_argument("--title", default="", help="the person's name")
    add.add_argument("--role", action="append", default=[], metavar="R", help="may be given several times")
    change = users.add_parser("set", parents=[remote], help="change an account")
    change.add_argument("name", metavar="NAME")
    change.add_argument("--title")
    change.add_argument("--role", action="append", default=[], metavar="R", help="all roles it shall have")
    change.add_argument("--enabled", action=argparse.BooleanOptionalAction)
    change.add_argument("--end-totp", action="store_true", help="ask for no one-time codes: the telephone is lost")
    users.add_parser("list", parents=[remote], help="list accounts")
    users.add_parser("remove", parents=[remote], help="remove an account").add_argument("name", metavar="NAME")
    word = users.add_parser("password", parents=[remote, secret], help="give an account a new password")
    word.add_argument("name", metavar="NAME")

    token = commands.add_parser("token", help="tokens of programs")
    tokens = token.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = tokens.add_parser("add", parents=[remote], help="make a token; it is shown once")
    add.add_argument("--scope", action="append", required=True, metavar="S", help="such as read; several times")
    add.add_argument("--title", default="")
    add.add_argument("--days", type=int, default=90, help="how long it lives; default 90")
    add.add_argument("--user", metavar="NAME", help="whose; default: who is signed in")
    tokens.add_parser("list", parents=[remote], help="list tokens")
    tokens.add_parser("remove", parents=[remote], help="revoke a token").add_argument("id", metavar="ID")

    login = commands.add_parser("login", parents=[remote], help="sign in at a controller on another computer")
    login.add_argument("name", metavar="NAME", nargs="?")
    login.add_argument("--code", help="one-time code, where the account has them")
    commands.add_parser("logout", parents=[remote], help="forget and revoke that sign-in")

    audit = commands.add_parser("audit", help="who did what")
    audits = audit.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = audits.add_parser("list", parents=[remote], help="the last records")
    listing.add_argument("--limit", type=int, default=50, help="how many, at most 1000; default 50")
    for name in ("who", "action", "object"):
        listing.add_argument(f"--{name}", dest=f"of_{name}", metavar="START", help="only where it begins like this")
    listing.add_argument("--text", help="only with this in the details or the object")
    verify = audits.add_parser("verify", parents=[remote], help="find what was edited, removed, moved or cut off")
    verify.add_argument("file", type=Path, nargs="?", metavar="FILE", help="an export, in place of the controller's")
    export = audits.add_parser("export", parents=[remote], help="all records with their hashes, JSON lines")
    export.add_argument("file", type=Path, metavar="FILE", help="or: -")


def _add_align(zones: "argparse._SubParsersAction[argparse.ArgumentParser]", remote: argparse.ArgumentParser) -> None:
    align = zones.add_parser(
        "align",
        parents=[remote],
        help="set the nodes' delays by where they stand",
        description="Set each node's acoustic delay so that all horns are heard at one instant: at --x-m, --y-m (where"
        " the people are), or in the middle of the horns. With --reference the named horn is heard first everywhere.",
    )
    align.add_argument("id", metavar="ID")
    align.add_argument("--x-m", type=_number, metavar="X", help="of the listening point, metres on the village's plan")
    align.add_argument("--y-m", type=_number, metavar="Y")
    align.add_argument("--reference", metavar="NODE", help="the horn that everybody hears first")
    align.add_argument("--temperature-c", type=_number, default=20.0, metavar="T", help="of the air; default 20")
    align.add_argument("--level", action="store_true", help="also lower the near horns to the level of the farthest")
    align.add_argument("--level-limit-db", type=_number, default=6.0, help="by so much at most; default 6")
    align.add_argument("--dry-run", action="store_true", help="only show what would be set")


def _add_calibrate(
    nodes: "argparse._SubParsersAction[argparse.ArgumentParser]", remote: argparse.ArgumentParser
) -> None:
    calibrate = nodes.add_parser(
        "calibrate",
        parents=[remote],
        help="set the nodes' delays by what a microphone hears",
        description="Let node after node sweep alone, find in a recording when each is heard, and set their delays so"
        " that all arrive together where the microphone stood: where the people are. With another recorder, such as a"
        " phone: --play-only while it records, then --recording FILE.",
    )
    calibrate.add_argument("nodes", metavar="NODE", nargs="*", help="two or more that are heard at one place")
    calibrate.add_argument("--zone", metavar="Z", help="in place of names: all of its nodes that are on line")
    calibrate.add_argument("--device", metavar="NAME", help="the sound input, by number, name or part of it")
    calibrate.add_argument("--play-only", action="store_true", help="only play; keep in --played what was played")
    calibrate.add_argument("--recording", type=Path, metavar="FILE", help="measure this; nothing is played")
    calibrate.add_argument(
        "--played", type=Path, metavar="FILE", default=Path("calibration.json"), help="default: calibration.json"
    )
    calibrate.add_argument("--rounds", type=int, default=2, help="how often each node is heard, 1 to 5; default 2")
    calibrate.add_argument("--gain-db", type=_number, default=0.0, help="of the sweeps: louder over noise")
    calibrate.add_argument(
        "--level", action="store_true", help="also lower the loud horns to the level of the quietest"
    )
    calibrate.add_argument("--level-limit-db", type=_number, default=6.0, help="by so much at most; default 6")
    calibrate.add_argument("--dry-run", action="store_true", help="only show what would be set")


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"{text} is no number to reckon with")
    return number


def _refuse_bytes(args: argparse.Namespace) -> None:
    """Raise CommandError for an argument that is no text: Python carries its bytes as lone surrogates."""
    for value in vars(args).values():
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and any("\ud800" <= character <= "\udfff" for character in text):
                raise CommandError("An argument is not UTF-8 text.")


def _run(args: argparse.Namespace, output: Output) -> int:
    match args.command:
        case "serve":
            from loaxa import serving

            return serving.run(args.config, output)
        case "sim":
            return _simulate(args, output)
        case "bench":
            return _bench(args.name, args.nodes, args.days, output)
    from loaxa import administration, areas, auditing, broadcasting, ordering, people
    from loaxa.client import Controller, default_url

    if args.command == "login":
        return people.login((args.controller or default_url()).rstrip("/"), args, output)
    if args.command == "audit" and args.action == "verify" and args.file:
        return auditing.verify_file(args.file, output)
    with Controller(args.controller or default_url(), args.ca) as controller:
        if args.command == "broadcast":
            return broadcasting.run(controller, args, output)
        if args.command == "node" and args.action == "calibrate":
            from loaxa import calibrating  # what measures is heavy

            return calibrating.run(controller, args, output)
        if args.command == "node" and args.action == "order":
            return ordering.run(controller, args, output)
        if args.command == "logout":
            return people.logout(controller, output)
        what = {
            "ca": administration.authority,
            "node": administration.node,
            "zone": administration.zone,
            "area": areas.run,
            "session": administration.session,
            "user": people.user,
            "token": people.token,
            "audit": auditing.run,
        }
        return what[args.command](controller, args, output)


def _simulate(args: argparse.Namespace, output: Output) -> int:
    from loaxa import simulation

    if args.action == "run":
        return simulation.play(args.scenario, args.keep, output)
    if args.action == "search":
        return simulation.search(args.first, args.seeds, args.keep, output)
    return simulation.inhabit(args.nodes, args.port)


def _bench(name: str, nodes: int | None, days: int | None, output: Output) -> int:
    import benchmarks

    known = benchmarks.NAMES + benchmarks.ALONE
    if name != "all" and name not in known:
        raise CommandError(f"There is no benchmark {name}. There are: {', '.join(known)}, all.")
    if nodes is not None and (name not in benchmarks.SIZED or not 1 <= nodes <= 10_000):
        raise CommandError(f"--nodes is for {', '.join(benchmarks.SIZED)}, and from 1 to 10000.")
    if days is not None and (name not in benchmarks.DAYS or not 2 <= days <= 400):
        raise CommandError(f"--days is for {', '.join(benchmarks.DAYS)}, and from 2 to 400.")
    if name != "all":
        size = {what: number for what, number in (("nodes", nodes), ("days", days)) if number is not None}
        result = benchmarks.run(name, **size)
        output.answer(result, benchmarks.describe(name, result))
        return 0
    results = {each: benchmarks.run(each) for each in benchmarks.NAMES}
    output.answer(results, "\n\n".join(benchmarks.describe(each, result) for each, result in results.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
