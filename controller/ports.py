"""Ports of this machine: bind one, find a free one, and say clearly when one is taken."""

import errno
import socket
import time
from typing import Any

from controller.errors import StartError

PATIENCE_S = 2.0


def listen_tcp(host: str, port: int, what: str, section: str) -> socket.socket:
    """Return a socket bound to `host`:`port` (0: any free one); raises StartError that names `what` and `section`."""
    return _bind(host, port, socket.SOCK_STREAM, what, section)


def free_port(host: str, port: int, what: str, section: str, udp: bool = False) -> int:
    """Return `port` if it can be bound (0: a free one); raises StartError. Another process may take it meanwhile."""
    with _bind(host, port, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM, what, section) as bound:
        return int(bound.getsockname()[1])


def check_multicast_interface(address: str) -> None:
    """Raise StartError when multicast cannot leave by the interface with this address; empty is the system's choice."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            if address:
                probe.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
        except OSError as error:
            raise StartError(
                "media",
                f"Multicast cannot leave by {address}: {error.strerror}.",
                "Set multicast_interface in [media] to an address of this machine, or leave it out.",
            ) from None


def own_address() -> str:
    """Return the address of this machine on its network, or 127.0.0.1 when it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing; the kernel only picks the route (RFC 5737 address)
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def _bind_patiently(bound: socket.socket, address: Any) -> None:
    # After a crash the children of the last controller need a moment to end and to give up their ports.
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            bound.bind(address)
            return
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline_s:
                raise
        time.sleep(0.05)


def _bind(host: str, port: int, kind: socket.SocketKind, what: str, section: str) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=kind, flags=socket.AI_PASSIVE)[0]
        bound = socket.socket(family, kind)
    except OSError as error:
        raise StartError(
            "address", f"{what}: the address {host} is not usable: {error}.", f"Set host in [{section}]."
        ) from None
    try:
        if kind == socket.SOCK_STREAM:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _bind_patiently(bound, address)
    except OSError as error:
        bound.close()
        wrong = "host" if error.errno == errno.EADDRNOTAVAIL else "port"
        hint = f"Set another {wrong} in [{section}]."
        if error.errno == errno.EADDRINUSE:
            raise StartError(
                "port_in_use",
                f"{what}: port {port} of {host} is in use by another program.",
                f"Stop that program, or set another port in [{section}].",
            ) from None
        raise StartError("address", f"{what}: cannot listen at {host}:{port}: {error.strerror}.", hint) from None
    return bound
