"""What is asked for again and when, on CPython and MicroPython alike."""

from chance import Chance
from voice import LAN, NODE_KEY, Voice, packet

from codec.wire import announcement, nack
from codec.wire.mac import Mac, derive
from firmware.node.arrivals import Arrivals
from firmware.node.counters import new_counters
from firmware.node.keychain import Keychain
from firmware.node.pipeline import Pipeline
from firmware.node.repair import Repair


def _repair():
    counters = new_counters()
    arrivals = Arrivals()
    return Repair(arrivals, counters), arrivals, counters


def _feed(repair, arrivals, indices, transit_us=60000):
    for index in indices:
        if repair.arrived(index, False, True):
            arrivals.put(transit_us)


def _due(repair, now_us, floor=0, patience_us=700000, trip_us=120000, least_trip_us=100000):
    """Frames of 20 ms; in time is what comes 700 ms after its media time, a round trip takes 120 ms."""
    return repair.due(floor, lambda index: now_us - index * 20000, patience_us, trip_us, least_trip_us)


def check_repair_asks_once_it_is_overdue_and_again_when_no_answer_came():
    repair, arrivals, counters = _repair()
    _feed(repair, arrivals, [0, 1, 2, 5])
    assert _due(repair, 3 * 20000 + 61000) == []  # it may have been overtaken
    assert _due(repair, 5 * 20000 + 70000) == [3, 4]
    assert _due(repair, 5 * 20000 + 71000) == []
    for copy_us in (80000, 90000):  # the requests may be lost too
        assert _due(repair, 5 * 20000 + copy_us) == [3, 4]
    assert _due(repair, 5 * 20000 + 100000) == []
    repair.arrived(3, False, True)
    again_us = 5 * 20000 + 90000 + 130000
    assert _due(repair, again_us) == [4]
    repair.arrived(4, False, True)
    assert _due(repair, again_us + 200000) == []
    assert counters["asked"] == 3 and counters["repaired"] == 2


def check_repair_asks_but_once_where_an_answer_is_near():
    repair, arrivals, _ = _repair()
    _feed(repair, arrivals, [0, 1, 2, 5], 5000)
    for now_us, expected in ((110000, [3, 4]), (129000, []), (131000, [3, 4])):
        due = _due(repair, now_us, patience_us=120000, trip_us=10000, least_trip_us=9000)
        assert due == expected, (now_us, due)


class _Led:
    """A media time that is a leader's: this node's own exchanges were not answered yet."""

    trip_us = round_trip_us = None

    def locked(self, now_us):
        return True

    def media_us(self, local_us):
        return local_us

    latest_us = media_us


def check_a_forged_marker_does_not_make_a_loss_silence():
    clock = _Led()
    clock.trip_us, clock.round_trip_us = 100000, 90000
    voice = Voice(LAN, 10000000)
    keychain = Keychain()
    keychain.take(voice.terms, voice.anchors(10000000))
    pipeline = Pipeline(clock, clock, keychain, Mac(b"own"), lambda: 0, None, new_counters())
    stream = announcement.Stream(80, 20000, 10000000, 800000, 3)
    pipeline.announce([stream], 0)

    def take(index, forged=False):
        media_us = 10000000 + index * 20000
        data = voice.sign(packet(stream, index, b"abc"), media_us)
        if forged:
            data[1] |= 0x80
        pipeline.receive(bytes(data), media_us + 10000 + index)

    for index in range(5):
        take(index)
    pipeline.jitter.restart(0)
    take(8, forged=True)
    take(8)
    found = pipeline.ask_again(b"12345678", 10180000)
    assert nack.parse(found)[2] == [5, 6, 7], nack.parse(found)


def check_what_is_missing_is_no_matter_before_the_way_to_the_controller_is_known():
    clock = _Led()
    voice = Voice(LAN, 10000000)
    keychain = Keychain()
    keychain.take(voice.terms, voice.anchors(10000000))
    own = Mac(derive(NODE_KEY, "audio"))
    pipeline = Pipeline(clock, clock, keychain, own, lambda: 0, None, new_counters())
    stream = announcement.Stream(80, 20000, 10000000, 800000, 3)
    pipeline.announce([stream], 0)
    for index in (0, 3, 6):
        media_us = 10000000 + index * 20000
        pipeline.receive(bytes(voice.sign(packet(stream, index, b"abc"), media_us)), media_us + 30000)
        if index == 3:  # it has told the key of the first one
            pipeline.jitter.restart(0)
    assert pipeline.repair._missing
    assert pipeline.ask_again(b"12345678", 10300000) is None
    _Led.trip_us, _Led.round_trip_us = 100000, 90000
    assert pipeline.ask_again(b"12345678", 10300000) is not None


def check_repair_gives_up_what_no_answer_can_bring_in_time():
    repair, arrivals, _ = _repair()
    _feed(repair, arrivals, [0, 1, 2, 5])
    assert _due(repair, 3 * 20000 + 610000) == [4]  # 3 is due in 90 ms, and the quickest answer takes 100
    repair, arrivals, _ = _repair()
    _feed(repair, arrivals, [0, 1, 2, 5])
    assert _due(repair, 5 * 20000 + 80000, floor=4) == [4]  # 3 was decoded already


def check_repair_keeps_within_its_share():
    repair, arrivals, counters = _repair()
    now_us = asked = arrived = 0
    for index in range(0, 3000, 2):  # every other frame is lost
        _feed(repair, arrivals, [index])
        arrived += 1
        now_us = index * 20000 + 90000
        asked += len(_due(repair, now_us))
    assert arrived * 0.24 < counters["asked"] < arrived * 0.25 + 17, counters["asked"]
    assert asked <= 3 * counters["asked"]


def check_repair_takes_no_pause_for_a_loss():
    repair, arrivals, _ = _repair()
    _feed(repair, arrivals, [0, 1])
    repair.arrived(60, True, True)  # the marker: silence was not sent
    repair.arrived(500, False, True)  # another place of the stream
    assert _due(repair, 500 * 20000 + 90000) == []


def check_arrivals_hold_the_tail():
    chance = Chance(21)
    arrivals = Arrivals()
    beyond = 0
    for number in range(4000):
        transit_us = 60000 + chance.next(20000) + (100000 if chance.next(100) == 0 else 0)
        if number > 1000 and transit_us > arrivals.tail_us:
            beyond += 1
        arrivals.put(transit_us)
    assert 68000 < arrivals.usual_us < 74000
    assert beyond < 60, beyond  # of 3000: one in 50 at the most
    assert arrivals.tail_us < 190000
