"""RTP from other equipment as a source: the socket around RtpReceiver."""

import socket
import struct
import time
from dataclasses import asdict
from functools import partial

from .errors import IngestError
from .output import Output
from .report import Report
from .request import RtpRequest
from .rtp_payload import make_decoder
from .rtp_receiver import MAX_DATAGRAM_BYTES, RtpReceiver
from .signals import gain

POLL_S = 0.02


def play(request: RtpRequest, output: Output, report: Report) -> None:
    """Write what arrives until the process is stopped; raises IngestError("port_in_use")."""
    receiver = RtpReceiver(partial(make_decoder, request))
    factor = gain(request.gain_db)
    allowed = str(request.source) if request.source else None
    with _bind(request) as sock:
        sock.settimeout(POLL_S)
        report.started()
        while True:
            datagram = None
            try:
                with report.waiting():
                    # One byte more than is allowed: what the kernel cut off must not pass for a whole one.
                    datagram, (address, _) = sock.recvfrom(MAX_DATAGRAM_BYTES + 1)
            except TimeoutError:
                pass
            now_us = time.monotonic_ns() // 1000
            if datagram is None:
                samples = receiver.poll(now_us)
            elif allowed is not None and address != allowed:
                receiver.counters.foreign += 1
                continue
            else:
                samples = receiver.receive(datagram, now_us)
            output.write(samples * factor)
            report.detail = asdict(receiver.counters)


def _bind(request: RtpRequest) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        if request.group is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((str(request.group) if request.group else "", request.port))
        if request.group is not None:
            member = struct.pack("=4s4s", request.group.packed, socket.inet_aton("0.0.0.0"))
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
    except OSError as error:
        sock.close()
        raise IngestError(
            "port_in_use",
            f"UDP port {request.port} cannot be used ({error.strerror}); choose another or stop its user",
        ) from None
    return sock
