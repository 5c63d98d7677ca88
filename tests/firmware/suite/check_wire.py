"""The test vectors of the wire, hostile ones included: what they parse to, or that they are refused."""

import json
from binascii import unhexlify

from codec.wire import announcement, beacon, chain, command, nack, report, rtp, sync, tesla
from codec.wire.errors import WireError
from codec.wire.mac import Mac, derive, same

VECTORS = "../../vectors/"
NODE_KEY = bytes(range(32))
"""Of node-1; what is tagged for it, or by it, is tagged with keys made of this one."""
SALT = bytes(range(16, 32))
SENDER_KEY = bytes(range(32, 48))
INTERVAL = 90000000000
"""The sender's chain has SENDER_KEY in INTERVAL."""
GIVEN = {
    "node_key": NODE_KEY,
    "salt": SALT,
    "sender_key": SENDER_KEY,
}


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


def _of_node(purpose):
    return Mac(derive(NODE_KEY, purpose))


def _sender():
    return tesla.Chain(SALT).tags(SENDER_KEY)


def _sync(data):
    if data[1:2] == b"\x01":
        sequence, tag, t1, echo = sync.parse_request(data)
        found = [sequence, list(tag), t1, echo]
    else:
        sequence, tag, t1, t2, t3 = sync.parse_reply(data)
        found = [sequence, list(tag), t1, t2, t3]
    return found + [sync.genuine(data, _of_node("time"))]


def _signed(data):
    """Whose tag it is (0: nobody's), whether it is right, and the key that is told."""
    found = list(rtp.parse(data))
    kind = rtp.tag_kind(data)
    if kind == 0:
        return found + [0, False, None]
    tag = data[rtp.TAG_AT : rtp.TAG_AT + rtp.TAG_BYTES]
    key = _sender() if kind == rtp.BY_SENDER else _of_node("audio")
    told = data[rtp.KEY_AT : rtp.KEY_AT + rtp.KEY_BYTES]
    return found + [kind, same(tag, rtp.tag(data, key)), list(told)]


def _tesla(data):
    interval, tag, body = tesla.parse_seal(data)
    return [interval, list(tag), list(body), same(tag, tesla.seal_tag(interval, body, _sender()))]


def _anchor(found):
    return [list(found.salt), found.interval, list(found.key), found.until]


def _chain(data):
    interval, key, after = chain.parse(data)
    return [interval, list(key), None if after is None else _anchor(after)]


def _command(data):
    counter, expires_us, operation, arguments = command.parse(data, "node-1", _of_node("command"))
    if operation == command.AIR:
        terms = arguments["terms"]
        arguments["terms"] = [terms.name, terms.interval_us, terms.lag]
        arguments["chains"] = [_anchor(found) for found in arguments["chains"]]
    return [counter, expires_us, operation, arguments]


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
    streams, sync_group = announcement.parse(data, "thon-1")
    found = [_stream(stream) for stream in streams]
    return found if sync_group is None else [found, list(sync_group)]


PARSERS = {
    "rtp": lambda data: list(rtp.parse(data)),
    "signed": _signed,
    "sync": _sync,
    "tesla": _tesla,
    "chain": _chain,
    "nack": _nack,
    "beacon": _beacon,
    "announcement": _announcement,
    "command": _command,
    "ack": lambda data: list(command.parse_ack(data, _of_node("ack"))),
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


def check_signed():
    _check("signed")


def check_sync():
    _check("sync")


def check_tesla():
    _check("tesla")


def check_chain():
    _check("chain")


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


def check_ack():
    _check("ack")


def check_report():
    _check("report")
