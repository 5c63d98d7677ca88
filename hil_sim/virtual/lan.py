"""The village's LAN in virtual time: multicast groups, and datagrams from node to node, behind the 4G router."""

from typing import Any

from hil_sim.impairment import Impairment
from hil_sim.scenario import LinkSettings
from hil_sim.virtual.board import Udp
from hil_sim.virtual.loop import VirtualLoop

Address = tuple[str, int]
_FIRST_PORT = 50_000


class Socket(Udp):
    """One socket of a node on the LAN; `peer` is the group that it sends to."""

    def __init__(self, lan: "Lan", node: int, address: Address, peer: Address | None) -> None:
        super().__init__(lambda data: None)
        self.node = node
        self.address = address
        self._lan = lan
        self.peer = peer

    def send(self, data: bytes, to: Address | None = None) -> None:
        """Send to the group, or to one address."""
        self._lan.carry(self, bytes(data), to or self.peer)

    def close(self) -> None:
        """Close."""
        self._lan.sockets.discard(self)


class Lan:
    """All sockets of a village. cut: nodes that hear and reach nobody."""

    def __init__(self, loop: VirtualLoop, settings: LinkSettings, seed: int) -> None:
        self.sockets: set[Socket] = set()
        self.cut: set[int] = set()
        self.beacons: list[tuple[int, int]] = []
        """Who sent to a group, and when: true nanoseconds and the node."""
        self._loop = loop
        self._way = Impairment(settings, seed)
        self._port = _FIRST_PORT

    def open_group(self, node: int, group: Address) -> Socket:
        """Return a socket that hears a group."""
        return self._open(Socket(self, node, group, None))

    def open_lan(self, node: int, group: Address) -> Socket:
        """Return a socket that sends to a group and has an address of its own."""
        self._port += 1
        return self._open(Socket(self, node, (f"10.78.{node >> 8}.{node & 255}", self._port), group))

    def power_off(self, node: int) -> None:
        """A node is off, and its sockets with it."""
        self.sockets = {found for found in self.sockets if found.node != node}

    def inject(self, data: bytes, group: Address, source: Address) -> None:
        """Let all of a group hear a stranger."""
        for found in self._at(group):
            found.deliver(data, True, source)

    def carry(self, sender: Socket, data: bytes, to: Address | None) -> None:
        """Take a datagram to whom it is for; each copy of a multicast takes its own time."""
        if to is None or sender.node in self.cut:
            return
        if to == sender.peer:
            self.beacons.append((self._loop.now_ns, sender.node))
        for found in self._at(to):
            due_ns = self._way.arrival_ns(self._loop.now_ns, len(data))
            if due_ns is not None and found.node not in self.cut:
                self._loop.at_ns(due_ns, self._arrive, found, data, sender.address)

    def _open(self, made: Socket) -> Socket:
        self.sockets.add(made)
        return made

    def _at(self, address: Address) -> list[Socket]:
        found = [each for each in self.sockets if each.address == address]
        return sorted(found, key=lambda each: each.node)  # the same order in every run

    def _arrive(self, receiver: Socket, data: bytes, source: Any) -> None:
        if receiver in self.sockets and receiver.node not in self.cut:
            receiver.deliver(data, True, source)
