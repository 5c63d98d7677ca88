"""A chain of keys: who has one key has all before it and none after it, and what is said under a key is its own."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.profile import PROFILES
from codec.wire import chain, rtp, tesla
from codec.wire.chain import Anchor
from codec.wire.errors import WireError
from codec.wire.mac import Mac
from codec.wire.tesla import Chain, Terms
from controller.engine.keys import STRIDE, SecretChain

settings.register_profile("tesla", deadline=None)
settings.load_profile("tesla")

salts = st.binary(min_size=tesla.SALT_BYTES, max_size=tesla.SALT_BYTES)
keys = st.binary(min_size=tesla.KEY_BYTES, max_size=tesla.KEY_BYTES)
intervals = st.integers(0, 1 << 53)


@given(salts, keys, st.integers(0, 40), st.integers(0, 40))
def test_a_key_steps_back_to_every_one_before_it(salt: bytes, key: bytes, near: int, far: int) -> None:
    one = Chain(salt)
    assert one.before(key, 0) == key
    assert one.before(one.before(key, near), far) == one.before(key, near + far)
    assert len({one.before(key, steps) for steps in range(40)}) == 40


@given(salts, salts, keys)
def test_another_salt_is_another_chain(salt: bytes, other: bytes, key: bytes) -> None:
    same = salt == other
    assert (Chain(salt).before(key) == Chain(other).before(key)) is same
    assert (Chain(salt).tags(key).digest(b"x") == Chain(other).tags(key).digest(b"x")) is same


@given(salts, keys)
def test_what_tags_are_made_with_is_no_key_of_the_chain(salt: bytes, key: bytes) -> None:
    """Else a tag's key would tell the key before it, or be told by it."""
    one = Chain(salt)
    assert one.tags(key).digest(b"x") not in {Mac(found).digest(b"x") for found in (key, one.before(key))}


@settings(max_examples=30)
@given(salts, keys, st.integers(64, 1 << 40), st.integers(1, 3 * STRIDE))
def test_the_makers_chain_is_the_one_that_nodes_step_back(salt: bytes, seed: bytes, first: int, length: int) -> None:
    secret = SecretChain.make(salt, seed, first, length)
    assert secret.key(secret.last) == seed
    one = Chain(salt)
    for interval in {first, first + length // 2, first + length // 3, max(first, secret.last - STRIDE)}:
        assert secret.key(interval) == one.before(seed, secret.last - interval)
        assert secret.key(interval - 1) == one.before(secret.key(interval))
    for outside in (first - 2, secret.last + 1):
        with pytest.raises(ValueError, match="not of this chain"):
            secret.key(outside)


@given(salts, keys, intervals, st.binary(max_size=300))
def test_a_seal_is_of_its_intervals_key_and_of_no_other(salt: bytes, key: bytes, interval: int, body: bytes) -> None:
    one = Chain(salt)
    sealed = tesla.seal(body, interval, one.tags(key))
    assert len(sealed) == tesla.SEAL_BYTES + len(body)
    found, tag, again = tesla.parse_seal(sealed)
    assert (found, again) == (interval, body)
    assert tag == tesla.seal_tag(interval, body, one.tags(key))
    for other in (one.before(key), one.before(key, 7), bytes(16) if any(key) else b"1" * 16):
        assert tag != tesla.seal_tag(interval, body, one.tags(other))


@given(keys, st.binary(max_size=40), st.data())
def test_a_sealed_body_of_which_a_bit_was_changed_is_not_genuine(key: bytes, body: bytes, data: st.DataObject) -> None:
    tags = Chain(bytes(16)).tags(key)
    sealed = bytearray(tesla.seal(body, 1 << 40, tags))
    bit = data.draw(st.integers(0, 8 * len(sealed) - 1))
    sealed[bit // 8] ^= 1 << bit % 8
    try:
        interval, tag, changed = tesla.parse_seal(bytes(sealed))
    except WireError:
        return  # the interval has become negative
    assert tag != tesla.seal_tag(interval, changed, tags)


def signed(tags: Mac, kind: int, payload: bytes, told: bytes = bytes(16)) -> bytearray:
    packet = bytearray(rtp.HEADER_BYTES) + payload
    rtp.pack_header(packet, 0, True, 96, 0x10005, 4800, 0xCAFE)
    packet[rtp.KEY_AT : rtp.KEY_AT + rtp.KEY_BYTES] = told
    rtp.put_tag(packet, tags, kind)
    return packet


@given(keys, st.sampled_from([rtp.BY_SENDER, rtp.BY_NODE_KEY]), st.binary(min_size=1, max_size=200), keys, st.data())
def test_a_packet_of_which_a_bit_was_changed_is_not_genuine(
    key: bytes, kind: int, payload: bytes, told: bytes, data: st.DataObject
) -> None:
    tags = Chain(bytes(16)).tags(key)
    packet = signed(tags, kind, payload, told)
    at = slice(rtp.TAG_AT, rtp.TAG_AT + rtp.TAG_BYTES)
    assert rtp.tag_kind(packet) == kind
    assert packet[at] == rtp.tag(packet, tags)
    assert packet[rtp.KEY_AT : rtp.KEY_AT + rtp.KEY_BYTES] == told
    assert rtp.parse(bytes(packet))[1] == 0x10005, "the tag is behind what any RTP player reads"
    bit = data.draw(st.integers(0, 8 * len(packet) - 1))
    packet[bit // 8] ^= 1 << bit % 8
    assert packet[at] != rtp.tag(packet, tags), "the key that it tells is under the tag, too"


def test_a_packet_costs_28_bytes_for_its_authentication() -> None:
    """34 are allowed; the frame index has been there before, in an extension of 12 bytes."""
    unsigned = 12 + 4 + 8
    assert rtp.HEADER_BYTES - unsigned == 28


@given(st.sampled_from(sorted(PROFILES)), st.integers(0, 1 << 60))
def test_a_key_is_told_when_its_interval_is_long_over(name: str, media_us: int) -> None:
    terms = PROFILES[name].terms
    interval = terms.interval(media_us)
    assert interval * terms.interval_us <= media_us < (interval + 1) * terms.interval_us
    assert terms.told_us(interval) - media_us > (terms.lag - 1) * terms.interval_us
    assert chain.parse_terms(chain.terms_fields(terms)).__dict__ == terms.__dict__


anchors = st.builds(
    lambda salt, interval, key, more: Anchor(salt, interval, key, min(interval + more, 1 << 53)),
    salts,
    intervals,
    keys,
    st.integers(0, 1 << 20),
)


@given(intervals, keys, st.none() | anchors)
def test_a_chains_body_round_trip(interval: int, key: bytes, after: Anchor | None) -> None:
    found, told, following = chain.parse(chain.build(interval, key, after))
    assert (found, told) == (interval, key)
    assert (following and vars(following)) == (after and vars(after))


@pytest.mark.parametrize(
    ("terms", "complaint"),
    [
        (Terms("lan", 4999, 3), "interval_us must be an integer from 5000"),
        (Terms("lan", 20000, 0), "lag must be an integer from 1 to 64"),
        (Terms("lan", 20000, 65), "lag must be an integer from 1 to 64"),
        (Terms("", 20000, 3), "a name is 1 to 32 characters"),
    ],
)
def test_terms_that_no_node_can_live_by(terms: Terms, complaint: str) -> None:
    with pytest.raises(WireError, match=complaint):
        chain.parse_terms(chain.terms_fields(terms))
