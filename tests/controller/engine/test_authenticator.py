"""Each packet bears a tag under the key of its interval and tells one that is old enough, across chains too."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec.profile import PROFILES
from codec.wire import rtp
from codec.wire.chain import terms_fields
from codec.wire.errors import WireError
from codec.wire.tesla import Chain
from controller.engine.authenticator import MAX_CHAINS, Authenticator
from controller.engine.keys import MAX_LENGTH, STRIDE, SecretChain, parse_chain
from tests.controller.engine.harness import chains, secret_chain

START_US = 1_700_000_000_000_000
TERMS = PROFILES["lan"].terms
FIRST = TERMS.interval(START_US)


def packet():
    made = bytearray(rtp.HEADER_BYTES + 4)
    rtp.pack_header(made, 0, False, 96, 5, 4800, 7)
    return made


def signed_by(signature, chain, interval, told):
    made = packet()
    signature.put(memoryview(made))
    tags = Chain(chain.salt).tags(chain.key(interval))
    right = made[rtp.TAG_AT : rtp.TAG_AT + rtp.TAG_BYTES] == rtp.tag(made, tags)
    return right and made[rtp.KEY_AT : rtp.KEY_AT + rtp.KEY_BYTES] == told


def two_chains(length=64):
    first = SecretChain.make(b"1" * 16, b"2" * 16, FIRST, length)
    return first, SecretChain.make(b"3" * 16, b"4" * 16, first.last + 1, length)


def message(*found, name="lan"):
    return {"chains": [{**terms_fields(PROFILES[name].terms), **chain.message()} for chain in found]}


def test_without_a_chain_there_is_no_signature():
    authenticator = Authenticator()
    assert authenticator.signatures(["lan", "low"], START_US) == {}
    authenticator.set_chains(chains(lan=secret_chain("lan", START_US)))
    assert set(authenticator.signatures(["lan", "low", "lan"], START_US)) == {"lan"}
    assert authenticator.signatures(["lan"], START_US - 10**9) == {}
    assert authenticator.signatures(["lan"], START_US + 10**12) == {}


@pytest.mark.parametrize("name", PROFILES)
def test_a_signature_is_of_its_interval_and_tells_the_key_of_a_lag_before(name):
    terms = PROFILES[name].terms
    chain = secret_chain(name, START_US)
    authenticator = Authenticator()
    authenticator.set_chains(chains(**{name: chain}))
    for media_us in range(START_US, START_US + 700 * terms.interval_us, terms.interval_us):  # over a stride, too
        interval = terms.interval(media_us)
        signature = authenticator.signatures([name], media_us)[name]
        assert signature is authenticator.signatures([name], media_us)[name], "made once for all streams"
        assert signed_by(signature, chain, interval, chain.key(interval - terms.lag))


def test_the_key_of_what_is_said_now_is_never_told():
    chain = secret_chain("lan", START_US)
    authenticator = Authenticator()
    authenticator.set_chains(chains(lan=chain))
    for step in range(100):
        media_us = START_US + step * 20_000
        told = authenticator.signatures(["lan"], media_us)["lan"].told
        interval = TERMS.interval(media_us)
        secret = {chain.key(later) for later in range(interval - TERMS.lag + 1, interval + 100)}
        assert told not in secret


def test_one_chain_after_the_other_without_a_gap():
    first, second = two_chains()
    authenticator = Authenticator()
    authenticator.set_chains(message(first, second))
    for interval in range(FIRST + TERMS.lag, second.last + 1):
        chain = first if interval <= first.last else second
        before = interval - TERMS.lag
        told = (first if before <= first.last else second).key(before)
        signature = authenticator.signatures(["lan"], interval * TERMS.interval_us)["lan"]
        assert signed_by(signature, chain, interval, told), interval
    assert authenticator.signatures(["lan"], (second.last + 1) * TERMS.interval_us) == {}


def test_before_the_first_chain_nothing_is_told():
    first, _ = two_chains()
    authenticator = Authenticator()
    authenticator.set_chains(message(first))
    signature = authenticator.signatures(["lan"], FIRST * TERMS.interval_us)["lan"]
    assert signed_by(signature, first, FIRST, bytes(16))


def test_other_chains_take_the_place_of_all():
    first, _ = two_chains()
    authenticator = Authenticator()
    authenticator.set_chains(message(first))
    media_us = (FIRST + 5) * TERMS.interval_us
    assert signed_by(authenticator.signatures(["lan"], media_us)["lan"], first, FIRST + 5, first.key(FIRST + 2))
    other = SecretChain.make(b"5" * 16, b"6" * 16, FIRST, 64)
    authenticator.set_chains(message(other))
    assert signed_by(authenticator.signatures(["lan"], media_us)["lan"], other, FIRST + 5, other.key(FIRST + 2))
    authenticator.set_chains({"chains": []})
    assert authenticator.signatures(["lan"], media_us) == {}


GOOD = {"interval_us": 20_000, "lag": 3, **two_chains()[0].message()}


@pytest.mark.parametrize(
    ("entries", "complaint"),
    [
        (None, "chains must be a list"),
        ({}, "chains must be a list"),
        ([{"name": "lan", **GOOD}] * (MAX_CHAINS + 1), "chains must be a list of at most 16"),
        (["lan"], "a chain is an object with the name of a profile"),
        ([{"name": "hifi", **GOOD}], "a chain is an object with the name of a profile"),
        ([GOOD], "a chain is an object with the name of a profile"),
        ([{**GOOD, "name": "lan", "first": -1}], "chain lan: first must be an integer"),
        ([{**GOOD, "name": "lan", "last": FIRST - 1}], "chain lan: last must be an integer"),
        ([{**GOOD, "name": "lan", "last": FIRST + MAX_LENGTH}], "chain lan: last must be an integer"),
        ([{**GOOD, "name": "lan", "keys": []}], "chain lan: keys must be one in each stride"),
        ([{**GOOD, "name": "lan", "keys": "00" * 16}], "chain lan: keys must be one in each stride"),
        ([{**GOOD, "name": "lan", "keys": ["00" * 15] * 2}], "chain lan: a key has 16 bytes"),
        ([{**GOOD, "name": "lan", "keys": ["x", "y"]}], "chain lan: "),
        ([{**GOOD, "name": "lan", "keys": [1, 2]}], "chain lan: "),
        ([{**GOOD, "name": {}}], "a chain is an object with the name of a profile"),
        ([{**GOOD, "name": "lan", "salt": "00"}], "chain lan: salt must be 32 hexadecimal digits"),
    ],
)
def test_a_message_is_taken_whole_or_not_at_all(entries, complaint):
    first, _ = two_chains()
    authenticator = Authenticator()
    authenticator.set_chains(message(first))
    media_us = (FIRST + 5) * TERMS.interval_us
    before = authenticator.signatures(["lan"], media_us)["lan"]
    good_first = [{"name": "low", **GOOD}, *entries] if isinstance(entries, list) else entries
    with pytest.raises(WireError, match=complaint):
        authenticator.set_chains({"chains": good_first[-MAX_CHAINS - 1 :] if isinstance(good_first, list) else entries})
    assert set(authenticator.signatures(["lan", "low"], media_us)) == {"lan"}
    assert authenticator.signatures(["lan"], media_us)["lan"] is before


@given(st.integers(0, 1 << 50), st.integers(1, 3 * STRIDE))
def test_what_the_engine_is_told_is_the_same_chain(first, length):
    made = SecretChain.make(b"s" * 16, b"k" * 16, first, length)
    again = parse_chain(made.message())
    for interval in {first - 1, first, made.last, first + length // 2}:
        assert again.key(interval) == made.key(interval)
