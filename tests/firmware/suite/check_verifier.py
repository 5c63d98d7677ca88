"""What a node believes: what came before its key could be known, and bears the tag of that key. Nothing else plays."""

from chance import Chance
from voice import LAN, LOW, NODE_KEY, Voice, packet

from codec.wire import announcement, chain, rtp, tesla
from codec.wire.errors import ForgedError, WireError
from codec.wire.mac import Mac, derive
from firmware.node import verifier
from firmware.node.counters import new_counters
from firmware.node.keychain import Keychain
from firmware.node.pipeline import Pipeline
from firmware.node.verifier import GENUINE, HELD, REFUSED

START_US = 1700000000000000
OWN = Mac(derive(NODE_KEY, "audio"))
MOBILE = tesla.Terms("mobile", 20000, 12)


class Node:
    """A node's pipeline whose local time is the media time; it knows it to `doubt_us`. `heard` is what proved genuine.

    It plays nothing: what proved genuine is caught where the jitter buffer would take it.
    """

    round_trip_us = trip_us = 10000

    def __init__(self, terms=LAN, doubt_us=4000, length=2048):
        self.terms = terms
        self.doubt_us = doubt_us
        self.chance = Chance(5)
        self.voice = Voice(terms, START_US, length)
        self.keychain = Keychain()
        self.keychain.take(terms, self.voice.anchors(START_US))
        self.counters = new_counters()
        self.pipeline = Pipeline(self, self, self.keychain, OWN, lambda: self.chance.next(256), None, self.counters)
        self.verifier = self.pipeline.verifier
        self.stream = announcement.Stream(7, terms.interval_us, START_US, 250000, 3)
        self.pipeline.announce([self.stream], START_US)
        self.heard = []
        self.missed = []
        self.deliver = self.verifier._deliver
        self.verifier._deliver = self._deliver
        self.verifier._missed = lambda ssrc, index: self.missed.append((ssrc, index))

    def _deliver(self, ssrc, index, data, arrived_us):
        self.heard.append((ssrc, index, bytes(data[rtp.HEADER_BYTES :])))
        self.deliver(ssrc, index, data, arrived_us)

    def locked(self, now_us, lost_after_us=0):
        return True

    def media_us(self, now_us):
        return now_us

    def latest_us(self, now_us):
        return None if self.doubt_us is None else now_us + self.doubt_us

    def due_us(self, index, stream=None):
        stream = stream or self.stream
        return stream.media0_us + index * stream.frame_us

    def packet(self, index, payload=None, stream=None):
        stream = stream or self.stream
        made = packet(stream, index, payload or b"F%d" % index)
        return bytes(self.voice.sign(made, self.due_us(index, stream)))

    def receive(self, data, now_us):
        """Return what came of a datagram."""
        found = self.pipeline.receiver.receive(data)
        if found is None:
            return None
        stream, index = found
        self.pipeline._now_us = now_us
        return self.verifier.receive(stream, index, data, now_us)

    def take(self, index, late_us=2000, data=None):
        return self.receive(data or self.packet(index), self.due_us(index) + late_us)

    def true(self, first, count, ssrc=7):
        return [(ssrc, index, b"F%d" % index) for index in range(first, first + count)]


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


# ---- bodies that are sealed ----


def _heard_bodies(node, raw, now_us):
    found = []
    assert node.verifier.sealed(raw, found.append, now_us)
    return found


def check_a_sealed_body_is_handed_on_when_its_key_is_told():
    node = Node()
    found = _heard_bodies(node, node.voice.seal(b"body", START_US), START_US + 5000)
    for index in range(3):
        node.take(index)
        assert found == []
    node.take(3)
    assert found == [b"body"]


def check_a_body_that_is_sealed_wrongly_is_forged():
    node = Node()
    good = node.voice.seal(b"body", START_US)
    wrong = (good[:-1] + b"x", good[:10] + bytes([good[10] ^ 1]) + good[11:], good[:8] + bytes(16) + good[24:])
    found = [_heard_bodies(node, raw, START_US + 5000) for raw in wrong]
    for index in range(4):
        node.take(index)
    assert found == [[], [], []]
    assert node.counters["forged"] == 3


def check_a_body_from_another_time_is_refused():
    node = Node(doubt_us=3000)
    raw = node.voice.seal(b"body", START_US)
    assert not node.verifier.sealed(raw, None, START_US + 60000 - 10000 - 3000)
    assert node.verifier.sealed(raw, None, START_US + 60000 - 10000 - 3001)
    assert not node.verifier.sealed(raw, None, START_US + 86400000000)
    try:
        node.verifier.sealed(node.voice.seal(b"body", START_US + 40000), None, START_US + 20000)
        raise AssertionError("taken")
    except ForgedError:
        pass
    node.doubt_us = None
    assert not node.verifier.sealed(raw, None, START_US)


def check_few_bodies_wait_at_once():
    node = Node()
    for number in range(50):
        assert node.verifier.sealed(node.voice.seal(b"%d" % number, START_US), lambda body: None, START_US + 1000)
    assert len(node.verifier._sealed) == 4


def check_a_body_that_nobody_can_read_is_counted():
    node = Node()

    def take(body):
        raise WireError("what is this")

    assert node.verifier.sealed(node.voice.seal(b"body", START_US), take, START_US + 1000)
    for index in range(4):
        node.take(index)
    assert node.counters["malformed"] == 1 and node.heard == node.true(0, 1)


def _announce(node, streams, media_us, now_us):
    """Let the zone's announcement arrive as the agent does."""
    raw = node.voice.seal(announcement.build("thon-1", streams), media_us)

    def take(body):
        node.pipeline.announce(announcement.parse(body, "thon-1")[0], now_us)

    return node.pipeline.expect(raw, streams, take, now_us)


def check_packets_that_come_before_their_announcement_is_proved_are_kept():
    node = Node()
    node.pipeline.announce([], START_US)
    assert node.take(0) is None  # nobody knows of this stream
    assert _announce(node, [node.stream], node.due_us(1), node.due_us(1) + 3000)
    for index in (1, 2, 3):
        assert node.take(index, 4000) == HELD
        assert node.pipeline.streams.announced(7) is None and node.heard == []
    assert node.take(4, 4000) == HELD  # it tells the key of announcement and first packet
    assert node.pipeline.streams.announced(7) is not None
    for index in range(5, 9):
        node.take(index)
    assert node.heard == node.true(1, 5)
    assert node.pipeline.player.stream.ssrc == 7


def check_packets_of_an_announcement_that_was_made_up_are_never_played():
    node = Node()
    node.pipeline.announce([], START_US)
    stranger = Voice(LAN, START_US, 60, seed=41)
    foreign = announcement.Stream(66, 20000, START_US, 250000, 4)
    raw = stranger.seal(announcement.build("thon-1", [foreign]), START_US)
    assert node.pipeline.expect(raw, [foreign], lambda body: node.pipeline.announce([foreign], 0), START_US + 1000)
    for index in range(8):
        made = bytes(stranger.sign(packet(foreign, index, b"foreign"), START_US + index * 20000))
        assert node.receive(made, START_US + index * 20000 + 1000) == HELD
        # The controller's own topic tells its keys all the while.
        media_us = START_US + index * 20000 + 2000
        node.pipeline.tell(node.voice.telling(media_us), node.keychain.add, media_us)
    assert node.heard == [] and node.pipeline.streams.announced(66) is None
    assert node.counters["forged"] >= 1
    # What waits for an announcement that never comes goes, too.
    media_us = START_US + 3000000
    node.pipeline.tell(node.voice.telling(media_us), node.keychain.add, media_us)
    assert node.verifier._held == 0


# ---- what the chain's topic says ----


def check_a_key_that_the_topic_tells_releases_what_waits():
    node = Node()
    for index in range(3):
        node.take(index)
    media_us = node.due_us(2) + 3 * 20000 + 100
    node.pipeline.tell(node.voice.telling(media_us), node.keychain.add, media_us)
    assert node.heard == node.true(0, 3)


def check_the_next_chain_is_taken_once_it_is_proved_and_not_before():
    node = Node(length=40)
    node.voice.extend(40)
    node.pipeline.tell(node.voice.telling(START_US), node.keychain.add, START_US + 1000)
    assert len(node.keychain._parts) == 1
    for index in range(75):
        assert node.take(index) == HELD, index
    assert node.heard == node.true(0, 72)  # across the end of the first chain


def check_a_next_chain_that_was_made_up_is_not_taken():
    node = Node(length=40)
    stranger = Voice(LAN, START_US, 40, seed=41)
    interval = LAN.interval(START_US)
    known = node.voice.key(interval - 3)  # told long ago: whoever listens can say it
    bait = chain.build(interval - 3, known, stranger.extend(40))
    for raw in (
        stranger.seal(bait, START_US),
        tesla.seal(bait, interval - 3, node.voice.tags(interval - 3)),  # sealed with a key that everybody has
        tesla.seal(bait, interval, node.voice.tags(interval - 1)),
    ):
        node.pipeline.tell(raw, node.keychain.add, START_US + 1000)
    for index in range(30):
        node.take(index)
    assert len(node.keychain._parts) == 1
    assert node.heard == node.true(0, 27)
    assert node.counters["forged"] == 2


def check_what_the_topic_says_wrongly_is_refused():
    node = Node()
    for raw in (b"", bytes(23), b"\xff" * 80, node.voice.seal(b"{", START_US), node.voice.seal(b"{}", START_US)):
        try:
            node.pipeline.tell(raw, node.keychain.add, START_US + 1000)
            raise AssertionError("taken")
        except WireError:
            pass
    newest = node.keychain.newest()
    node.pipeline.tell(node.voice.seal(chain.build(newest + 5, bytes(16)), START_US), None, START_US + 1000)
    assert node.keychain.newest() == newest
