"""Writes the test vectors of the wire beside itself: ``.venv/bin/python -m tests.vectors.make_vectors``.

A vector is ``{"name", "hex", "parsed", "error"}``: the bytes, and what parsing them gives or the text of the
refusal; "*" where that text is the JSON parser's affair. "given" has the keys that the tags of all vectors are under.
"""

import json
from collections.abc import Callable
from pathlib import Path

from codec.wire import announcement, beacon, chain, command, nack, names, report, rtp, sync, tesla
from codec.wire.errors import WireError
from codec.wire.mac import Mac, derive
from tests.firmware.suite.check_wire import GIVEN, INTERVAL, NODE_KEY, PARSERS, SALT, SENDER_KEY

HERE = Path(__file__).resolve().parent
TIME, COMMAND, ACK, AUDIO = (Mac(derive(NODE_KEY, purpose)) for purpose in ("time", "command", "ack", "audio"))
STRANGER = Mac(bytes(32))
CHAIN = tesla.Chain(SALT)
SENDER = CHAIN.tags(SENDER_KEY)
UNTIL_US = 1_800_000_030_000_000
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
        "tag cut off": good[:12] + b"\xbe\xde\x00\x02" + b"\x2b\0\0\0\0\0\0\0" + b"opus",
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


def signed_vectors() -> dict[str, bytes]:
    packet = bytearray(rtp.HEADER_BYTES + 4)
    rtp.pack_header(packet, 0, True, 96, 0x12345678, 0xDEADBEEF, 0xCAFEBABE)
    packet[rtp.HEADER_BYTES :] = b"opus"
    packet[rtp.KEY_AT : rtp.KEY_AT + rtp.KEY_BYTES] = CHAIN.before(SENDER_KEY, 3)
    unsigned = bytes(packet)

    def signed(tags: Mac, kind: int = rtp.BY_SENDER) -> bytes:
        made = bytearray(unsigned)
        rtp.put_tag(made, tags, kind)
        return bytes(made)

    def flipped(data: bytes, at: int) -> bytes:
        return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]

    by_sender, by_node_key = signed(SENDER), signed(AUDIO, rtp.BY_NODE_KEY)
    return {
        "by the sender": by_sender,
        "again, by the node's key": by_node_key,
        "without a tag yet": unsigned,
        "another's tag": signed(STRANGER),
        "the node's key as the sender's": signed(AUDIO),
        "the sender's key as the node's": signed(SENDER, rtp.BY_NODE_KEY),
        "another packet's tag": by_sender[:-1] + b"x",
        "a bit of the tag": flipped(by_sender, rtp.TAG_AT),
        "the last bit of the tag": flipped(by_sender, rtp.TAG_AT + rtp.TAG_BYTES - 1),
        "a bit of the key that it tells": flipped(by_sender, rtp.KEY_AT),
        "a bit of the timestamp": flipped(by_sender, 7),
        "the marker": by_sender[:1] + bytes([by_sender[1] ^ 0x80]) + by_sender[2:],
        "another stream": flipped(by_sender, 11),
        "another frame": flipped(flipped(by_sender, 3), 20),
        "kind 5 of a tag": by_sender[: rtp.TAG_AT - 1] + b"\x5b" + by_sender[rtp.TAG_AT :],
        "a shorter tag": by_sender[: rtp.TAG_AT - 1] + b"\x2a" + by_sender[rtp.TAG_AT :],
        "tag and key have changed places": by_sender[:21] + by_sender[34:51] + by_sender[21:34] + by_sender[51:],
        "a byte more": by_sender + b"\0",
        "cut off in the payload": by_sender[:-1],
        "cut off in the key": by_sender[:50],
        "no payload": by_sender[: rtp.HEADER_BYTES],
        "padded, which ours are never": b"\xb0" + by_sender[1:-1] + b"\x01",
        "a contributing source": b"\x91" + by_sender[1:12] + bytes(4) + by_sender[12:],
    }


def sync_vectors() -> dict[str, bytes]:
    tag = names.node_tag("node-1")
    request = sync.pack_request(65535, tag, 1 << 40, TIME)
    reply = bytes(sync.pack_reply(request, 1_800_000_000_000_000, 1_800_000_000_000_100, TIME))
    return {
        "request": request,
        "request that echoes the last reply": sync.pack_request(1, tag, 1 << 41, TIME, 1_800_000_000_000_100),
        "reply": reply,
        "request with another's tag": sync.pack_request(65535, tag, 1 << 40, STRANGER),
        "request with a bit of the tag changed": request[:-1] + bytes([request[-1] ^ 1]),
        "request with a bit of the sequence changed": request[:3] + bytes([request[3] ^ 1]) + request[4:],
        "reply with another's tag": bytes(sync.pack_reply(request, 1_800_000_000_000_000, 1 << 61, STRANGER)),
        "reply that says another time": reply[:27] + bytes([reply[27] ^ 1]) + reply[28:],
        "request that poses as a reply": request[:1] + b"\2" + request[2:],
        "request cut off": request[:51],
        "request as it was before it had a tag": request[:36],
        "request with a byte more": request + b"\0",
        "nothing": b"",
        "type 3": request[:1] + b"\3" + request[2:],
        "negative local time": request[:12] + b"\xff" * 8 + request[20:],
        "negative echo": request[:28] + b"\xff" * 8 + request[36:],
        "reply sent before its request came": bytes(sync.pack_reply(request, 200, 100, TIME)),
        "negative media time": reply[:20] + b"\x80" + reply[21:],
    }


def tesla_vectors() -> dict[str, bytes]:
    good = tesla.seal(b"{}", INTERVAL, SENDER)
    return {
        "good": good,
        "an empty body": tesla.seal(b"", INTERVAL, SENDER),
        "interval 0": tesla.seal(b"{}", 0, SENDER),
        "the largest interval": tesla.seal(b"{}", (1 << 63) - 1, SENDER),
        "under the key of the interval before": tesla.seal(b"{}", INTERVAL, CHAIN.tags(CHAIN.before(SENDER_KEY))),
        "under another chain's key": tesla.seal(b"{}", INTERVAL, tesla.Chain(bytes(16)).tags(SENDER_KEY)),
        "another interval": good[:7] + bytes([good[7] ^ 1]) + good[8:],
        "a bit of the tag": good[:8] + bytes([good[8] ^ 1]) + good[9:],
        "a bit of the body": good[:-1] + b"|",
        "a byte more": good + b" ",
        "nothing": b"",
        "cut off in the interval": good[:7],
        "cut off in the tag": good[:23],
        "negative interval": b"\xff" + good[1:],
    }


def chain_vectors() -> dict[str, bytes]:
    after = chain.Anchor(bytes(range(64, 80)), INTERVAL + 100, bytes(range(80, 96)), INTERVAL + 8000)
    good = chain.build(INTERVAL, SENDER_KEY, after)
    return {
        "a key": chain.build(INTERVAL, SENDER_KEY),
        "a key, and the next chain": good,
        "the next chain is null": chain.build(INTERVAL, SENDER_KEY)[:-1] + b', "next": null}',
        "unknown fields are skipped": good[:-1] + b', "later": [1]}',
        "version 2": good.replace(b'"v": 1', b'"v": 2'),
        "a negative interval": chain.build(-1, SENDER_KEY),
        "an interval of 54 bits": chain.build((1 << 53) + 1, SENDER_KEY),
        "a key of 15 bytes": chain.build(INTERVAL, SENDER_KEY[:15]),
        "a key of 17 bytes": chain.build(INTERVAL, SENDER_KEY + b"x"),
        "a key that is no digits": good.replace(SENDER_KEY.hex().encode(), b"x" * 32),
        "a key of letters that are none": good.replace(SENDER_KEY.hex().encode(), "é".encode() * 16),
        "the key is missing": b'{"v": 1, "i": 5}',
        "the next chain is a list": good[: good.index(b'"next"')] + b'"next": []}',
        "the next chain ends before it begins": chain.build(
            INTERVAL, SENDER_KEY, chain.Anchor(after.salt, after.interval, after.key, after.interval - 1)
        ),
        "the next chain has no salt": good.replace(b'"salt"', b'"pepper"'),
        "no JSON": b"{nonsense}",
        "too long": good[:-1] + b" " * 8192 + b"}",
    }


def beacon_vectors() -> dict[str, bytes]:
    tag = names.node_tag("node-1")
    good = beacon.pack(beacon.Beacon(0xBEEF, tag, 1 << 40, 1_800_000_000_000_000, -41_500, 12_000, 45_000), AUDIO)
    return {
        "good": good,
        "the least and the greatest": beacon.pack(beacon.Beacon(0xFFFF, bytes(8), 0, 0, 10**6, -(10**5), 10**6), AUDIO),
        "a tag that parsing does not look at": good[:40] + b"\xff" * 16,
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
    def build(counter: int, operation: str, arguments: dict | None = None, node: str = "node-1") -> bytes:
        return command.build(node, counter, operation, arguments, UNTIL_US, COMMAND)

    def changed(raw: bytes, old: bytes, new: bytes) -> bytes:
        """Tagged as it should be, whatever is in it."""
        body = raw[command.TAG_BYTES :].replace(old, new)
        return COMMAND.digest(body)[: command.TAG_BYTES] + body

    configure = {"zone": "thon-1", "gain_db": -3.5, "delay_us": 12000, "muted": True}
    good = build(7, command.CONFIGURE, configure)
    stream = announcement.Stream(77, 20000, 1_800_000_000_000_000, 150000, 3)
    first = chain.Anchor(SALT, INTERVAL, SENDER_KEY, INTERVAL + 99)
    air = {
        "terms": chain.terms_fields(tesla.Terms("lan", 20000, 3)),
        "chains": [
            chain.anchor_fields(first),
            chain.anchor_fields(chain.Anchor(bytes(16), INTERVAL + 99, bytes(16), INTERVAL + 200)),
        ],
        "session": announcement.fields("thon-1", [stream]),
    }
    return {
        "configure": good,
        "configure with the zone alone": build(8, command.CONFIGURE, {"zone": "thon-1"}),
        "air": build(13, command.AIR, air),
        "air of one chain, in silence": build(
            14, command.AIR, {**air, "chains": air["chains"][:1], "session": announcement.fields("thon-1", [])}
        ),
        "gain": build(9, command.SET_GAIN, {"gain_db": 12}),
        "mute": build(10, command.MUTE, {"muted": False}),
        "stop": build(11, command.STOP),
        "reboot": build(1 << 53, command.REBOOT),
        "tone": build(12, command.TEST_TONE, {"duration_ms": 5000}),
        "another node": build(7, command.STOP, node="node-2"),
        "another's tag": command.build("node-1", 7, command.STOP, None, UNTIL_US, STRANGER),
        "tagged as an answer": command.build("node-1", 7, command.STOP, None, UNTIL_US, ACK),
        "a bit of the tag": bytes([good[0] ^ 1]) + good[1:],
        "a bit of the body": good[:-3] + bytes([good[-3] ^ 1]) + good[-2:],
        "without a tag": good[command.TAG_BYTES :],
        "a tag and no more": good[: command.TAG_BYTES],
        "cut off in the tag": good[: command.TAG_BYTES - 1],
        "cut off, and tagged so": changed(good, b"true}}", b""),
        "unknown operation": build(7, "format"),
        "negative counter": build(-1, command.STOP),
        "counter is text": changed(good, b'"n": 7', b'"n": "7"'),
        "expiry is missing": changed(good, b'"until"', b'"\'til"'),
        "expiry in the past of all clocks": changed(good, str(UNTIL_US).encode(), b"-1"),
        "version 2": changed(good, b'"v": 1', b'"v": 2'),
        "arguments are a list": changed(changed(good, b'"args": {', b'"rest": {'), b'"op"', b'"args": [], "op"'),
        "gain above the limit": build(7, command.SET_GAIN, {"gain_db": 12.5}),
        "gain is missing": build(7, command.SET_GAIN),
        "muted is 1": build(7, command.MUTE, {"muted": 1}),
        "tone of a minute": build(7, command.TEST_TONE, {"duration_ms": 60000}),
        "zone with a wildcard": build(7, command.CONFIGURE, {"zone": "#"}),
        "zone with a path": build(7, command.CONFIGURE, {"zone": "../etc"}),
        "air without chains": build(7, command.AIR, {**air, "chains": []}),
        "air of three chains": build(7, command.AIR, {**air, "chains": [chain.anchor_fields(first)] * 3}),
        "air with a chain that is text": build(7, command.AIR, {**air, "chains": ["salt"]}),
        "air with an interval of a microsecond": build(
            7, command.AIR, {**air, "terms": chain.terms_fields(tesla.Terms("lan", 1, 3))}
        ),
        "air with no lag": build(7, command.AIR, {**air, "terms": chain.terms_fields(tesla.Terms("lan", 20000, 0))}),
        "air with a lag of a minute": build(
            7, command.AIR, {**air, "terms": chain.terms_fields(tesla.Terms("lan", 1000000, 65))}
        ),
        "air with a chain's name that is a topic": build(
            7, command.AIR, {**air, "terms": chain.terms_fields(tesla.Terms("lan/#", 20000, 3))}
        ),
        "nothing": b"",
        "too long": good + b" " * 8192,
    }


def ack_vectors() -> dict[str, bytes]:
    done = command.build_ack(7, None, ACK)
    return {
        "done": done,
        "not done": command.build_ack(8, "a programme is on air", ACK),
        "a counter that is too low": command.build_ack(9, "counter must grow; the last was 12", ACK, 12),
        "a last counter that is none": command.build_ack(9, "counter must grow", ACK, -1),
        "Vietnamese": command.build_ack(9, "loa đang phát", ACK),
        "200 characters": command.build_ack(9, "x" * 200, ACK),
        "201 characters": command.build_ack(9, "x" * 201, ACK),
        "another's tag": command.build_ack(7, None, STRANGER),
        "tagged as a command": command.build_ack(7, None, COMMAND),
        "a bit of the tag": bytes([done[0] ^ 1]) + done[1:],
        "without a tag": done[command.TAG_BYTES :],
        "cut off": done[:-1],
        "negative counter": command.build_ack(-1, None, ACK),
        "nothing": b"",
        "too long": done + b" " * 8192,
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
    given = {name: value.hex() for name, value in GIVEN.items()}
    text = json.dumps({"format": kind, "given": given, "vectors": vectors}, indent=1) + "\n"
    (HERE / f"{kind}.json").write_text(text)


if __name__ == "__main__":
    write("rtp", rtp_vectors())
    write("signed", signed_vectors())
    write("sync", sync_vectors())
    write("tesla", tesla_vectors())
    write("chain", chain_vectors())
    write("beacon", beacon_vectors())
    write("nack", nack_vectors())
    write("announcement", announcement_vectors())
    write("command", command_vectors())
    write("ack", ack_vectors())
    write("report", report_vectors())
