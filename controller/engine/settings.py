"""Settings of one engine process, and their command line."""

import argparse
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class EngineSettings:
    """control_fd: the control socket. host, port: where the media socket is bound (port 0: any).

    priority: "rr" (real-time scheduling), "nice" or "none"; the best that is allowed is taken. workers:
    threads that encode and send (0: one a core, at most 4). record: file that what enters the first zone's mix
    is appended to. multicast_ttl: routers that multicast may cross, plus one. multicast_interface: address of
    the interface that it leaves by, empty for the system's choice.
    """

    control_fd: int = 3
    host: str = "0.0.0.0"
    port: int = 5004
    priority: str = "rr"
    workers: int = 0
    record: Path | None = None
    multicast_ttl: int = 4
    multicast_interface: str = ""


def parse_arguments(arguments: list[str]) -> EngineSettings:
    """Return the settings on a command line; exits with a message when they are wrong."""
    default = EngineSettings()
    parser = argparse.ArgumentParser(prog="python -m controller.engine", description="The engine of one controller.")
    parser.add_argument("--control-fd", type=int, default=default.control_fd, metavar="N")
    parser.add_argument("--host", default=default.host, metavar="ADDRESS")
    parser.add_argument("--port", type=int, default=default.port, metavar="N")
    parser.add_argument("--priority", choices=("rr", "nice", "none"), default=default.priority)
    parser.add_argument("--workers", type=int, default=default.workers, metavar="N")
    parser.add_argument("--record", type=Path, default=default.record, metavar="FILE")
    parser.add_argument("--multicast-ttl", type=int, default=default.multicast_ttl, metavar="N")
    parser.add_argument("--multicast-interface", default=default.multicast_interface, metavar="ADDRESS")
    return EngineSettings(**vars(parser.parse_args(arguments)))
