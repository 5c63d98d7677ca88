"""The test vectors of the wire, hostile ones included: what they parse to, or that they are refused."""

import json
from binascii import unhexlify

from codec.wire import announcement, command, nack, report, rtp, sync
from codec.wire.errors import WireError

VECTORS = "../../vectors/"


def _stream(stream):
    return [
        stream.ssrc,
        stream.codec,
        stream.frame_us,
        stream.media0_us,
        stream.lead_us,
        stream.priority,
        list(stream.group) if stream.group else None,
    ]


def _sync(data):
    if data[1:2] == b"\x01":
        sequence, tag, t1 = sync.parse_request(data)
        return [sequence, list(tag), t1]
    sequence, tag, t1, t2, t3 = sync.parse_reply(data)
    return [sequence, list(tag), t1, t2, t3]


def _nack(data):
    tag, ssrc, sequences = nack.parse(data)
    return [list(tag), ssrc, sequences]


PARSERS = {
    "rtp": lambda data: list(rtp.parse(data)),
    "sync": _sync,
    "nack": _nack,
    "announcement": lambda data: [_stream(stream) for stream in announcement.parse(data, "thon-1")],
    "command": lambda data: list(command.parse(data, "node-1")),
    "report": lambda data: list(report.parse_health(data)) if b"gauges" in data else report.parse_status(data),
}


def _check(kind):
    with open(VECTORS + kind + ".json") as file:
        vectors = json.load(file)["vectors"]
    assert len(vectors) >= 8
    for vector in vectors:
        data = unhexlify(vector["hex"])
        found = refusal = None
        try:
            found = PARSERS[kind](data)
        except WireError as error:
            refusal = str(error)
        if vector["error"] == "*":  # refused by both, each for what its JSON parser stumbles over first
            assert refusal is not None, vector["name"]
            continue
        assert refusal == vector["error"], (vector["name"], refusal)
        assert json.loads(json.dumps(found)) == vector["parsed"], (vector["name"], found)


def check_rtp():
    _check("rtp")


def check_sync():
    _check("sync")


def check_nack():
    _check("nack")


def check_announcement():
    _check("announcement")


def check_command():
    _check("command")


def check_report():
    _check("report")
