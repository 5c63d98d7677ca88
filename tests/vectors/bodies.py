"""Good and bad bodies of messages, by name: seals, keys, announcements, commands, answers and reports."""

from codec.wire import announcement, chain, command, report, tesla
from codec.wire.mac import Mac, derive
from tests.firmware.suite.check_wire import INTERVAL, NODE_KEY, SALT, SENDER_KEY

COMMAND = Mac(derive(NODE_KEY, "command"))
ACK = Mac(derive(NODE_KEY, "ack"))
STRANGER = Mac(bytes(32))
CHAIN = tesla.Chain(SALT)
SENDER = CHAIN.tags(SENDER_KEY)
UNTIL_US = 1_800_000_030_000_000


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
    states = {name: words[0] for name, words in report.STATES}
    good = report.build_health(counters, gauges, 7, "no key", states)
    longest = {name: "x" * report.MAX_WORD_CHARS for name, _ in report.STATES}
    return {
        "health": good,
        "health without states": good.replace(b'"states"', b'"estates"'),
        "states that are not known": report.build_health({}, {}, None, None, {"link": "satellite", "horn": "ok"}),
        "states of the greatest length": report.build_health({}, {}, None, None, longest),
        "a state of 17 characters": report.build_health({}, {}, None, None, {"link": "x" * 17}),
        "a state is a number": report.build_health({}, {}, None, None, {"speaker": 1}),
        "a state is an object": b'{"v": 1, "counters": {}, "gauges": {}, "states": {"fm": {"off": 1}}}',
        "states are a list": b'{"v": 1, "counters": {}, "gauges": {}, "states": []}',
        "states are null": b'{"v": 1, "counters": {}, "gauges": {}, "states": null}',
        "least gauges": report.build_health({}, {name: least for name, least, _ in report.GAUGES}, None),
        "greatest gauges": report.build_health({}, {name: most for name, _, most in report.GAUGES}, None),
        "why it is silent, too long": report.build_health({}, {}, None, "x" * 101),
        "health without values": report.build_health({}, {}, None),
        "online": report.build_status(report.ONLINE, "loaxa 0.1.0", "esp32", "power"),
        "offline": report.build_status(report.OFFLINE),
        "unknown state is offline": report.build_status("asleep"),
        "state is missing": b'{"v": 1}',
        "firmware of 65 characters": report.build_status(report.ONLINE, "x" * 65),
        "negative counter": report.build_health({"received": -1}, {}, None),
        "gauge out of range": report.build_health({}, {"wifi_dbm": -201}, None),
        "gauge is text": report.build_health({}, {"mobile_dbm": "loud"}, None),
        "muted is true": report.build_health({}, {"muted": True}, None),
        "a door that is more than open": report.build_health({}, {"door_open": 2}, None),
        "gain above the limit": report.build_health({}, {"gain_cdb": 1201}, None),
        "on air is a float": report.build_health({}, {}, 1.5),
        "counters are a list": b'{"v": 1, "counters": [], "gauges": {}}',
        "no JSON": b"\xff\xfe",
    }
