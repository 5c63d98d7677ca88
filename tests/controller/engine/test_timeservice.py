"""The time service: exact stamps for those it knows, silence for the rest."""

import socket
import time

import pytest

from codec.wire import nack, names, sync
from controller.engine.mediaclock import MediaClock
from controller.engine.mediasocket import open_media
from controller.engine.reception import Reception
from controller.engine.settings import EngineSettings
from controller.engine.timeservice import (
    ANSWERS_A_SECOND,
    ANSWERS_AT_ONCE,
    OF_ONE_A_SECOND,
    OF_ONE_AT_ONCE,
    TimeService,
)

TAG = names.node_tag("loa-1")


class Bench:
    def __init__(self, media):
        self.media = media
        self.clock = MediaClock.of_utc()
        self.learned = []
        self.service = TimeService(media, self.clock, lambda tag, address: self.learned.append((tag, address)))
        self.service.set_members([(TAG, None)])
        self.reception = Reception(media, self.service.on_request, lambda *datagram: self.nacks.append(datagram))
        self.nacks = []

    def ask(self, data, node):
        node.sendto(data, self.media.getsockname())
        self.reception.on_readable()
        try:
            return node.recv(2048)
        except TimeoutError:
            return None


@pytest.fixture
def bench():
    with open_media(EngineSettings(host="127.0.0.1", port=0)) as media:
        yield Bench(media)


@pytest.fixture
def node():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
        found.bind(("127.0.0.1", 0))
        found.settimeout(0.1)
        yield found


def test_it_answers_with_the_instants_of_arrival_and_sending(bench, node):
    before_us = bench.clock.now_us()
    reply = bench.ask(sync.pack_request(7, TAG, 123), node)
    after_us = bench.clock.now_us()
    sequence, tag, t1, t2, t3 = sync.parse_reply(reply)
    assert (sequence, tag, t1) == (7, TAG, 123)
    assert before_us - 100 <= t2 <= t3 <= after_us
    assert bench.learned == [(TAG, node.getsockname())]


def test_arrival_is_stamped_by_the_kernel_not_by_a_late_loop(bench, node):
    for _ in range(20):  # the kernel begins to stamp some time after it was first asked to
        node.sendto(sync.pack_request(2, TAG, 1), bench.media.getsockname())
        time.sleep(0.05)
        bench.reception.on_readable()
        *_, t2, t3 = sync.parse_reply(node.recv(2048))
        if t3 - t2 > 45_000:
            return
    pytest.fail("arrivals are stamped when they are read")


def test_strangers_and_garbage_get_no_answer(bench, node):
    request = sync.pack_request(1, TAG, 1)
    for data in (
        sync.pack_request(1, names.node_tag("thief"), 1), request[:-1], request + b"x", b"", b"\x80" * 12,
        bytes(sync.pack_reply(request, 1, 2)), b"x" * 1400,
    ):  # fmt: skip
        assert bench.ask(data, node) is None
    assert bench.learned == []
    assert bench.service.ignored == 7


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
    request = sync.pack_request(1, TAG, 1)
    assert len(bench.ask(request, node)) == len(request)


def test_a_new_address_is_learned_at_most_once_a_second(bench, node):
    bench.ask(sync.pack_request(1, TAG, 1), node)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        other.settimeout(0.1)
        assert bench.ask(sync.pack_request(2, TAG, 1), other) is not None
        assert bench.service.address(TAG) == node.getsockname()
        bench.service._changed_ns[TAG] -= 2_000_000_000
        bench.ask(sync.pack_request(3, TAG, 1), other)
        assert bench.service.address(TAG) == other.getsockname()
    assert len(bench.learned) == 2


def test_what_was_learned_outlives_an_older_plan(bench, node):
    bench.ask(sync.pack_request(1, TAG, 1), node)
    bench.service.set_members([(TAG, ("192.0.2.9", 9)), (names.node_tag("loa-2"), ("192.0.2.8", 8))])
    assert bench.service.address(TAG) == node.getsockname()
    assert bench.service.address(names.node_tag("loa-2")) == ("192.0.2.8", 8)
    assert bench.service.address(names.node_tag("loa-3")) is None


def test_a_thousand_nodes_that_boot_at_once_do_not_take_the_sound_its_time(bench, node):
    tags = [names.node_tag(f"loa-{number}") for number in range(1000)]
    bench.service.set_members([(tag, None) for tag in tags])
    for number in range(2 * ANSWERS_AT_ONCE):
        request = sync.pack_request(7, tags[number % 1000], 123)
        bench.service.on_request(request, 10**12, node.getsockname())
    assert bench.service.answered == ANSWERS_AT_ONCE
    for number in range(ANSWERS_A_SECOND // 5):  # twice as fast as it may be
        request = sync.pack_request(7, tags[number % 1000], 123)
        bench.service.on_request(request, 10**12 + number * 25_000, node.getsockname())
    assert bench.service.answered - ANSWERS_AT_ONCE == pytest.approx(ANSWERS_A_SECOND // 10, abs=2)


def test_who_floods_with_one_tag_takes_nobody_elses_answers(bench, node):
    other = names.node_tag("loa-2")
    bench.service.set_members([(TAG, None), (other, None)])
    flood = sync.pack_request(7, TAG, 123)
    for number in range(3 * ANSWERS_AT_ONCE):
        bench.service.on_request(flood, 10**12 + number * 10_000, node.getsockname())
    assert OF_ONE_AT_ONCE <= bench.service.answered <= OF_ONE_AT_ONCE + OF_ONE_A_SECOND * 0.04
    before = bench.service.answered
    bench.service.on_request(sync.pack_request(7, other, 123), 10**12 + 3 * 10**7, node.getsockname())
    assert bench.service.answered == before + 1
