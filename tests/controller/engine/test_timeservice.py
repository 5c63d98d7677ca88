"""The time service: exact stamps for those it knows, silence for the rest."""

import socket
import time

import pytest

from codec.wire import nack, names, sync
from controller.engine.mediaclock import MediaClock
from controller.engine.mediasocket import open_media
from controller.engine.plan import Member
from controller.engine.reception import Reception
from controller.engine.settings import EngineSettings
from controller.engine.timeservice import (
    ANSWERS_A_SECOND,
    ANSWERS_AT_ONCE,
    OF_ONE_A_SECOND,
    OF_ONE_AT_ONCE,
    TimeService,
)
from tests.controller.engine.harness import node_key, node_mac

TAG = names.node_tag("loa-1")
MAC = node_mac("time")


def member(name="loa-1", address=None, key_of=None):
    return Member(names.node_tag(name), address, False, node_key(key_of or name))


def request(sequence=1, t1_us=1, echo_us=0, name="loa-1", mac=None):
    return sync.pack_request(sequence, names.node_tag(name), t1_us, mac or node_mac("time", name), echo_us)


class Bench:
    def __init__(self, media):
        self.media = media
        self.clock = MediaClock.of_utc()
        self.learned = []
        self.service = TimeService(media, self.clock, lambda tag, address: self.learned.append((tag, address)))
        self.service.set_members([member()])
        self.reception = Reception(media, self.service.on_request, lambda *datagram: self.nacks.append(datagram))
        self.nacks = []

    def ask(self, data, node):
        node.sendto(data, self.media.getsockname())
        self.reception.on_readable()
        try:
            return node.recv(2048)
        except TimeoutError:
            return None

    def meet(self, node):
        """Let a node show that it is where it says: it echoes what it was answered there."""
        reply = self.ask(request(), node)
        self.ask(request(2, 2, sync.parse_reply(reply)[4]), node)


@pytest.fixture
def bench():
    with open_media(EngineSettings(host="127.0.0.1", port=0)) as media:
        yield Bench(media)


def bound():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
        found.bind(("127.0.0.1", 0))
        found.settimeout(0.1)
        yield found


node = pytest.fixture(bound, name="node")
elsewhere = pytest.fixture(bound, name="elsewhere")


def test_it_answers_with_the_instants_of_arrival_and_sending(bench, node):
    before_us = bench.clock.now_us()
    reply = bench.ask(request(7, 123), node)
    after_us = bench.clock.now_us()
    sequence, tag, t1, t2, t3 = sync.parse_reply(reply)
    assert (sequence, tag, t1) == (7, TAG, 123)
    assert before_us - 100 <= t2 <= t3 <= after_us
    assert sync.genuine(reply, MAC)


def test_arrival_is_stamped_by_the_kernel_not_by_a_late_loop(bench, node):
    for _ in range(20):  # the kernel begins to stamp some time after it was first asked to
        node.sendto(request(2), bench.media.getsockname())
        time.sleep(0.05)
        bench.reception.on_readable()
        *_, t2, t3 = sync.parse_reply(node.recv(2048))
        if t3 - t2 > 45_000:
            return
    pytest.fail("arrivals are stamped when they are read")


def test_strangers_and_garbage_get_no_answer(bench, node):
    good = request()
    for data in (
        request(name="thief"), good[:-1], good + b"x", b"", b"\x80" * 12,
        bytes(sync.pack_reply(good, 1, 2, MAC)), b"x" * 1400, good[:36],
    ):  # fmt: skip
        assert bench.ask(data, node) is None
    assert bench.learned == []
    assert (bench.service.ignored, bench.service.forged, bench.service.answered) == (8, 0, 0)


def test_a_forged_request_gets_no_answer_and_takes_nobodys(bench, node):
    good = request()
    changed = [good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :] for at in (3, 12, 19, 35, 36, 51)]
    for data in (request(mac=node_mac("time", "loa-2")), request(mac=node_mac("audio")), *changed):
        assert bench.ask(data, node) is None
    assert (bench.service.answered, bench.service.forged) == (0, 8)
    for _ in range(2 * OF_ONE_AT_ONCE):
        bench.service.on_request(changed[0], 10**12, node.getsockname())
    assert bench.ask(good, node) is not None


def test_a_nack_is_no_time_exchange(bench, node):
    data = nack.build(TAG, 1, [5])
    assert bench.ask(data, node) is None
    assert [(found, address) for found, _, address in bench.nacks] == [(data, node.getsockname())]
    assert bench.service.ignored == 0


def test_a_flood_leaves_the_loop_its_turn(bench, node):
    for _ in range(20):
        node.sendto(nack.build(TAG, 1, [5]), bench.media.getsockname())
    for expected in (8, 16, 20):
        bench.reception.on_readable()
        assert len(bench.nacks) == expected


def test_an_answer_is_never_longer_than_its_request(bench, node):
    asked = request()
    assert len(bench.ask(asked, node)) == len(asked)


def test_an_address_is_learned_only_by_the_echo_of_what_was_sent_there(bench, node):
    first = sync.parse_reply(bench.ask(request(), node))[4]
    assert bench.learned == []
    assert bench.service.address(TAG) is None
    for echo_us in (0, first - 1, first + 1, 1 << 61):
        assert bench.ask(request(2, 2, echo_us), node) is not None
    assert bench.learned == []
    assert bench.ask(request(3, 3, first), node) is not None
    assert bench.learned == [(TAG, node.getsockname())]
    assert bench.service.address(TAG) == node.getsockname()


def test_an_old_request_that_is_said_again_from_elsewhere_redirects_nothing(bench, node, elsewhere):
    """Who listens has every request that a node ever sent, echoes too, and not what is answered to himself."""
    old = [request()]
    for number in range(2, 6):
        old.append(request(number, number, sync.parse_reply(bench.ask(old[-1], node))[4]))
    assert bench.service.address(TAG) == node.getsockname()
    bench.service._nodes[TAG].changed_ns -= 2_000_000_000
    for data in old * 3:
        bench.ask(data, elsewhere)
    assert bench.service.address(TAG) == node.getsockname()
    assert bench.learned == [(TAG, node.getsockname())]
    # And while nothing is known of the node yet, as after the controller's start.
    bench.service.set_members([])
    bench.service.set_members([member()])
    for data in old * 3:
        bench.ask(data, elsewhere)
    assert bench.service.address(TAG) is None


def test_a_node_that_moves_is_found_where_it_is(bench, node, elsewhere):
    bench.meet(node)
    bench.service._nodes[TAG].changed_ns -= 2_000_000_000
    bench.meet(elsewhere)
    assert bench.service.address(TAG) == elsewhere.getsockname()
    assert bench.learned == [(TAG, node.getsockname()), (TAG, elsewhere.getsockname())]


def test_a_new_address_is_learned_at_most_once_a_second(bench, node, elsewhere):
    bench.meet(node)
    bench.meet(elsewhere)
    assert bench.service.address(TAG) == node.getsockname()
    bench.service._nodes[TAG].changed_ns -= 2_000_000_000
    bench.meet(elsewhere)
    assert bench.service.address(TAG) == elsewhere.getsockname()
    assert len(bench.learned) == 2


def test_what_was_learned_outlives_an_older_plan(bench, node):
    bench.meet(node)
    bench.service.set_members([member(address=("192.0.2.9", 9)), member("loa-2", ("192.0.2.8", 8))])
    assert bench.service.address(TAG) == node.getsockname()
    assert bench.service.address(names.node_tag("loa-2")) == ("192.0.2.8", 8)
    assert bench.service.address(names.node_tag("loa-3")) is None


def test_a_board_in_anothers_place_has_its_own_key_and_place(bench, node):
    bench.meet(node)
    bench.service.set_members([member(key_of="the new board")])
    assert bench.ask(request(), node) is None
    assert bench.service.forged == 1
    assert bench.service.address(TAG) is None
    reply = bench.ask(request(mac=node_mac("time", "the new board")), node)
    assert sync.genuine(reply, node_mac("time", "the new board"))
    bench.service.set_members([])
    assert bench.ask(request(mac=node_mac("time", "the new board")), node) is None


def test_a_thousand_nodes_that_boot_at_once_do_not_take_the_sound_its_time(bench, node):
    bench.service.set_members([member(f"loa-{number}") for number in range(1000)])
    asked = [request(7, 123, name=f"loa-{number}") for number in range(1000)]
    for number in range(2 * ANSWERS_AT_ONCE):
        bench.service.on_request(asked[number % 1000], 10**12, node.getsockname())
    assert bench.service.answered == ANSWERS_AT_ONCE
    for number in range(ANSWERS_A_SECOND // 5):  # twice as fast as it may be
        bench.service.on_request(asked[number % 1000], 10**12 + number * 25_000, node.getsockname())
    assert bench.service.answered - ANSWERS_AT_ONCE == pytest.approx(ANSWERS_A_SECOND // 10, abs=2)


def test_who_floods_with_one_tag_takes_nobody_elses_answers(bench, node):
    bench.service.set_members([member(), member("loa-2")])
    flood = request(7, 123)
    for number in range(3 * ANSWERS_AT_ONCE):
        bench.service.on_request(flood, 10**12 + number * 10_000, node.getsockname())
    assert OF_ONE_AT_ONCE <= bench.service.answered <= OF_ONE_AT_ONCE + OF_ONE_A_SECOND * 0.04
    before = bench.service.answered
    bench.service.on_request(request(7, 123, name="loa-2"), 10**12 + 3 * 10**7, node.getsockname())
    assert bench.service.answered == before + 1
