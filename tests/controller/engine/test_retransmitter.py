"""A frame that was lost comes again to the member that asks, and to nobody else, and not without end."""

import contextlib

import pytest

from codec.wire import nack, names, rtp
from codec.wire.mac import Mac
from controller.engine import retransmitter
from controller.engine.allowance import BURST
from controller.engine.authenticator import Signature
from controller.engine.mediaclock import MediaClock
from controller.engine.mediasocket import open_media
from controller.engine.plan import Mapping, parse_plan
from controller.engine.retransmitter import Retransmitter
from controller.engine.settings import EngineSettings
from controller.engine.stream import Stream
from tests.controller.engine.harness import Listener, member, node_key, node_mac, zone

FRAME_US = 20_000
LEAD_US = 800_000
SSRC = 0xCAFEBABE
TAG = names.node_tag("loa-1")
SENDER = Signature(Mac(b"of the sender"), b"an older key of.")


class Bench:
    """A stream to one node, whose frames the test sends, and the clock that it reads."""

    def __init__(self, media, node, multicast=None):
        self.now_us = 0
        self.media = media
        self.node = node
        self.where = {TAG: tuple(node.address)}
        there = zone("z-1", [member(node, fixed=False)], "mobile", multicast=multicast)
        self.plan = parse_plan({"zones": [there, zone("z-2", [])], "sessions": []})
        self.stream = Stream(self.plan.zones[0], 0, Mapping(SSRC, 0, LEAD_US), media)
        self.streams = {SSRC: self.stream}
        clock = MediaClock(0, 0, lambda: self.now_us * 1000)
        self.service = Retransmitter(media, clock, self.streams.get, self.where.get)
        self.service.set_zones(self.plan.zones)
        self.frames = 0

    def send(self, frames):
        for _ in range(frames):
            self.now_us = self.frames * FRAME_US
            self.stream.carry(self.now_us, memoryview(b"opus-%d" % self.frames), SENDER)
            self.frames += 1

    def ask(self, frames, tag=TAG, ssrc=SSRC, address=None):
        """Return the frame indices that come to the node."""
        self.service.on_nack(nack.build(tag, ssrc, frames), 0, address or tuple(self.node.address))
        self.node.packets.clear()
        return self.node.indices()

    @property
    def counts(self):
        return self.service.asked, self.service.retransmitted, self.service.refused


@pytest.fixture
def node():
    with contextlib.closing(Listener()) as found:
        yield found


@pytest.fixture
def bench(node):
    with open_media(EngineSettings(host="127.0.0.1", port=0)) as media:
        yield Bench(media, node)


def but_for_its_tag(packet):
    return packet[: rtp.TAG_AT - 1] + packet[rtp.TAG_AT + rtp.TAG_BYTES :]


def tagged_by(packet, mac):
    return packet[rtp.TAG_AT : rtp.TAG_AT + rtp.TAG_BYTES] == rtp.tag(packet, mac)


def test_a_frame_that_is_asked_for_comes_as_it_was(bench, node):
    bench.stream.fanout.set_members([tuple(node.address)])
    bench.send(6)
    sent = list(node.drain())
    assert bench.ask([3]) == [3]
    assert [but_for_its_tag(packet) for packet in node.packets] == [but_for_its_tag(sent[3])]
    assert bench.ask([0, 5]) == [0, 5]
    assert [but_for_its_tag(packet) for packet in node.packets] == [but_for_its_tag(sent[n]) for n in (0, 5)]
    assert rtp.parse(node.packets[0])[5]  # the marker of the talkspurt's first
    assert bench.counts == (3, 3, 0)


def test_it_comes_with_the_tag_of_the_one_who_asks(bench, node):
    """The sender's proves nothing any more: its key may be known by now."""
    members = [member(node, name, fixed=False) for name in ("loa-1", "loa-2")]
    bench.service.set_zones(parse_plan({"zones": [zone("z-1", members)], "sessions": []}).zones)
    bench.where[names.node_tag("loa-2")] = tuple(node.address)
    bench.stream.fanout.set_members([tuple(node.address)])
    bench.send(6)
    assert all(rtp.tag_kind(packet) == rtp.BY_SENDER and tagged_by(packet, SENDER.tags) for packet in node.drain())
    for name, other in (("loa-1", "loa-2"), ("loa-2", "loa-1")):
        assert bench.ask([3], tag=names.node_tag(name)) == [3]
        (packet,) = node.packets
        assert rtp.tag_kind(packet) == rtp.BY_NODE_KEY
        assert tagged_by(packet, node_mac("audio", name))
        assert not tagged_by(packet, node_mac("audio", other))
        assert packet[rtp.KEY_AT : rtp.KEY_AT + rtp.KEY_BYTES] == SENDER.told


def test_a_node_that_was_given_another_key_gets_the_tag_of_that(bench, node):
    bench.send(6)
    assert bench.ask([3]) == [3]
    again = {**member(node, fixed=False), "key": node_key("its successor").hex()}
    bench.service.set_zones(parse_plan({"zones": [zone("z-1", [again])], "sessions": []}).zones)
    assert bench.ask([4]) == [4]
    assert tagged_by(node.packets[0], node_mac("audio", "its successor"))


def test_in_a_multicast_zone_it_comes_to_the_asker_alone(node):
    with open_media(EngineSettings(host="127.0.0.1", port=0)) as media:
        bench = Bench(media, node, multicast=["239.255.77.77", 5004])
        bench.send(6)
        assert bench.ask([2, 3]) == [2, 3]


def test_strangers_get_nothing(bench, node):
    bench.send(6)
    assert bench.ask([3], tag=names.node_tag("thief")) == []
    assert bench.ask([3], ssrc=SSRC + 1) == []
    with contextlib.closing(Listener()) as other:
        assert bench.ask([3], address=tuple(other.address)) == []
        assert other.drain() == []
    bench.where.clear()
    assert bench.ask([3]) == []
    assert bench.counts == (4, 0, 4)


def test_a_member_of_another_zone_gets_nothing(bench, node):
    elsewhere = [zone("z-1", []), zone("z-2", [member(node, fixed=False)])]
    bench.service.set_zones(parse_plan({"zones": elsewhere, "sessions": []}).zones)
    bench.send(6)
    assert bench.ask([3]) == []


def test_a_plain_receiver_asks_for_nothing(bench, node):
    bench.service.set_zones(parse_plan({"zones": [zone("z-1", [member(node)])], "sessions": []}).zones)
    bench.send(6)
    assert bench.ask([3]) == []


def test_two_nodes_whose_tags_begin_alike_are_both_served(bench, node):
    twin = {**member(node, fixed=False), "tag": (TAG[:4] + b"twin").hex()}
    for members in ([twin, member(node, fixed=False)], [member(node, fixed=False), twin]):
        bench.service.set_zones(parse_plan({"zones": [zone("z-1", members)], "sessions": []}).zones)
        bench.send(6)
        assert bench.ask([3]) == [3]


def test_what_would_come_too_late_is_not_sent(bench):
    bench.send(60)
    assert bench.now_us == 59 * FRAME_US
    lead_frames = LEAD_US // FRAME_US
    assert bench.ask([59 - lead_frames, 60 - lead_frames]) == [60 - lead_frames]
    bench.now_us += LEAD_US
    assert bench.ask([59]) == []


def test_what_was_never_sent_is_not_sent_again(bench):
    bench.send(6)
    assert bench.ask([6, 7, 65535]) == []


def test_a_frame_comes_again_three_times_at_most(bench):
    bench.send(6)
    for expected in ([3], [3], [3], []):
        assert bench.ask([3]) == expected
        bench.now_us += LEAD_US // 8
    assert bench.ask([3, 4, 4]) == [4]


def test_copies_of_a_request_have_one_answer(bench):
    bench.send(6)
    assert bench.ask([3, 4]) == [3, 4]
    bench.now_us += LEAD_US // 8 - 1
    assert bench.ask([3, 4]) == []
    assert bench.counts == (4, 2, 0)  # refused is something else
    bench.now_us += 1
    assert bench.ask([3, 4]) == [3, 4]


def test_a_member_that_asks_for_everything_gets_a_share(bench):
    got = 0
    for _ in range(100):
        bench.send(10)
        got += len(bench.ask(list(range(bench.frames - 10, bench.frames))))
    assert 0.24 * bench.frames <= got <= 0.25 * bench.frames + BURST


def test_a_thousand_members_cannot_flood(bench, node):
    names_of = [f"loa-{number}" for number in range(1000)]
    members = [member(node, name, fixed=False) for name in names_of]
    bench.service.set_zones(parse_plan({"zones": [zone("z-1", members)], "sessions": []}).zones)
    bench.where.update({names.node_tag(name): tuple(node.address) for name in names_of})
    bench.send(40)
    got = sum(len(bench.ask([39], tag=names.node_tag(name))) for name in names_of)
    assert got == retransmitter.TOTAL_BURST
    bench.now_us += 10_000
    got = sum(len(bench.ask([38], tag=names.node_tag(name))) for name in names_of)
    assert got == retransmitter.TOTAL_A_SECOND // 100


@pytest.mark.parametrize("data", [b"\x81\xcd", b"\x81\xcd\x00\x02" + bytes(8), b"\x81\xcd" + bytes(1398)])
def test_what_is_no_nack_is_counted(bench, data):
    bench.service.on_nack(data, 0, ("127.0.0.1", 9))
    assert bench.counts == (1, 0, 1)
