"""What a node believes: what came before its key could be known, and bears the tag of that key. Nothing else plays."""

from listener import OWN, START_US, Node
from voice import LAN, LOW, Voice, packet

from codec.wire import announcement, rtp, tesla
from codec.wire.errors import WireError
from codec.wire.mac import Mac, derive
from firmware.node import verifier
from firmware.node.verifier import GENUINE, HELD, REFUSED

MOBILE = tesla.Terms("mobile", 20000, 12)


def check_a_packet_waits_until_its_key_is_told():
    for terms in (LAN, LOW, MOBILE):
        node = Node(terms, 1000)
        for index in range(terms.lag):
            assert node.take(index) == HELD
            assert node.heard == []
        for index in range(terms.lag, 100):
            assert node.take(index) == HELD
            assert node.heard == node.true(0, index - terms.lag + 1)
        assert node.counters["received"] == 100
        for name in ("forged", "replayed", "unsafe", "unverified", "duplicate"):
            assert node.counters[name] == 0, node.counters


def check_it_is_what_was_sent_that_is_handed_on():
    node = Node()
    for index in range(4):
        made = packet(node.stream, index, bytes(range(200)))
        rtp.pack_header(made, 0, index == 0, 96, index, 0, 7)
        node.take(index, 2000 + index, bytes(node.voice.sign(made, node.due_us(index))))
    assert node.heard == [(7, 0, bytes(range(200)))]


def check_packets_may_overtake_each_other():
    node = Node()
    arrivals = sorted([(node.due_us(index) + (2000, 25000, 44000)[index % 3], index) for index in range(30)])
    for now_us, index in arrivals:
        assert node.receive(node.packet(index), now_us) == HELD
    assert sorted(node.heard, key=lambda found: found[1]) == node.true(0, 27)


def check_what_comes_when_its_key_may_be_known_is_not_believed():
    for terms in (LAN, LOW, MOBILE):
        limit_us = terms.lag * terms.interval_us - terms.interval_us // 2
        node = Node(terms, 3000)
        assert node.take(0, limit_us - 3001) == HELD
        assert node.take(1, limit_us - 3000) == REFUSED
        assert node.counters["unsafe"] == 1
        assert "too late to be trusted: time is known to 3 ms" in node.verifier.silent
        node = Node(terms, limit_us)  # it knows the time so badly that nothing can be believed
        assert node.take(0, 0) == REFUSED
        assert node.take(terms.lag, 0) == REFUSED
        assert node.heard == [] and node.counters["unsafe"] == 2


def check_what_comes_after_its_key_is_not_believed_whatever_the_clock_says():
    node = Node(doubt_us=0)
    for index in (0, 1, 3):
        assert node.take(index, 0) == HELD
    node.doubt_us = -15000  # a clock that is wrong
    assert node.receive(node.packet(0, b"other"), node.due_us(3) + 1000) == REFUSED
    assert node.counters["unsafe"] == 1 and node.heard == node.true(0, 1)


def _relabelled(data, index=None, ssrc=None):
    """Return the packet with another place, its tag as it was."""
    made = bytearray(data)
    stamp = int.from_bytes(data[4:8], "big")
    tag, key = data[rtp.TAG_AT : rtp.TAG_AT + rtp.TAG_BYTES], data[rtp.KEY_AT : rtp.KEY_AT + rtp.KEY_BYTES]
    found = rtp.parse(data)
    rtp.pack_header(made, 0, found[5], 96, found[1] if index is None else index, stamp, ssrc or found[0])
    made[rtp.TAG_AT : rtp.TAG_AT + rtp.TAG_BYTES] = tag
    made[rtp.KEY_AT : rtp.KEY_AT + rtp.KEY_BYTES] = key
    return bytes(made)


def check_a_true_packet_in_another_place_is_forged():
    node = Node()
    other = announcement.Stream(8, 20000, START_US, 250000, 4)
    node.pipeline.announce([node.stream, other], START_US)
    wrong = (
        _relabelled(node.packet(0), ssrc=8),  # of another stream
        _relabelled(node.packet(0), index=1),  # another frame
        _relabelled(node.packet(9), index=2),  # from later
    )
    for data in wrong:
        assert node.receive(data, node.due_us(rtp.parse(data)[1]) + 1000) == HELD
    for index in range(3, 8):
        node.take(index)
    assert node.heard == node.true(3, 2)
    assert node.counters["forged"] == 3
    assert sorted(node.missed) == [(7, 1), (7, 2), (8, 0)]


def check_keys_of_other_intervals_and_other_chains_are_no_ones():
    node = Node()
    stranger = Voice(LAN, START_US, 60, seed=41)
    interval = LAN.interval(START_US)
    for index, tags in enumerate(
        (
            node.voice.tags(interval - 1),  # whose key is known
            node.voice.tags(interval + 2),
            stranger.tags(interval + 2),
            Mac(b""),
            Mac(node.voice.key(interval + 4)),
        )
    ):
        made = bytearray(node.packet(index, b"foreign"))
        rtp.put_tag(made, tags)
        assert node.take(index, data=bytes(made)) == HELD
    for index in range(5, 10):
        node.take(index)
    assert node.heard == node.true(5, 2)
    assert node.counters["forged"] == 5


def check_a_packet_of_which_any_bit_was_changed_is_not_played():
    node = Node(length=900)
    size = len(node.packet(0))
    index = 0
    for bit in range(8 * size):
        wrong = bytearray(node.packet(index))
        wrong[bit // 8] ^= 1 << bit % 8
        try:
            node.receive(bytes(wrong), node.due_us(index) + 1000)
        except WireError:
            pass
        if bit % 3 == 0:
            assert node.take(index) in (HELD, REFUSED)  # the true one, in three of them, may be taken for late
        index += 1
    for last in range(index, index + 4):
        node.take(last)
    true = node.true(0, index + 4)
    assert len(node.heard) > index // 4
    for found in node.heard:
        assert found in true, found


def check_what_was_said_before_is_refused_when_it_is_said_again():
    node = Node()
    yesterday = [node.packet(index) for index in range(30)]
    for index in range(30):
        node.take(index)
    assert node.take(29) == REFUSED and node.counters["duplicate"] == 1
    heard = list(node.heard)
    for later_us in (100000, 3000000, 86400000000):
        for index, data in enumerate(yesterday):
            assert node.receive(data, node.due_us(index) + later_us) == REFUSED
    assert node.heard == heard
    assert node.counters["replayed"] == 60, node.counters
    assert node.counters["unsafe"] == 30, node.counters
    # Another day's stream has another place in time: the same frames say nothing there.
    today = announcement.Stream(7, 20000, START_US + 30 * 20000, 250000, 3)
    node.pipeline.announce([today], node.due_us(30))
    for index, data in enumerate(yesterday):
        node.receive(data, node.due_us(30 + index) + 1000)
    assert node.heard == heard


def check_a_packet_that_tells_of_a_time_to_come_is_refused():
    node = Node()
    assert node.take(0, -14001) == REFUSED
    assert node.counters["forged"] == 1
    assert node.take(0, -14000) == HELD  # the engine sends a little before the frame's time
    assert node.receive(node.packet(1000), node.due_us(1)) == REFUSED


def check_a_packet_without_a_tag_of_ours_is_forged():
    node = Node()
    good = node.packet(0)
    plain = good[:12] + bytes([0xBE, 0xDE, 0, 2]) + good[16:21] + bytes(3) + b"F0"  # as it was before there were tags
    for data in (plain, good[:21] + b"\x5b" + good[22:], good[:34] + b"\x4f" + good[35:]):
        assert node.take(0, data=data) == REFUSED
    assert node.counters["forged"] == 3
    assert node.take(0) == HELD


def check_what_a_node_asked_for_again_is_believed_at_once():
    node = Node()
    for index in range(3):
        node.take(index)
    again = bytearray(node.packet(3))
    rtp.put_tag(again, OWN, rtp.BY_NODE_KEY)
    assert node.receive(bytes(again), node.due_us(9)) == GENUINE
    other = bytearray(node.packet(3))
    rtp.put_tag(other, Mac(derive(bytes(32), "audio")), rtp.BY_NODE_KEY)  # another node's, as whoever steals one has it
    for wrong in (bytes(other), bytes(again[:-1]) + b"x", bytes(again[: rtp.TAG_AT]) + bytes(12) + bytes(again[34:])):
        assert node.receive(wrong, node.due_us(9)) == REFUSED
    as_sender = bytearray(again)
    rtp.put_tag(as_sender, OWN)  # the node's own key speaks for nobody else
    node.receive(bytes(as_sender), node.due_us(3) + 3000)
    for index in range(4, 8):
        node.take(index)
    assert (7, 3, b"F3") not in node.heard
    assert node.counters["forged"] == 4, node.counters


def _flood(node, frames, size, made_up=10):
    """Send `frames` frames, each among ten that are made up; return how many of the true ones were heard."""
    for index in range(frames):
        true_at = node.chance.next(made_up + 1)
        for number in range(made_up + 1):
            data = node.packet(index) if number == true_at else _forge(node, index, size)
            node.take(index, 1000 + 200 * number, data)
            assert node.verifier._held <= verifier._MOST_HELD
            assert node.verifier._bytes <= verifier._MOST_BYTES
    for found in node.heard:
        assert found in node.true(0, frames), found
    return len(node.heard)


def _forge(node, index, size):
    made = packet(node.stream, index, bytes([node.chance.next(256) for _ in range(8)]) + bytes(size - 8))
    made[rtp.KEY_AT : rtp.KEY_AT + rtp.KEY_BYTES] = bytes([node.chance.next(256) for _ in range(16)])
    made[rtp.TAG_AT : rtp.TAG_AT + rtp.TAG_BYTES] = bytes([node.chance.next(256) for _ in range(12)])
    return bytes(made)


def check_ten_made_up_packets_a_frame_do_not_push_out_the_true_one():
    for terms in (LAN, LOW, MOBILE):
        for size in (8, 80, 1300):
            node = Node(terms, 1000)
            heard = _flood(node, 60, size)
            # Twelve frames that wait, of eleven packets each, are more than a node has room for.
            least = 60 - terms.lag if terms is not MOBILE else (60 - terms.lag) * 6 // 10
            assert heard >= least, (terms.name, size, heard, node.counters)
            assert node.counters["forged"] > 200 or size > 80


def check_memory_for_what_waits_is_bounded_and_given_back():
    for size in (8, 100, 1348):
        node = Node()
        for index in range(40):
            for _ in range(60):
                shown = index - node.chance.next(2)
                node.receive(_forge(node, max(shown, 0), size), node.due_us(index) + 1000)
                assert node.verifier._held <= verifier._MOST_HELD
                assert node.verifier._bytes <= verifier._MOST_BYTES
            node.take(index)
        kept = [each for frame in node.verifier._frames.values() for each in frame]
        assert node.verifier._held == len(kept)
        assert node.verifier._bytes == sum([len(each[0]) for each in kept])
        for index in range(44, 52):
            node.take(index)
        assert node.verifier._held == 3, node.verifier._held
        node.verifier.forget()
        assert node.verifier._held == node.verifier._bytes == 0 and node.verifier._frames == {}


def check_it_says_why_it_is_silent():
    node = Node()
    node.keychain.terms = None
    assert node.take(0) == REFUSED
    assert node.verifier.silent == "no key of the controller is known yet"
    node = Node(doubt_us=None)
    assert node.take(0) == REFUSED
    assert node.verifier.silent == "the controller's time is not known yet"
    assert node.pipeline.silent() == node.verifier.silent
    assert node.counters["unverified"] == 1
    node.pipeline.announce([], START_US)
    assert node.pipeline.silent() is None  # nothing is on air
