"""Whatever comes from the network: round trips are exact, anything else is a WireError and nothing worse."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.wire import announcement, beacon, body, chain, command, enrolment, nack, names, report, rtp, sync, tesla
from codec.wire.errors import ForgedError, WireError
from codec.wire.mac import Mac

# A busy machine is slow at times; that is no property of the wire.
settings.register_profile("wire", deadline=None)
settings.load_profile("wire")

u32 = st.integers(0, 0xFFFFFFFF)
tag = names.node_tag("node-1")
KEY, OTHER = Mac(b"key"), Mac(b"another")
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
FIELDS = [
    "v", "n", "node", "until", "zone", "op", "args", "streams", "sync", "state", "counters", "gauges", "states", "i",
    "key", "salt", "next",
]  # fmt: skip
BODIES = 6
"""The first of PARSERS that takes a body of JSON."""


def _tagged(data: bytes) -> bytes:
    """As from the one who has the key: behind a right tag there may be anything, too."""
    return KEY.digest(data)[: command.TAG_BYTES] + data


PARSERS = (
    rtp.parse,
    sync.parse_request,
    sync.parse_reply,
    nack.parse,
    beacon.parse,
    tesla.parse_seal,
    lambda data: announcement.parse(data, "thon-1"),
    lambda data: command.parse(_tagged(data), "node-1", KEY),
    lambda data: command.parse_ack(_tagged(data), KEY),
    chain.parse,
    report.parse_status,
    report.parse_health,
)


@given(st.binary(max_size=1500))
def test_random_bytes_are_refused_and_nothing_worse(data: bytes) -> None:
    for parse in PARSERS:
        with contextlib.suppress(WireError):
            parse(data)
    assert rtp.tag_kind(data) in (0, rtp.BY_SENDER, rtp.BY_NODE_KEY)


@given(st.binary(max_size=1500))
def test_what_bears_no_tag_is_forged_whatever_it_is(data: bytes) -> None:
    for parse in (lambda raw: command.parse(raw, "node-1", KEY), lambda raw: command.parse_ack(raw, KEY)):
        with pytest.raises(ForgedError):
            parse(data)


@given(
    st.dictionaries(
        st.sampled_from(FIELDS),
        json_values,
    )
)
def test_random_objects_are_refused_and_nothing_worse(found: dict) -> None:
    data = json.dumps({"v": 1, "node": "node-1", "zone": "thon-1", **found}).encode()
    for parse in PARSERS[BODIES:]:
        with contextlib.suppress(WireError):
            parse(data)


air = st.fixed_dictionaries({"terms": json_values, "chains": json_values, "session": json_values})


@given(st.sampled_from(command.OPERATIONS), air | json_values)
def test_random_arguments_are_refused_and_nothing_worse(operation: str, arguments: object) -> None:
    raw = _tagged(body.build({"v": 1, "node": "node-1", "n": 1, "until": 1, "op": operation, "args": arguments}))
    with contextlib.suppress(WireError):
        command.parse(raw, "node-1", KEY)


@given(u32, u32, u32, st.integers(0, 127), st.booleans(), st.binary(min_size=1, max_size=1300))
def test_rtp_round_trip(ssrc: int, index: int, stamp: int, kind: int, marker: bool, payload: bytes) -> None:
    data = bytearray(rtp.HEADER_BYTES + len(payload))
    rtp.pack_header(data, 0, marker, kind, index, stamp, ssrc)
    data[rtp.HEADER_BYTES :] = payload
    assert rtp.is_rtp(data)
    assert not sync.is_sync(data)
    start, end = rtp.HEADER_BYTES, len(data)
    assert rtp.parse(data) == (ssrc, index, stamp, index & 0xFFFF, kind, marker, start, end)


def test_our_element_is_strict_only_where_it_is_ours() -> None:
    """A node needs the frame index; other equipment numbers its elements as it likes."""
    packet = bytearray(rtp.HEADER_BYTES + 8)
    rtp.pack_header(packet, 0, False, 96, 5, 960, 7)
    packet[16] = rtp.EXTENSION_ID << 4 | 0  # of one byte
    with pytest.raises(WireError, match="frame index is not 4 bytes"):
        rtp.parse(packet)
    start, end = rtp.HEADER_BYTES, rtp.HEADER_BYTES + 8
    assert rtp.parse(packet, ours=False) == (7, None, 960, 5, 96, False, start, end)


@given(st.data())
def test_rtp_cut_anywhere(data: st.DataObject) -> None:
    packet = bytearray(rtp.HEADER_BYTES + 40)
    rtp.pack_header(packet, 0, False, 96, 1, 960, 7)
    cut = data.draw(st.integers(0, rtp.HEADER_BYTES))
    with pytest.raises(WireError):
        rtp.parse(packet[:cut])
    flipped = data.draw(st.integers(0, 8 * len(packet) - 1))
    packet[flipped // 8] ^= 1 << flipped % 8
    with contextlib.suppress(WireError):
        assert rtp.parse(packet)[6] < rtp.parse(packet)[7] <= len(packet)


time_us = st.integers(0, 1 << 62)


@given(st.integers(0, 0xFFFF), time_us, time_us, st.integers(0, 1 << 20), time_us)
def test_sync_round_trip(sequence: int, t1: int, t2: int, held: int, echo: int) -> None:
    request = sync.pack_request(sequence, tag, t1, KEY, echo)
    assert sync.is_sync(request)
    assert sync.parse_request(request) == (sequence, tag, t1, echo)
    assert sync.genuine(request, KEY)
    assert not sync.genuine(request, OTHER)
    reply = sync.pack_reply(request, t2, t2 + held, KEY)
    assert len(reply) == len(request)  # no amplification
    assert sync.parse_reply(reply) == (sequence, tag, t1, t2, t2 + held)
    assert sync.genuine(reply, KEY)
    assert not sync.genuine(reply, OTHER)
    with pytest.raises(WireError):
        sync.parse_request(reply)
    with pytest.raises(WireError):
        sync.parse_reply(request)


@given(st.integers(0, 8 * sync.SIZE - 1), st.booleans())
def test_an_exchange_of_which_a_bit_was_changed_is_not_genuine(bit: int, answered: bool) -> None:
    data = bytearray(sync.pack_request(7, tag, 5, KEY))
    if answered:
        data = sync.pack_reply(bytes(data), 6, 7, KEY)
    data[bit // 8] ^= 1 << bit % 8
    assert not sync.genuine(data, KEY)


@given(u32, st.sets(st.integers(0, 0xFFFFFFFF), min_size=1, max_size=40), st.integers(0, 5000))
def test_nack_round_trip(ssrc: int, frames: set[int], spread: int) -> None:
    wanted = sorted({frame % (spread + 1) for frame in frames} if spread else frames)
    data = nack.build(tag, ssrc, wanted)
    assert nack.is_nack(data)
    assert not sync.is_sync(data)
    assert len(data) <= 12 + 4 * nack.MAX_FIELDS
    head, found_ssrc, found = nack.parse(data)
    assert (head, found_ssrc) == (tag[:4], ssrc)
    assert found == [frame & 0xFFFF for frame in wanted[: len(found)]]  # exactly these, the first ones first
    assert len(found) == len(wanted) or len(data) == 12 + 4 * nack.MAX_FIELDS


def test_audio_is_no_nack() -> None:
    packet = bytearray(rtp.HEADER_BYTES + 8)
    for marker in (False, True):
        rtp.pack_header(packet, 0, marker, rtp.PAYLOAD_TYPE_OPUS, 5, 960, 7)
        assert not nack.is_nack(packet)


streams = st.builds(
    announcement.Stream,
    ssrc=u32,
    frame_us=st.sampled_from([2500, 5000, 10000, 20000, 40000, 60000]),
    media0_us=st.integers(0, 1 << 62),
    lead_us=st.integers(0, 250_000),
    priority=st.integers(0, 4),
    group=st.none() | st.tuples(st.just("239.1.2.3"), st.integers(1, 65535)),
)


@given(st.lists(streams, max_size=announcement.MAX_STREAMS))
def test_announcement_round_trip(found: list[announcement.Stream]) -> None:
    raw = announcement.build("thon-1", found)
    assert len(raw) <= body.MAX_BODY_BYTES
    again = (
        announcement.parse(raw, "thon-1"),
        announcement.parse_fields(announcement.fields("thon-1", found), "thon-1"),
    )
    for parsed, sync_group in again:  # from its bytes, and as part of a command
        assert [vars(stream) for stream in parsed] == [vars(stream) for stream in found]
        assert sync_group is None
    with pytest.raises(WireError, match="another zone"):
        announcement.parse(raw, "thon-2")


@given(st.integers(0, 1 << 53), time_us, st.floats(-60, 12), st.integers(0, 2_000_000), st.booleans())
def test_configure_round_trip(counter: int, until_us: int, gain_db: float, delay_us: int, muted: bool) -> None:
    arguments = {"zone": "thon-1", "gain_db": gain_db, "delay_us": delay_us, "muted": muted}
    raw = command.build("node-1", counter, command.CONFIGURE, arguments, until_us, KEY)
    assert command.parse(raw, "node-1", KEY) == (counter, until_us, command.CONFIGURE, arguments)


@given(st.data())
def test_a_command_or_answer_of_which_a_bit_was_changed_is_forged(data: st.DataObject) -> None:
    raw = bytearray(command.build("node-1", 5, command.MUTE, {"muted": False}, 9, KEY))
    answer = bytearray(command.build_ack(5, "no", KEY))
    for good in (raw, answer):
        bit = data.draw(st.integers(0, 8 * len(good) - 1))
        good[bit // 8] ^= 1 << bit % 8
    with pytest.raises(ForgedError):
        command.parse(bytes(raw), "node-1", KEY)
    with pytest.raises(ForgedError):
        command.parse_ack(bytes(answer), KEY)


def test_a_command_of_another_node_of_one_key_is_refused() -> None:
    with pytest.raises(WireError, match="another node"):
        command.parse(command.build("node-2", 5, command.STOP, None, 9, KEY), "node-1", KEY)


@given(st.integers(0, 1 << 53), st.none() | st.text(max_size=200), st.none() | st.integers(0, 1 << 53))
def test_ack_round_trip(counter: int, error: str | None, last: int | None) -> None:
    assert command.parse_ack(command.build_ack(counter, error, KEY, last), KEY) == (counter, error, last)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_none(value: str) -> None:
    raw = b'{"v": 1, "node": "node-1", "n": 1, "until": 9, "op": "gain", "args": {"gain_db": %s}}' % value.encode()
    with pytest.raises(WireError, match="gain_db must be a number"):
        command.parse(_tagged(raw), "node-1", KEY)


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b"}", b"{}x", b'{"v": 1', b"\xff"])
def test_bodies_that_are_none(raw: bytes) -> None:
    with pytest.raises(WireError, match="not a JSON object"):
        body.parse(raw)


def test_a_body_is_capped_before_it_is_read() -> None:
    with pytest.raises(WireError, match="larger than 8192"):
        body.parse(b"{" + b" " * 8191 + b"}")
    assert body.parse(b"{" + b" " * 8190 + b"}") == {}


reports = st.tuples(
    st.fixed_dictionaries({name: st.integers(0, 1 << 53) for name in report.COUNTERS}),
    st.fixed_dictionaries({name: st.none() | st.integers(low, high) for name, low, high in report.GAUGES}),
    st.none() | u32,
    st.none() | st.text(max_size=report.MAX_REASON_CHARS),
    st.fixed_dictionaries({name: st.none() | st.sampled_from(words) for name, words in report.STATES}),
)


@given(reports)
def test_health_round_trip(found: tuple) -> None:
    raw = report.build_health(*found)
    assert len(raw) <= body.MAX_BODY_BYTES // 2, "a text of 100 characters that JSON escapes, and still room"
    assert report.parse_health(raw) == found


@given(st.sampled_from(report.STATES), json_values)
def test_a_state_is_a_word_that_is_known_or_none(state: tuple, value: Any) -> None:
    name, words = state
    raw = report.build_health({}, {}, None, None, {name: value})
    if value is not None and (not isinstance(value, str) or len(value) > report.MAX_WORD_CHARS):
        with pytest.raises(WireError, match=f"{name} must be a text of at most 16 characters"):
            report.parse_health(raw)
        return
    assert report.parse_health(raw)[4] == {other: None for other, _ in report.STATES} | (
        {name: value} if value in words else {}
    )


@given(st.text(max_size=40))
def test_names(name: str) -> None:
    allowed = set("abcdefghijklmnopqrstuvwxyz0123456789-")
    good = 0 < len(name) <= 32 and set(name) <= allowed and name[0] != "-"
    if good:
        assert names.parse_node_topic(names.node_topic(names.check_name(name), "ack")) == (name, "ack")
    else:
        with pytest.raises(WireError):
            names.check_name(name)


@pytest.mark.parametrize(
    "topic", ["", "loaxa/v1/node", "loaxa/v1/node/#/ack", "loaxa/v1/node/a/b/ack", "loaxa/v2/node/a/ack", "/" * 4000]
)
def test_topics_of_nobody(topic: str) -> None:
    with pytest.raises(WireError):
        names.parse_node_topic(topic)


@given(st.text(max_size=220))
def test_any_enrolment_line_is_refused_and_nothing_worse(text: str) -> None:
    for candidate in (text, "loaxa:" + text, "loaxa:192.0.2.1:8443:" + text):
        with contextlib.suppress(WireError):
            enrolment.parse_line(candidate)


@given(
    st.binary(min_size=10, max_size=10),
    st.binary(min_size=16, max_size=16),
    st.integers(1, 65535),
    st.from_regex(r"[a-z0-9][a-z0-9.-]{0,99}", fullmatch=True),
)
def test_enrolment_line_round_trip(code: bytes, pin: bytes, port: int, host: str) -> None:
    built = enrolment.build_line(enrolment.Line(host, port, code, pin))
    for typed in (built, built.lower(), f" {built}\n"):
        found = enrolment.parse_line(typed)
        assert (found.host, found.port, found.code, found.pin) == (host, port, code, pin)
