"""The network's process: relays of all nodes in one loop that sleeps to the microsecond.

Its first line of standard input is a JSON object of settings; it answers with the ports on standard output.
Then each line is a command, ``cut N``, ``restore N``, ``inject N HEX`` or ``attack JSON``; end of input ends it.
Run as ``python -m hil_sim.relay``.
"""

import contextlib
import ctypes
import gc
import heapq
import itertools
import json
import os
import select
import socket
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from hil_sim.attacks.onpath import ATTACKS, plunder_of
from hil_sim.scenario import LinkSettings
from hil_sim.tcp_relay import TcpLink
from hil_sim.udp_relay import PacketLog, UdpLink

_PR_SET_TIMERSLACK = 29
_RETRY_NS = 5_000_000
_IDLE_S = 0.1
_REALTIME_PRIORITY = 10


class Relay:
    """All links and the deliveries that are due."""

    def __init__(self, settings: dict[str, Any]) -> None:
        link = LinkSettings(**settings["link"])
        self._log = PacketLog(Path(settings["log"]))
        controller = (settings["media"][0], settings["media"][1])
        broker = (settings["broker"][0], settings["broker"][1])
        numbers = range(1, settings["nodes"] + 1)
        seed = settings["seed"] * 100_003
        self.udp = [UdpLink(n, controller, link.of_node(n, len(numbers)), seed + n, self._log) for n in numbers]
        self.tcp = [TcpLink(broker, link.of_node(n, len(numbers)), seed + n) for n in numbers]
        self._due: list[tuple[int, int, Callable[[int], None]]] = []
        self._order = itertools.count()
        self._readers: dict[int, Callable[[], None]] = {}
        self._watched: dict[TcpLink, set[int]] = {tcp: set() for tcp in self.tcp}
        self._epoll = select.epoll()
        for udp in self.udp:
            for sock in (udp.front, udp.back):
                self._watch(sock, partial(udp.readable, sock, self._schedule))
        for tcp in self.tcp:
            self._settle(tcp)

    @property
    def ports(self) -> list[list[int]]:
        """``[media, broker]`` port of each node."""
        return [
            [udp.front.getsockname()[1], tcp.listener.getsockname()[1]]
            for udp, tcp in zip(self.udp, self.tcp, strict=True)
        ]

    def run(self, orders: int) -> None:
        """Relay until the file descriptor `orders` ends."""
        os.set_blocking(orders, False)
        pending = b""
        while True:
            self._deliver()
            wait_s = (self._due[0][0] - time.monotonic_ns()) / 1e9 if self._due else _IDLE_S
            # select sleeps to the microsecond, epoll to the millisecond: the one waits for the other.
            readable, _, _ = select.select([orders, self._epoll.fileno()], [], [], min(max(wait_s, 0.0), _IDLE_S))
            if orders in readable:
                data = os.read(orders, 1 << 16)
                if not data:
                    self._log.close()
                    return
                *lines, pending = (pending + data).split(b"\n")
                for line in lines:
                    self._obey(line.decode())
            for descriptor, _ in self._epoll.poll(0):
                reader = self._readers.get(descriptor)
                if reader is not None:
                    reader()
                self._deliver()

    def _deliver(self) -> None:
        due = self._due
        while due and due[0][0] <= (now_ns := time.monotonic_ns()):
            heapq.heappop(due)[2](now_ns)

    def _schedule(self, due_ns: int, action: Callable[[int], None]) -> None:
        heapq.heappush(self._due, (due_ns, next(self._order), action))

    def _watch(self, sock: socket.socket, reader: Callable[[], None]) -> None:
        self._epoll.register(sock, select.EPOLLIN)
        self._readers[sock.fileno()] = reader

    def _settle(self, tcp: TcpLink) -> None:
        """Watch exactly the sockets that `tcp` wants to read from, and see to what waits in it."""
        wanted = {sock.fileno(): sock for sock in tcp.sources()}
        for descriptor in self._watched[tcp] - wanted.keys():
            del self._readers[descriptor]
            with contextlib.suppress(OSError):  # closed sockets have left by themselves
                self._epoll.unregister(descriptor)
        for descriptor in wanted.keys() - self._watched[tcp]:
            self._watch(wanted[descriptor], partial(self._read_tcp, tcp, wanted[descriptor]))
        self._watched[tcp] = set(wanted)

    def _read_tcp(self, tcp: TcpLink, sock: socket.socket) -> None:
        due_ns = tcp.readable(sock, time.monotonic_ns())
        if due_ns is not None:
            self._schedule(due_ns, partial(self._flush_tcp, tcp))
        self._settle(tcp)

    def _flush_tcp(self, tcp: TcpLink, now_ns: int) -> None:
        if tcp.flush(now_ns):
            self._schedule(now_ns + _RETRY_NS, partial(self._flush_tcp, tcp))
        self._settle(tcp)

    def _attack(self, message: dict[str, Any]) -> None:
        """Begin an attack, and end it when its time is over."""
        udp = self.udp[int(message["node"]) - 1]
        plunder = plunder_of(message, list(udp.heard))
        attack = ATTACKS[message["kind"]](plunder, udp.inject_to_node)
        udp.attacks.append(attack)
        self._schedule(time.monotonic_ns() + int(message["lasts_s"] * 1e9), lambda _: udp.attacks.remove(attack))

    def _obey(self, line: str) -> None:
        if line.startswith("attack "):
            self._attack(json.loads(line.removeprefix("attack ")))
            return
        order, node, *rest = line.split(" ")
        udp, tcp = self.udp[int(node) - 1], self.tcp[int(node) - 1]
        if order == "inject":
            udp.inject(bytes.fromhex(rest[0]), time.monotonic_ns())
            return
        udp.cut = tcp.cut = order == "cut"
        self._flush_tcp(tcp, time.monotonic_ns())


def _raise_priority() -> None:
    """Wake on time on a busy machine, as far as this user may: the rest must not slow what is simulated."""
    ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(_REALTIME_PRIORITY))
    except OSError:
        try:
            os.setpriority(os.PRIO_PROCESS, 0, -10)
        except OSError:
            print("the network runs at normal priority", file=sys.stderr)


def main() -> None:
    """Be the network's process."""
    line = bytearray()
    while not line.endswith(b"\n"):  # unbuffered: what follows the first line is read by select
        byte = os.read(0, 1)
        if not byte:
            return
        line += byte
    relay = Relay(json.loads(line))
    print(json.dumps(relay.ports), flush=True)
    _raise_priority()
    gc.disable()
    relay.run(0)


if __name__ == "__main__":
    main()
