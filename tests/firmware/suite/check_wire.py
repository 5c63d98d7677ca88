"""The test vectors of the wire, hostile ones included: what they parse to, or that they are refused."""

import json
from binascii import unhexlify

from codec.wire import announcement, beacon, command, nack, report, rtp, sync
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


def _beacon(data):
    found = beacon.parse(data)
    return [
        found.term,
        list(found.tag),
        found.local_us,
        found.media_us,
        found.drift_ppb,
        found.rest_us,
        found.uncertainty_us,
    ]


def _announcement(data):
    streams, sync_group = announcement.parse_all(data, "thon-1")
    found = [_stream(stream) for stream in streams]
    return found if sync_group is None else [found, list(sync_group)]


PARSERS = {
    "rtp": lambda data: list(rtp.parse(data)),
    "sync": _sync,
    "nack": _nack,
    "beacon": _beacon,
    "announcement": _announcement,
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


def check_beacon():
    _check("beacon")


def check_rest_is_gained_evenly():
    found = beacon.Beacon(1, b"12345678", 5000000, 1000, -50000, 3000, 0)
    assert found.media_at(5000000) == 1000
    assert found.media_at(6000000) == 1000 + 1000000 - 50 + 500
    assert found.media_at(12000000) == 1000 + 7000000 - 350 + 3000 == found.aim_at(12000000)
    assert found.media_at(4000000) == 1000 - 1000000 + 50
    assert [beacon.slewed(-3000, us) for us in (-5, 0, 1000000, 12000000)] == [0, 0, -500, -3000]


def check_nack():
    _check("nack")


def check_announcement():
    _check("announcement")


def check_command():
    _check("command")


def check_report():
    _check("report")
