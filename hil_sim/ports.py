"""Ports of 127.0.0.1 that nobody has, a moment ago."""

import socket


def free_tcp_port() -> int:
    """Return a TCP port that was free."""
    return _free(socket.SOCK_STREAM)


def free_udp_port() -> int:
    """Return a UDP port that was free."""
    return _free(socket.SOCK_DGRAM)


def _free(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
