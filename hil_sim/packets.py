"""Datagrams that the network between controller and nodes saw: its log, and a capture for Wireshark."""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

TO_NODE = 0
FROM_NODE = 1
_INJECTED = 0x80

_RECORD = struct.Struct("<BHqqH")
_PCAP_GLOBAL = struct.Struct("<IHHiIII")
_PCAP_NANOSECOND_MAGIC = 0xA1B23C4D
_PCAP_RECORD = struct.Struct("<IIII")
_LINKTYPE_RAW = 101
_IPV4 = struct.Struct(">BBHHHBBH4s4s")
_UDP = struct.Struct(">HHHH")
_UDP_PROTOCOL = 17
NODE_PORT = 40_000
CONTROLLER_PORT = 5004
_CONTROLLER_ADDRESS = bytes((10, 77, 255, 1))


@dataclass(frozen=True)
class Datagram:
    """One datagram: `entered_ns` the network and `left_ns` it at its other end (None: lost), CLOCK_MONOTONIC.

    direction: TO_NODE or FROM_NODE. node: 1-based. injected: an attacker's, not the sender's.
    """

    direction: int
    node: int
    entered_ns: int
    left_ns: int | None
    data: bytes
    injected: bool = False


def pack(datagram: Datagram) -> bytes:
    """Return the log's bytes of one datagram."""
    kind = datagram.direction | (_INJECTED if datagram.injected else 0)
    head = _RECORD.pack(kind, datagram.node, datagram.entered_ns, datagram.left_ns or 0, len(datagram.data))
    return head + datagram.data


def read_log(path: Path) -> list[Datagram]:
    """Return the datagrams of a log by the time they entered; one cut off at the end is left out."""
    raw = path.read_bytes() if path.exists() else b""
    found = []
    offset = 0
    while offset + _RECORD.size <= len(raw):
        kind, node, entered_ns, left_ns, size = _RECORD.unpack_from(raw, offset)
        offset += _RECORD.size
        if offset + size > len(raw):
            break
        data = raw[offset : offset + size]
        direction, injected = kind & ~_INJECTED, bool(kind & _INJECTED)
        found.append(Datagram(direction, node, entered_ns, left_ns or None, data, injected))
        offset += size
    return sorted(found, key=lambda datagram: datagram.entered_ns)


def write_pcap(path: Path, datagrams: Iterable[Datagram], origin_ns: int) -> None:
    """Write what reached or left the nodes, timed from `origin_ns`; node n is 10.77.0.n, checksums are 0."""
    seen = []
    for datagram in datagrams:
        at_ns = datagram.left_ns if datagram.direction == TO_NODE else datagram.entered_ns
        if at_ns is not None and at_ns >= origin_ns:
            seen.append((at_ns - origin_ns, datagram))
    seen.sort(key=lambda entry: entry[0])
    with path.open("wb") as file:
        file.write(_PCAP_GLOBAL.pack(_PCAP_NANOSECOND_MAGIC, 2, 4, 0, 0, 65_535, _LINKTYPE_RAW))
        for at_ns, datagram in seen:
            body = _with_headers(datagram)
            file.write(_PCAP_RECORD.pack(at_ns // 10**9, at_ns % 10**9, len(body), len(body)))
            file.write(body)


def _with_headers(datagram: Datagram) -> bytes:
    node = bytes((10, 77, datagram.node >> 8, datagram.node & 0xFF))
    ends = [(_CONTROLLER_ADDRESS, CONTROLLER_PORT), (node, NODE_PORT)]
    if datagram.direction == FROM_NODE:
        ends.reverse()
    (source, source_port), (target, target_port) = ends
    size = _UDP.size + len(datagram.data)
    head = _IPV4.pack(0x45, 0, _IPV4.size + size, 0, 0x4000, 64, _UDP_PROTOCOL, 0, source, target)
    words = struct.unpack(">10H", head)
    total = sum(words)
    total = (total & 0xFFFF) + (total >> 16)
    total = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    head = head[:10] + struct.pack(">H", total) + head[12:]
    return head + _UDP.pack(source_port, target_port, size, 0) + datagram.data
