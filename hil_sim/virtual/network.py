"""The network in virtual time: each node's impaired line, the engine's media socket, and the line to the broker."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from controller.engine.plan import Address
from hil_sim.impairment import Impairment
from hil_sim.packets import FROM_NODE, TO_NODE, Datagram
from hil_sim.scenario import LinkSettings
from hil_sim.virtual.board import Udp
from hil_sim.virtual.loop import VirtualLoop

CONTROLLER: Address = ("10.77.255.1", 5004)


def address_of(node: int) -> Address:
    """Return where a node's packets come from."""
    return f"10.77.{node >> 8}.{node & 255}", 40_000


class Link:
    """One node's line. `cut`: nothing passes."""

    def __init__(self, network: "Network", node: int, settings: LinkSettings, seed: int) -> None:
        self.node = node
        self.cut = False
        self.udp: Udp | None = None
        self.address = address_of(node)
        self._network = network
        self._loop = network.loop
        self._seed = seed
        self._waiting: list[tuple[Callable[[bytes], None], bytes]] = []
        self.set_link(settings)

    def set_link(self, settings: LinkSettings) -> None:
        """Have another quality from now on."""
        self._settings = settings
        self._to_node = Impairment(settings, self._seed * 2)
        self._from_node = Impairment(settings.up(), self._seed * 2 + 1)

    def to_node(self, data: bytes) -> None:
        """Send a datagram to the node."""
        self._carry(TO_NODE, self._to_node, self._arrive_at_node, data)

    def from_node(self, data: bytes) -> None:
        """Send a datagram to the controller."""
        self._carry(FROM_NODE, self._from_node, self._arrive_at_controller, data)

    def _carry(self, direction: int, way: Impairment, arrive: Callable[[int, bytes], None], data: bytes) -> None:
        now_ns = self._loop.now_ns
        due_ns = None if self.cut else way.arrival_ns(now_ns, len(data))
        if due_ns is None:
            self._network.log(direction, self.node, now_ns, None, data)
            return
        self._loop.at_ns(due_ns, arrive, now_ns, data)
        again_ns = way.again_ns()
        if again_ns is not None:
            self._loop.at_ns(due_ns + again_ns, arrive, now_ns, data)

    def _arrive_at_node(self, entered_ns: int, data: bytes) -> None:
        passes = not self.cut and self.udp is not None
        self._network.log(TO_NODE, self.node, entered_ns, self._loop.now_ns if passes else None, data)
        if passes:
            assert self.udp is not None
            self.udp.deliver(data)

    def _arrive_at_controller(self, entered_ns: int, data: bytes) -> None:
        self._network.log(FROM_NODE, self.node, entered_ns, None if self.cut else self._loop.now_ns, data)
        if not self.cut:
            self._network.media.arrive(data, self.address)

    # ---- the line to the broker: late, never lost, and waiting while it is cut ----

    def carry_stream(self, deliver: Callable[[bytes], None], data: bytes) -> None:
        """Deliver bytes of a TCP connection after the line's delay."""
        self._loop.at_ns(self._loop.now_ns + int(self._settings.delay_ms * 1e6), self._pass_stream, deliver, data)

    def _pass_stream(self, deliver: Callable[[bytes], None], data: bytes) -> None:
        if self.cut or self._waiting:
            self._waiting.append((deliver, data))
            if not self.cut:
                self.restore()
        else:
            deliver(data)

    def restore(self) -> None:
        """Let everything through again."""
        self.cut = False
        waiting, self._waiting = self._waiting, []
        for deliver, data in waiting:
            deliver(data)


class Media:
    """The engine's media socket (controller.engine.mediasocket.Media)."""

    def __init__(self, network: "Network") -> None:
        self.on_readable: Callable[[], None] | None = None
        self._network = network
        self._inbox: deque[tuple[bytes, int, Address]] = deque()
        self.on_sent: Callable[[bytes], None] = lambda data: None
        """Told of every packet once, however many members it goes to."""

    def arrive(self, data: bytes, sender: Address) -> None:
        """Let a datagram arrive; nobody listens while there is no engine."""
        if self.on_readable is not None:
            self._inbox.append((data, self._network.loop.now_ns, sender))
            self.on_readable()

    def fanout(self, packet: bytearray) -> "Sender":
        """Return a sender of what will be in `packet`."""
        return Sender(self._network, self, packet)

    def receive(self) -> tuple[bytes, int, Address]:
        """Return a datagram, its arrival and its sender; raises BlockingIOError."""
        if not self._inbox:
            raise BlockingIOError
        return self._inbox.popleft()

    def sendto(self, data: bytes | bytearray, address: Address, /) -> int:
        """Send one datagram."""
        link = self._network.by_address.get(address)
        if link is not None:
            link.to_node(bytes(data))
        return len(data)

    def getsockname(self) -> Address:
        """Return where it is bound."""
        return CONTROLLER

    def fileno(self) -> int:
        """There is none."""
        return -1


class Sender:
    """One packet to many addresses (controller.engine.mediasocket.Sender)."""

    def __init__(self, network: "Network", media: Media, packet: bytearray) -> None:
        self.sent = 0
        self.errors = 0
        self._network = network
        self._media = media
        self._packet = packet
        self._links: list[Link] = []

    @property
    def members(self) -> int:
        """How many addresses a packet goes to."""
        return len(self._links)

    def set_members(self, addresses: list[Address]) -> None:
        """Send to these from the next packet on."""
        self._links = [self._network.by_address[address] for address in addresses]

    def send(self, length: int) -> None:
        """Send the first `length` bytes."""
        data = bytes(self._packet[:length])
        self._media.on_sent(data)
        for link in self._links:
            link.to_node(data)
        self.sent += len(self._links)


class Network:
    """All lines of a village. keep: whether every datagram is remembered."""

    def __init__(self, loop: VirtualLoop, nodes: int, settings: LinkSettings, seed: int, keep: bool) -> None:
        self.loop = loop
        self.media = Media(self)
        self.datagrams: list[Datagram] = []
        self.on_arrival: Callable[[int, bytes], None] = lambda node, data: None
        """Told of each datagram that reaches a node."""
        self._keep = keep
        self.links = [
            Link(self, node, settings.of_node(node, nodes), seed * 100_003 + node) for node in range(1, nodes + 1)
        ]
        self.by_address = {link.address: link for link in self.links}

    def log(self, direction: int, node: int, entered_ns: int, left_ns: int | None, data: bytes) -> None:
        """Take note of a datagram that arrived or was lost."""
        if direction == TO_NODE and left_ns is not None:
            self.on_arrival(node, data)
        if self._keep:
            self.datagrams.append(Datagram(direction, node, entered_ns, left_ns, data))

    def inject(self, node: int, data: bytes) -> None:
        """Deliver an attacker's datagram at both ends, each from where the other end's would come."""
        link = self.links[node - 1]
        if link.udp is not None:
            link.udp.deliver(data)
        self.media.arrive(data, link.address)
        if self._keep:
            now_ns = self.loop.now_ns
            self.datagrams.append(Datagram(TO_NODE, node, now_ns, now_ns, data, injected=True))


def later(settings: LinkSettings, delay_ms: float) -> LinkSettings:
    """Return the line with both directions slower by so much."""
    up_ms = settings.delay_up_ms
    return replace(
        settings,
        delay_ms=settings.delay_ms + delay_ms,
        delay_up_ms=None if up_ms is None else up_ms + delay_ms,
    )


class Stream:
    """One end of a TCP connection to the broker, as asyncio's (reader, writer) in one."""

    def __init__(self, link: Link, deliver: Callable[[bytes], None], on_close: Callable[[], None]) -> None:
        self._link = link
        self._deliver = deliver
        self._on_close = on_close
        self.closed = False

    def write(self, data: bytes) -> None:
        """Send."""
        if not self.closed:
            self._link.carry_stream(self._deliver, bytes(data))

    async def drain(self) -> None:
        """Wait until there is room; there always is."""
        if self.closed:
            raise ConnectionResetError("the connection is closed")
        await asyncio.sleep(0)

    def close(self) -> None:
        """Close."""
        if not self.closed:
            self.closed = True
            self._on_close()

    async def wait_closed(self) -> None:
        """Return at once."""
