"""The keys that a node knows: forward from one to the next, and nothing else, whoever tells them."""

from voice import LAN, Voice

from codec.wire import chain
from firmware.node.keychain import Keychain

START_US = 1700000000000000
FIRST = START_US // LAN.interval_us
BODY = b"what is said"


def _pair(length=2600):
    voice = Voice(LAN, START_US, length)
    keychain = Keychain()
    assert keychain.terms is None and keychain.newest() == -1
    assert keychain.tags(FIRST) is None and not keychain.told(FIRST) and not keychain.learn(FIRST, bytes(16))
    keychain.take(LAN, voice.anchors(START_US))
    return voice, keychain


def _same_tags(voice, keychain, interval):
    return keychain.tags(interval).digest(BODY) == voice.tags(interval).digest(BODY)


def check_keys_are_learned_forward_one_by_one_or_many_at_once():
    voice, keychain = _pair()
    newest = keychain.newest()
    for interval in (newest + 1, newest + 2, newest + 40):
        assert not keychain.told(interval) and keychain.tags(interval) is None
        assert keychain.learn(interval, voice.key(interval))
        assert keychain.newest() == interval and keychain.told(interval)
        assert _same_tags(voice, keychain, interval)
    assert keychain.learn(newest + 41, memoryview(voice.key(newest + 41)))  # as it lies in a packet
    assert keychain.told(newest + 30) and _same_tags(voice, keychain, newest + 30)


def check_what_is_known_is_not_new():
    voice, keychain = _pair()
    interval = keychain.newest() + 5
    assert keychain.learn(interval, voice.key(interval))
    for known in (interval, interval - 1, interval - 300, 0, -7):
        assert not keychain.learn(known, voice.key(interval))
    assert keychain.newest() == interval and _same_tags(voice, keychain, interval)


def check_a_wrong_key_is_refused_and_leaves_the_chain_as_it_is():
    voice, keychain = _pair()
    interval = keychain.newest() + 5
    good = voice.key(interval)
    for at in range(16):
        wrong = good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :]
        assert not keychain.learn(interval, wrong)
    for wrong in (voice.key(interval - 1), voice.key(interval + 1), bytes(16), b"", good + b"\0", good[:15]):
        assert not keychain.learn(interval, wrong)
    assert keychain.newest() == interval - 5 and not keychain.told(interval)
    assert keychain.learn(interval, good)


def check_a_key_that_is_too_far_costs_nothing_and_is_not_taken():
    voice, keychain = _pair()
    newest = keychain.newest()
    assert not keychain.learn(newest + 2049, voice.key(newest + 2049))
    assert not keychain.learn(1 << 52, voice.key(newest + 1))
    assert keychain.newest() == newest
    assert keychain.learn(newest + 2048, voice.key(newest + 2048))


def check_tags_of_intervals_that_are_past_are_made_for_a_while():
    voice, keychain = _pair()
    newest = keychain.newest() + 600
    assert keychain.learn(newest, voice.key(newest))
    for back in (0, 1, 255, 256):
        assert _same_tags(voice, keychain, newest - back), back
    assert keychain.tags(newest - 257) is None
    assert keychain.told(newest - 257)
    assert keychain.tags(newest + 1) is None
    assert len(keychain._tags) <= 4


def check_the_next_chain_begins_without_a_gap():
    voice, keychain = _pair(50)
    last, known = voice.last, keychain.newest()
    keychain.add(voice.extend(50))
    keychain.add(voice.beginning())  # it is told again and again
    assert voice.key(last + 1) != voice.key(last)
    for interval in range(known + 1, voice.last + 1):
        assert not keychain.told(interval)
        assert keychain.learn(interval, voice.key(interval)), interval
        assert _same_tags(voice, keychain, interval)
        assert interval - 3 <= known or _same_tags(voice, keychain, interval - 3)
    assert not keychain.learn(voice.last + 1, voice.key(voice.last))


def check_the_next_chain_may_be_reached_with_its_own_key_alone():
    """The last keys of the chain before were told in packets that were lost."""
    voice, keychain = _pair(50)
    last = voice.last
    keychain.add(voice.extend(50))
    assert keychain.learn(last + 7, voice.key(last + 7))
    assert _same_tags(voice, keychain, last + 1)
    assert not keychain.told(last)
    assert keychain.learn(last, voice.key(last)) and _same_tags(voice, keychain, last - 2)


def check_no_more_than_two_chains_are_kept():
    voice, keychain = _pair(50)
    first = voice.last
    keychain.add(voice.extend(50))
    keychain.add(voice.extend(50))
    assert len(keychain._parts) == 2
    assert not keychain.learn(first, voice.key(first))
    assert keychain.learn(voice.last, voice.key(voice.last))


def check_a_chain_that_was_not_told_by_the_controller_is_none():
    voice, keychain = _pair(50)
    stranger = Voice(LAN, START_US, 50, seed=99)
    interval = keychain.newest() + 3
    assert not keychain.learn(interval, stranger.key(interval))
    keychain.take(LAN, [chain.Anchor(b"0" * 16, interval, b"1" * 16, interval + 9)])  # another command
    assert keychain.newest() == interval
    assert not keychain.learn(interval + 1, voice.key(interval + 1))
