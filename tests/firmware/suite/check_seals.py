"""What a node believes of what is said to a whole zone: announcements and keys, sealed by the chain."""

from listener import START_US, Node
from voice import LAN, Voice, packet

from codec.wire import announcement, chain, tesla
from codec.wire.errors import ForgedError, WireError
from firmware.node.verifier import HELD

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
    node.pipeline.tell(node.voice.seal(chain.build(newest + 5, bytes(16)), START_US), None, START_US + 101000)
    assert node.keychain.newest() == newest


def check_a_key_of_a_time_to_come_is_refused_before_it_is_hashed():
    """Else a broken-in broker has the node make as many hashes as it likes, and nothing else."""
    node = Node(doubt_us=3000)
    newest = node.keychain.newest()
    raw = node.voice.seal(chain.build(newest + 1000, node.voice.key(newest + 1000)), START_US)
    told_us = LAN.told_us(newest + 1000)
    try:
        node.pipeline.tell(raw, None, told_us - 10000 - 3001)
        raise AssertionError("taken")
    except ForgedError:
        pass
    node.doubt_us = None
    node.pipeline.tell(raw, None, told_us)
    assert node.keychain.newest() == newest, "it knows no time, and so does not know what is to come"
    node.doubt_us = 3000
    node.pipeline.tell(raw, None, told_us - 10000 - 3000)
    assert node.keychain.newest() == newest + 1000
