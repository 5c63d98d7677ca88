"""UDP between nodes and controller through impaired links, each node at an address of its own as behind NAT."""

import socket
import struct
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from codec.wire import rtp
from hil_sim.attacks.attack import Attack
from hil_sim.impairment import Impairment
from hil_sim.packets import FROM_NODE, TO_NODE, Datagram, pack
from hil_sim.scenario import LinkSettings

_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("qq")
_MAX_DATAGRAM = 65_535
_BATCH = 8
_MOST_HEARD = 2000

Schedule = Callable[[int, Callable[[int], None]], None]
"""Calls a function at (not before) a CLOCK_MONOTONIC instant in nanoseconds, telling it the time."""


class UdpLink:
    """One node's sockets: `front` is what it sends to, `back` is what the controller sees as the node."""

    def __init__(
        self, node: int, controller: tuple[str, int], settings: LinkSettings, seed: int, log: "PacketLog"
    ) -> None:
        self.node = node
        self.cut = False
        self.attacks: list[Attack] = []
        self.heard: deque[bytes] = deque(maxlen=_MOST_HEARD)
        """Audio on its way to the node: what somebody on the path remembers."""
        self._controller = controller
        self._node_address: tuple[str, int] | None = None
        self._log = log
        self._ways = {
            TO_NODE: Impairment(settings, seed * 2),
            FROM_NODE: Impairment(settings.up(), seed * 2 + 1),
        }
        self.front, self.back = _socket(), _socket()

    def readable(self, sock: socket.socket, schedule: Schedule) -> None:
        """Take what has arrived at one of the two sockets and plan its delivery."""
        direction = FROM_NODE if sock is self.front else TO_NODE
        realtime_ahead_ns = time.time_ns() - time.monotonic_ns()
        for _ in range(_BATCH):
            try:
                data, ancillary, _, address = sock.recvmsg(_MAX_DATAGRAM, 64, socket.MSG_DONTWAIT)
            except OSError:  # nothing left, or the answer to a datagram sent to a port that is closed
                return
            # The kernel's stamp: exact even when this process was late to run.
            seconds, nanoseconds = _TIMESPEC.unpack(ancillary[0][2][: _TIMESPEC.size])
            entered_ns = seconds * 1_000_000_000 + nanoseconds - realtime_ahead_ns
            if direction == FROM_NODE:
                self._node_address = address
            if direction == TO_NODE and rtp.is_rtp(data):
                self.heard.append(data)
            way = self._ways[direction]
            due_ns = None if self.cut else way.arrival_ns(entered_ns, len(data))
            for attack in self.attacks:
                attack.seen(direction, data)
                due_ns = None if due_ns is None or attack.hold_ns is None else due_ns + attack.hold_ns
            if due_ns is None:
                self._log.add(Datagram(direction, self.node, entered_ns, None, data))
                continue
            schedule(due_ns, self._delivery(direction, entered_ns, data))
            again_ns = way.again_ns()
            if again_ns is not None:
                schedule(due_ns + again_ns, self._delivery(direction, entered_ns, data))

    def inject_to_node(self, data: bytes) -> None:
        """Deliver an attacker's datagram to the node at once, as if from the controller."""
        now_ns = time.monotonic_ns()
        self._delivery(TO_NODE, now_ns, data, injected=True)(now_ns)

    def inject(self, data: bytes, now_ns: int) -> None:
        """Deliver an attacker's datagram at both ends, each from where the other end's would come."""
        for direction in (TO_NODE, FROM_NODE):
            self._delivery(direction, now_ns, data, injected=True)(now_ns)

    def _delivery(self, direction: int, entered_ns: int, data: bytes, injected: bool = False) -> Callable[[int], None]:
        def deliver(now_ns: int) -> None:
            target = self._node_address if direction == TO_NODE else self._controller
            left_ns = None
            if target is not None and not self.cut:
                sender = self.front if direction == TO_NODE else self.back
                try:
                    sender.sendto(data, target)
                    left_ns = now_ns
                except OSError:  # a full socket buffer or a closed port loses a datagram, as in a network
                    pass
            self._log.add(Datagram(direction, self.node, entered_ns, left_ns, data, injected))

        return deliver


class PacketLog:
    """Appends datagrams to a file in large writes."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=1 << 20)

    def add(self, datagram: Datagram) -> None:
        """Append one."""
        self._file.write(pack(datagram))

    def close(self) -> None:
        """Write out what is left."""
        self._file.close()


def _socket() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    made.bind(("127.0.0.1", 0))
    made.setblocking(False)
    return made
