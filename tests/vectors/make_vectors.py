"""Writes the test vectors of the wire beside itself: ``.venv/bin/python -m tests.vectors.make_vectors``.

A vector is ``{"name", "hex", "parsed", "error"}``: the bytes, and what parsing them gives or the text of the
refusal; "*" where that text is the JSON parser's affair.
"""

import json
from collections.abc import Callable
from pathlib import Path

from codec.wire import announcement, beacon, command, nack, names, report, rtp, sync
from codec.wire.errors import WireError
from tests.firmware.suite.check_wire import PARSERS

HERE = Path(__file__).resolve().parent
PARSER_DEPENDENT = ("no JSON", "nested too deep", "not UTF-8", "cut off after an inner object")


def rtp_vectors() -> dict[str, bytes]:
    packet = bytearray(rtp.HEADER_BYTES + 4)
    rtp.pack_header(packet, 0, True, 96, 0x12345678, 0xDEADBEEF, 0xCAFEBABE)
    packet[rtp.HEADER_BYTES :] = b"opus"
    good = bytes(packet)
    plain = bytes.fromhex("8060000100000002000000036f707573")
    contradicting = bytearray(good)
    contradicting[3] ^= 1
    wrong_length = bytearray(good)
    wrong_length[16] = 0x12
    return {
        "ours": good,
        "plain, of other equipment": plain,
        "with two contributing sources": b"\x82" + plain[1:12] + bytes(8) + b"opus",
        "padded": b"\xa0" + plain[1:] + b"\0\0\0\4",
        "reserved element 15 ends the extension": good[:16] + b"\xf3" + good[17:],
        "two-byte extension profile is skipped": good[:12] + b"\x10\x00" + good[14:],
        "nothing": b"",
        "one byte": b"\x80",
        "header cut off": good[:11],
        "extension cut off": good[:15],
        "element cut off": good[:12] + b"\xbe\xde\x00\x01" + b"\x1f\0\0\0" + b"opus",
        "frame index of three bytes": bytes(wrong_length),
        "index contradicts sequence number": bytes(contradicting),
        "no payload": good[: rtp.HEADER_BYTES],
        "extension longer than the packet": good[:14] + b"\xff\xff" + good[16:],
        "fifteen contributing sources that are not there": b"\x8f" + plain[1:],
        "padding longer than the packet": b"\xa0" + plain[1:-1] + b"\xff",
        "padding of no length": b"\xa0" + plain[1:-1] + b"\0",
        "RTP version 1": b"\x40" + plain[1:],
        "1401 bytes": good + bytes(1401 - len(good)),
    }


def sync_vectors() -> dict[str, bytes]:
    request = sync.pack_request(65535, names.node_tag("node-1"), 1 << 40)
    reply = bytes(sync.pack_reply(request, 1_800_000_000_000_000, 1_800_000_000_000_100))
    return {
        "request": request,
        "reply": reply,
        "request cut off": request[:35],
        "request with a byte more": request + b"\0",
        "nothing": b"",
        "type 3": request[:1] + b"\3" + request[2:],
        "negative local time": request[:12] + b"\xff" * 8 + request[20:],
        "reply sent before its request came": bytes(sync.pack_reply(request, 200, 100)),
        "negative media time": reply[:20] + b"\x80" + reply[21:],
    }


def beacon_vectors() -> dict[str, bytes]:
    tag = names.node_tag("node-1")
    good = beacon.pack(beacon.Beacon(0xBEEF, tag, 1 << 40, 1_800_000_000_000_000, -41_500, 12_000, 45_000))
    return {
        "good": good,
        "the least and the greatest": beacon.pack(beacon.Beacon(0xFFFF, bytes(8), 0, 0, 10**6, -(10**5), 10**6)),
        "a tag that is not read yet": good[:40] + b"\xff" * 16,
        "cut off": good[:55],
        "a byte more": good + b"\0",
        "nothing": b"",
        "1400 bytes": good + bytes(1344),
        "a time exchange": good[:1] + b"\1" + good[2:],
        "RTP": b"\x80" + good[1:],
        "negative local time": good[:12] + b"\xff" * 8 + good[20:],
        "negative media time": good[:20] + b"\x80" + good[21:],
        "drift above the limit": good[:28] + (10**6 + 1).to_bytes(4, "big") + good[32:],
        "drift below the limit": good[:28] + b"\x80\0\0\0" + good[32:],
        "rest above the limit": good[:32] + (10**5 + 1).to_bytes(4, "big") + good[36:],
        "rest below the limit": good[:32] + b"\xff\xfe\0\0" + good[36:],
        "uncertainty of an hour": good[:36] + b"\xd6\x93\xa4\0" + good[40:],
    }


def nack_vectors() -> dict[str, bytes]:
    tag = names.node_tag("node-1")
    good = nack.build(tag, 0xCAFEBABE, [65534, 65535, 65537, 70000])
    most = nack.build(tag, 1, [17 * number for number in range(nack.MAX_FIELDS)])
    return {
        "four frames in two fields, across the wrap": good,
        "one frame": nack.build(tag, 0, [0]),
        "a field and the sixteen after it": nack.build(tag, 0xFFFFFFFF, list(range(5, 22))),
        "all fields, all bits": most[:12] + b"\xff" * (len(most) - 12),
        "the same frame twice": good[:16] + good[12:16] + good[20:],
        "nothing": b"",
        "one byte": b"\x81",
        "header cut off": good[:11],
        "no field": nack.build(tag, 1, []),
        "field cut off": good[:14],
        "a field less than it says": good[:-4],
        "a field more than it says": good + bytes(4),
        "a byte more": good + b"\0",
        "seventeen fields": b"\x81\xcd\x00\x13" + most[4:] + bytes(4),
        "length of a quarter of a megabyte": good[:2] + b"\xff\xff" + good[4:],
        "RTCP version 1": b"\x41" + good[1:],
        "padded": b"\xa1" + good[1:-1] + b"\x04",
        "picture loss indication": b"\x81\xce" + good[2:],
        "slice loss indication": b"\x82" + good[1:],
        "receiver report": b"\x81\xc9" + good[2:],
        "1400 bytes": good + bytes(1400 - len(good)),
    }


def announcement_vectors() -> dict[str, bytes]:
    stream = announcement.Stream(0xFFFFFFFF, 20000, 1_800_000_000_000_000, 150000, 3, ("239.1.2.3", 5004))
    good = announcement.build("thon-1", [stream])
    return {
        "two streams": announcement.build("thon-1", [stream, announcement.Stream(1, 10000, 0, 50000, 4)]),
        "silence": announcement.build("thon-1", []),
        "unknown fields are skipped": good[:-1] + b', "later": {"x": [1]}}',
        "another zone": announcement.build("thon-2", [stream]),
        "no JSON": b"{nonsense}",
        "cut off": good[:-1],
        "cut off after an inner object": good[: good.index(b"]")] + b"}",
        "not an object": b"[]",
        "nested too deep": b'{"v": ' + b"[" * 4000 + b"]" * 4000 + b"}",
        "too long": b" " * 8193,
        "not UTF-8": b'{"v": "\xff"}',
        "version 2": good.replace(b'"v": 1', b'"v": 2'),
        "nine streams": announcement.build("thon-1", [stream] * 9),
        "streams are no list": b'{"v": 1, "zone": "thon-1", "streams": {"a": 1}}',
        "a stream is no object": b'{"v": 1, "zone": "thon-1", "streams": [1]}',
        "frame of 21 ms": good.replace(b'"frame_us": 20000', b'"frame_us": 21000'),
        "SSRC of 33 bits": good.replace(b"4294967295", b"4294967296"),
        "SSRC is true": good.replace(b"4294967295", b"true"),
        "lead of 2 s": good.replace(b"150000", b"2000000"),
        "lead of more than 2 s": good.replace(b"150000", b"2000001"),
        "lead of more than 100 frames": good.replace(b"150000", b"250001").replace(b"20000,", b"2500,"),
        "lead of an hour": good.replace(b"150000", b"3600000000"),
        "priority 5": good.replace(b'"priority": 3', b'"priority": 5'),
        "unknown codec": good.replace(b'"opus"', b'"mp3"'),
        "group without a port": good.replace(b'["239.1.2.3", 5004]', b'["239.1.2.3"]'),
        "group with port 0": good.replace(b"5004", b"0"),
        "sync group": announcement.build("thon-1", [stream], ("239.77.1.1", 5006)),
        "sync group in silence": announcement.build("thon-1", [], ("224.0.0.200", 1)),
        "sync group is null": good[:-1] + b', "sync": null}',
        "sync group is a host": announcement.build("thon-1", [], ("192.0.2.1", 5006)),
        "sync group is a name": announcement.build("thon-1", [], ("horns.example", 5006)),
        "sync group of five numbers": announcement.build("thon-1", [], ("239.1.2.3.4", 5006)),
        "sync group above 255": announcement.build("thon-1", [], ("239.1.2.256", 5006)),
        "sync group without a port": good[:-1] + b', "sync": ["239.1.2.3"]}',
    }


def command_vectors() -> dict[str, bytes]:
    configure = {"zone": "thon-1", "gain_db": -3.5, "delay_us": 12000, "muted": True}
    good = command.build("node-1", 7, command.CONFIGURE, configure)
    return {
        "configure": good,
        "configure with the zone alone": command.build("node-1", 8, command.CONFIGURE, {"zone": "thon-1"}),
        "gain": command.build("node-1", 9, command.SET_GAIN, {"gain_db": 12}),
        "mute": command.build("node-1", 10, command.MUTE, {"muted": False}),
        "stop": command.build("node-1", 11, command.STOP),
        "reboot": command.build("node-1", 1 << 53, command.REBOOT),
        "tone": command.build("node-1", 12, command.TEST_TONE, {"duration_ms": 5000}),
        "another node": command.build("node-2", 7, command.STOP),
        "unknown operation": command.build("node-1", 7, "format"),
        "negative counter": command.build("node-1", -1, command.STOP),
        "counter is text": good.replace(b'"n": 7', b'"n": "7"'),
        "arguments are a list": good.replace(b'"op"', b'"args": [], "op"').replace(b'"args": {', b'"rest": {'),
        "gain above the limit": command.build("node-1", 7, command.SET_GAIN, {"gain_db": 12.5}),
        "gain is missing": command.build("node-1", 7, command.SET_GAIN),
        "muted is 1": command.build("node-1", 7, command.MUTE, {"muted": 1}),
        "tone of a minute": command.build("node-1", 7, command.TEST_TONE, {"duration_ms": 60000}),
        "zone with a wildcard": command.build("node-1", 7, command.CONFIGURE, {"zone": "#"}),
        "zone with a path": command.build("node-1", 7, command.CONFIGURE, {"zone": "../etc"}),
        "nothing": b"",
        "too long": good + b" " * 8192,
    }


def report_vectors() -> dict[str, bytes]:
    counters = {name: number for number, name in enumerate(report.COUNTERS)}
    gauges = {name: min(5, most) for name, _, most in report.GAUGES}
    good = report.build_health(counters, gauges, 7)
    return {
        "health": good,
        "health without values": report.build_health({}, {}, None),
        "online": report.build_status(report.ONLINE, "loaxa 0.1.0", "esp32", "power"),
        "offline": report.build_status(report.OFFLINE),
        "unknown state is offline": report.build_status("asleep"),
        "state is missing": b'{"v": 1}',
        "firmware of 65 characters": report.build_status(report.ONLINE, "x" * 65),
        "negative counter": report.build_health({"received": -1}, {}, None),
        "gauge out of range": report.build_health({}, {"signal_dbm": -201}, None),
        "gauge is text": report.build_health({}, {"signal_dbm": "loud"}, None),
        "on air is a float": report.build_health({}, {}, 1.5),
        "counters are a list": b'{"v": 1, "counters": [], "gauges": {}}',
        "no JSON": b"\xff\xfe",
    }


def write(kind: str, cases: dict[str, bytes]) -> None:
    parse: Callable[[bytes], object] = PARSERS[kind]
    vectors = []
    for name, data in cases.items():
        parsed, error = None, None
        try:
            parsed = parse(data)
        except WireError as refusal:
            error = "*" if name in PARSER_DEPENDENT else str(refusal)
        vectors.append({"name": name, "hex": data.hex(), "parsed": parsed, "error": error})
    text = json.dumps({"format": kind, "vectors": vectors}, indent=1) + "\n"
    (HERE / f"{kind}.json").write_text(text)


if __name__ == "__main__":
    write("rtp", rtp_vectors())
    write("sync", sync_vectors())
    write("beacon", beacon_vectors())
    write("nack", nack_vectors())
    write("announcement", announcement_vectors())
    write("command", command_vectors())
    write("report", report_vectors())
