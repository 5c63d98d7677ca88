"""``loaxa sim village``: a controller and a living village to try things in, until Ctrl-C."""

import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType

from hil_sim.network import NetworkError
from hil_sim.office import OfficeError
from hil_sim.scenario import Clock, LinkSettings, Scenario, poles
from hil_sim.village import ZONE, Village

LINK = LinkSettings(delay_ms=5.0, jitter_ms=2.0)
CLOCK = Clock(drift_ppm=(-50.0, 50.0))
_TICK_S = 0.2


def run_village(nodes: int, port: int) -> int:
    """Run a village of `nodes` with the controller's page on `port`; return 0 after Ctrl-C, 1 when it cannot start."""
    if not _is_free(port):
        print(f"loaxa: port {port} is in use; choose another one with --port", file=sys.stderr)
        return 1
    scenario = Scenario(name="village", nodes=nodes, network=LINK, clock=CLOCK, positions=poles(nodes))
    # Also SIGINT: a shell that starts this in the background has it ignored.
    previous = {number: signal.signal(number, _interrupt) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with tempfile.TemporaryDirectory(prefix="loaxa-village-") as folder:
            print(f"Starting a controller, a broker and {nodes} nodes ...", flush=True)
            with Village(scenario, Path(folder), http_port=port, record=False, with_air=True) as village:
                village.wait_online()
                password = village.office.put("/api/users/admin/password", {})["made_password"]
                print(_welcome(village.office.url, nodes, password), flush=True)
                _tend(village)
    except KeyboardInterrupt:
        print("\nThe village is gone.", flush=True)
    except (OfficeError, NetworkError, OSError) as error:
        print(f"loaxa: the village could not be started: {error}", file=sys.stderr)
        return 1
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    return 0


def _tend(village: Village) -> None:
    told = 0
    while True:
        village.tend()
        for mishap in village.mishaps[told:]:
            print(f"  {mishap}; it was started again", flush=True)
        told = len(village.mishaps)
        if not village.office.alive:
            raise OfficeError(f"the controller ended; its log is {village.office.log}")
        time.sleep(_TICK_S)


def _welcome(url: str, nodes: int, password: str) -> str:
    at = "" if url.endswith(":8080") else f" --controller {url}"
    return (
        f"\n  {url}\n  User name: admin   Password: {password}\n\n"
        f"{nodes} nodes are on line in the zone {ZONE}. Three things to try in another terminal:\n\n"
        f'  .venv/bin/loaxa broadcast{at} --zone {ZONE} "text:Kính thưa bà con"\n'
        f"  .venv/bin/loaxa node list{at}\n"
        f"  .venv/bin/loaxa sim run scenarios/lan.toml --keep var/lan\n\n"
        f"The API is described at {url}/api/openapi.json. Ctrl-C ends everything.\n"
    )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return False
    return True


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
