"""Hostile datagrams of kind "malformed": truncated, oversized and random ones at every media socket of a village."""

import contextlib
import random
import socket

from codec.wire import rtp, sync
from codec.wire.mac import Mac
from hil_sim.network import Network

ROUNDS = 5
OVERSIZED_BYTES = (1401, 1472, 9000, 60_000)


def malformed_datagrams(seed: int) -> list[bytes]:
    """Return datagrams that no part may act on: each is RTP or a time exchange that was damaged, or noise."""
    chance = random.Random(seed)
    header = bytearray(rtp.HEADER_BYTES)
    rtp.pack_header(header, 0, False, rtp.PAYLOAD_TYPE_OPUS, 7, 7 * 960, chance.getrandbits(32))
    packet = bytes(header) + chance.randbytes(80)
    key = Mac(chance.randbytes(32))
    request = sync.pack_request(1, chance.randbytes(8), 1, key)
    reply = bytes(sync.pack_reply(request, 5, 6, key))
    found = [packet[:size] for size in (1, 4, 11, 12, 15, 19, rtp.HEADER_BYTES)]
    found += [exchange[:size] for exchange in (request, reply) for size in (1, 3, 20, sync.SIZE - 1)]
    found += [packet + bytes(size - len(packet)) for size in OVERSIZED_BYTES]
    found += [b"\x9f" + packet[1:], b"\xbf" + packet[1:-1] + b"\xff", request + b"\0", b"\0", b"{" * 500]
    found += [chance.randbytes(chance.randrange(1, 1400)) for _ in range(20)]
    return found


def attack_malformed(network: Network, nodes: list[int], controller: tuple[str, int], seed: int) -> int:
    """Send malformed datagrams ROUNDS times to `nodes` and the controller; return how many were sent.

    Towards a node they come from the controller's address, towards the controller from that node's and from a
    stranger's: whoever is on the path can write any sender into a datagram.
    """
    sent = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for turn in range(ROUNDS):
            for datagram in malformed_datagrams(seed + turn):
                with contextlib.suppress(OSError):  # nobody listens, as while the engine is away
                    stranger.sendto(datagram, controller)
                for node in nodes:
                    network.inject(node, datagram)
                sent += 1 + 2 * len(nodes)
    return sent
