"""The village's network: starts the relays' process and tells it what to cut."""

import contextlib
import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from types import TracebackType

from hil_sim import children
from hil_sim.packets import Datagram, read_log
from hil_sim.scenario import LinkSettings


class NetworkError(RuntimeError):
    """The network's process did not start or is gone."""


class Network:
    """Between `nodes` nodes and a controller whose media and broker sockets are given.

    record: keep every datagram. media_ports, broker_ports: where node n (1-based) finds the controller, at index n - 1
    on 127.0.0.1.
    """

    def __init__(
        self,
        folder: Path,
        nodes: int,
        link: LinkSettings,
        media: tuple[str, int],
        broker: tuple[str, int],
        seed: int = 1,
        record: bool = True,
    ) -> None:
        self._log = folder / "network.log"
        self._packets = folder / "packets.log" if record else Path(os.devnull)
        self._child = children.start(
            [sys.executable, "-m", "hil_sim.relay"],
            log=self._log,
            cwd=Path(__file__).resolve().parent.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._order(
            json.dumps(
                {
                    "nodes": nodes,
                    "link": asdict(link),
                    "media": media,
                    "broker": broker,
                    "seed": seed,
                    "log": str(self._packets),
                }
            )
        )
        assert self._child.stdout is not None
        answer = self._child.stdout.readline()
        if not answer:
            self.close()
            raise NetworkError(f"the network did not start: {self._log.read_text(errors='replace')[-500:]}")
        ports = json.loads(answer)
        self.media_ports: list[int] = [media_port for media_port, _ in ports]
        self.broker_ports: list[int] = [broker_port for _, broker_port in ports]

    def __enter__(self) -> "Network":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The process."""
        return self._child.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._child.poll() is None

    def cut(self, node: int) -> None:
        """Let nothing through to or from `node` (1-based); TCP waits."""
        self._order(f"cut {node}")

    def restore(self, node: int) -> None:
        """Let everything through again."""
        self._order(f"restore {node}")

    def inject(self, node: int, data: bytes) -> None:
        """Deliver an attacker's datagram to a node, as if from the controller, and the other way round."""
        self._order(f"inject {node} {data.hex()}")

    def attack(self, node: int, kind: str, lasts_s: float, plunder: dict[str, object]) -> None:
        """Let an attacker on the path to a node work for `lasts_s` with what :func:`.onpath.plunder_of` reads."""
        self._order("attack " + json.dumps({"node": node, "kind": kind, "lasts_s": lasts_s, **plunder}))

    def close(self) -> None:
        """End the network; what it logged is complete then."""
        if self._child.stdin is not None and not self._child.stdin.closed:
            self._child.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(2.0)
        children.end(self._child)

    def datagrams(self) -> list[Datagram]:
        """Return all that was logged; complete after :meth:`close`."""
        return read_log(self._packets)

    def _order(self, line: str) -> None:
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(line.encode() + b"\n")
            self._child.stdin.flush()
        except (BrokenPipeError, ValueError) as error:
            raise NetworkError("the network's process is gone") from error
