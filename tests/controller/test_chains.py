"""The chains of keys: always one ahead, never one that is told too soon, and none that is used again."""

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.profile import PROFILES
from codec.wire import chain, tesla
from codec.wire.mac import Mac
from codec.wire.tesla import Chain
from controller.chains import Chains
from controller.engine.authenticator import Authenticator
from firmware.node.keychain import Keychain

START_US = 1_700_000_000_000_000
LENGTH = 256
LAN = PROFILES["lan"].terms


class Bench:
    """Chains whose media clock the test sets."""

    def __init__(self, seed: int = 1) -> None:
        self.now_us = START_US
        self.token = random.Random(seed).randbytes
        self.chains = Chains(lambda: self.now_us, self.token, LENGTH)

    @property
    def interval(self) -> int:
        return LAN.interval(self.now_us)

    def restart(self) -> None:
        """As after a crash, from what was written down."""
        kept = json.loads(json.dumps(self.chains.seeds()))
        self.chains = Chains(lambda: self.now_us, self.token, LENGTH)
        self.chains.load(kept)

    def key_of(self, interval: int, name: str = "lan") -> tuple[bytes, bytes]:
        """Return salt and key of an interval, as the engine has them."""
        for each in self.chains._chains[name]:
            if each.first <= interval <= each.last:
                return each.salt, each.key(interval)
        raise AssertionError(f"no chain has {interval}")


def sealed_under(sealed: bytes, salt: bytes, key: bytes) -> bool:
    interval, tag, body = tesla.parse_seal(sealed)
    return tag == tesla.seal_tag(interval, body, Chain(salt).tags(key))


def test_what_is_missing_is_made_and_its_nodes_must_be_told() -> None:
    bench = Bench()
    assert bench.chains.names == []
    assert bench.chains.renew({"lan"}) == (True, {"lan"})
    assert bench.chains.renew({"lan"}) == (False, set())
    assert bench.chains.renew({"mobile"}) == (True, {"mobile"})
    assert bench.chains.renew(set()) == (False, set())
    assert sorted(bench.chains.names) == ["lan", "mobile"]
    assert {entry["name"] for entry in bench.chains.message()["chains"]} == {"lan", "mobile"}


def test_the_next_chain_is_made_while_a_quarter_is_left() -> None:
    bench = Bench()
    bench.chains.renew({"lan"})
    first = bench.chains.anchors("lan")
    assert len(first) == 1
    bench.now_us = (first[0].until - LENGTH // 4) * LAN.interval_us
    assert bench.chains.renew({"lan"}) == (False, set())
    bench.now_us += LAN.interval_us
    assert bench.chains.renew({"lan"}) == (True, set()), "the one that is told already leads to it"
    current, following = bench.chains.anchors("lan")
    assert (following.interval, following.until) == (current.until, current.until + LENGTH)
    assert following.salt != current.salt
    assert bench.chains.renew({"lan"}) == (False, set())
    bench.now_us = (current.until + LAN.lag) * LAN.interval_us
    assert bench.chains.renew({"lan"}) == (False, set()), "its last key is told only now"
    assert bench.chains.anchors("lan")[0].interval == current.until
    bench.now_us += LAN.interval_us
    assert bench.chains.renew({"lan"}) == (True, set()), "the old one is over"
    assert len(bench.chains.anchors("lan")) == 1


def test_a_node_that_listens_follows_through_many_chains() -> None:
    """By what the topic tells alone, now and then; what is sealed just before a chain's end needs packets that tell."""
    bench = Bench()
    bench.chains.renew({"lan"})
    keychain = Keychain()
    keychain.take(LAN, bench.chains.anchors("lan"))
    waiting: dict[int, bytes] = {}
    verified = 0
    for step in range(5 * LENGTH):
        bench.now_us = START_US + step * LAN.interval_us
        _, broken = bench.chains.renew({"lan"})
        assert not broken or step == 0
        waiting[bench.interval] = bench.chains.seal("lan", b"%d" % step)
        if step % 7:
            continue
        _, _, body = tesla.parse_seal(bench.chains.telling("lan"))
        interval, key, after = chain.parse(body)
        keychain.learn(interval, key)
        if after is not None:
            keychain.add(after)
        for told in [told for told in waiting if keychain.told(told)]:
            found, tag, said = tesla.parse_seal(waiting.pop(told))
            assert found == told
            assert tag == tesla.seal_tag(told, said, keychain.tags(told))
            verified += 1
    begun = LAN.interval(START_US) - LAN.lag
    for told in waiting:
        assert (told - begun) % LENGTH >= LENGTH - 7 or told > bench.interval - 12
    assert verified >= 5 * LENGTH - 12 - 5 * 7


def test_engine_and_nodes_have_the_same_keys() -> None:
    bench = Bench()
    bench.chains.renew({"lan", "low", "mobile"})
    authenticator = Authenticator()
    authenticator.set_chains(json.loads(json.dumps(bench.chains.message())))
    for name in ("lan", "low", "mobile"):
        terms = PROFILES[name].terms
        salt, key = bench.key_of(terms.interval(bench.now_us), name)
        signature = authenticator.signatures([name], bench.now_us)[name]
        assert signature.tags.digest(b"x") == Chain(salt).tags(key).digest(b"x")
        assert sealed_under(bench.chains.seal(name, b"body"), salt, key)


def test_they_outlive_their_maker() -> None:
    bench = Bench()
    bench.chains.renew({"lan", "low"})
    bench.now_us += 30 * LAN.interval_us
    before = bench.chains.message(), bench.chains.seal("lan", b"body"), bench.chains.telling("low")
    bench.restart()
    assert (bench.chains.message(), bench.chains.seal("lan", b"body"), bench.chains.telling("low")) == before
    assert bench.chains.renew({"lan"}) == (False, set()), "nobody need be told anything"


def test_seeds_of_a_profile_that_is_gone_are_left_out() -> None:
    bench = Bench()
    bench.chains.renew({"lan"})
    kept = bench.chains.seeds()
    bench.chains.load({"hifi": kept["lan"]})
    assert bench.chains.names == ["lan"]


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"salt": "00", "seed": "00", "first": "x", "length": 5},
        {"salt": "xy", "seed": "00", "first": 1, "length": 5},
        {"salt": 5, "seed": "00", "first": 1, "length": 5},
        {"salt": "00", "seed": None, "first": 1, "length": 5},
        "text",
        None,
    ],
)
def test_damaged_seeds_are_said_to_be_so(entry: Any) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        Bench().chains.load({"lan": [entry]})


def test_after_a_long_pause_there_are_new_ones() -> None:
    bench = Bench()
    bench.chains.renew({"lan"})
    old = bench.chains.anchors("lan")[0].salt
    bench.now_us += 10 * LENGTH * LAN.interval_us
    assert bench.chains.renew({"lan"}) == (True, {"lan"})
    assert bench.chains.anchors("lan")[0].salt != old


@pytest.mark.parametrize("step_us", [100_001, 500_000, 1_500_000, 3_600_000_000])
def test_a_media_clock_that_steps_back_makes_new_chains(step_us: int) -> None:
    """A clock is stepped when it is off by more than 100 ms; what is told already must not be said under again."""
    bench = Bench()
    bench.chains.renew({"lan", "low"})
    bench.now_us += 10_000_000
    bench.chains.renew({"lan", "low"})
    old = {name: bench.chains.anchors(name)[0] for name in ("lan", "low")}
    bench.now_us -= step_us
    assert bench.chains.renew({"lan"}) == (True, {"lan", "low"})
    for name, anchor in old.items():
        assert bench.chains.anchors(name)[0].salt != anchor.salt
        assert not sealed_under(bench.chains.seal(name, b"x"), anchor.salt, anchor.key)


def test_a_step_back_between_two_looks_is_seen() -> None:
    """Whoever looks once a second sees a later time than before, and keys were told that are still to come."""
    bench = Bench()
    bench.chains.renew({"lan"})
    old = bench.chains.anchors("lan")[0].salt
    bench.now_us += 900_000
    was_us = bench.now_us
    bench.now_us -= 500_000
    bench.chains.reached(was_us)
    assert bench.chains.renew({"lan"}) == (True, {"lan"})
    assert bench.chains.anchors("lan")[0].salt != old
    assert bench.chains.renew({"lan"}) == (False, set())


def test_a_media_clock_that_is_set_anew_by_microseconds_does_not() -> None:
    bench = Bench()
    bench.chains.renew({"lan"})
    bench.now_us -= 200
    assert bench.chains.renew({"lan"}) == (False, set())


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("into_us", [0, 3_000, 9_999])
def test_what_is_sealed_may_be_told_after_a_lag_and_no_sooner(name: str, into_us: int) -> None:
    bench = Bench()
    terms = PROFILES[name].terms
    bench.now_us += into_us
    bench.chains.renew({name})
    interval, _, _ = tesla.parse_seal(bench.chains.seal(name, b"x"))
    sealed_us = bench.now_us
    bench.now_us = terms.told_us(interval) - 1
    assert bench.chains.anchors(name)[0].interval < interval
    bench.now_us = sealed_us + bench.chains.wait_us(name)
    assert bench.chains.anchors(name)[0].interval >= interval


def test_while_one_chain_follows_another_the_engine_tells_all_keys() -> None:
    """It is given what is left once a second: at some instant near the end of a chain, or just after it."""
    for after in range(-2, 2 * LAN.lag):
        bench = Bench()
        bench.chains.renew({"lan"})
        last = bench.chains.anchors("lan")[0].until
        keys = {interval: bench.key_of(interval)[1] for interval in range(last - 9, last + 1)}
        bench.now_us = (last - 9) * LAN.interval_us
        bench.chains.renew({"lan"})
        authenticator = Authenticator()
        authenticator.set_chains(bench.chains.message())
        told = set()
        for interval in range(last - 9, last + 9):
            bench.now_us = interval * LAN.interval_us
            if interval == last + after:
                bench.chains.renew({"lan"})
                authenticator.set_chains(bench.chains.message())
            told.add(authenticator.signatures(["lan"], bench.now_us)["lan"].told)
        assert told >= set(keys.values()), after


def test_at_the_end_of_all_chains_nothing_is_said() -> None:
    bench = Bench()
    bench.chains.renew({"lan"})
    bench.now_us += 2 * LENGTH * LAN.interval_us
    with pytest.raises(ValueError, match="at its end"):
        bench.chains.seal("lan", b"x")


moves = st.lists(
    st.tuples(
        st.sampled_from(["seal", "tell", "anchors", "restart", "engine"]),
        st.integers(0, 300_000) | st.integers(0, 4_000_000) | st.sampled_from([-150_000, -2_000_000, 40_000_000]),
    ),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(moves)
def test_no_key_that_was_told_is_ever_said_under_again(found: list[tuple[str, int]]) -> None:
    """Whatever the clock does, and whenever the controller starts anew, as long as it looks at the clock."""
    bench = Bench()
    bench.chains.renew({"lan"})
    told: dict[bytes, int] = {}

    def tell(salt: bytes, interval: int) -> None:
        told[salt] = max(told.get(salt, -1), interval)

    def is_secret(salt: bytes, interval: int) -> bool:
        return told.get(salt, -1) < interval

    for what, step_us in found:
        bench.now_us += step_us
        bench.chains.renew({"lan"})
        if what == "restart":
            bench.restart()
            bench.chains.renew({"lan"})
        salt, key = bench.key_of(bench.interval)
        if what == "seal":
            sealed = bench.chains.seal("lan", b"x")
            assert sealed_under(sealed, salt, key)
            assert is_secret(salt, tesla.parse_seal(sealed)[0])
        elif what == "tell":
            raw = bench.chains.telling("lan")
            interval, tells, after = chain.parse(tesla.parse_seal(raw)[2])
            assert sealed_under(raw, salt, key)
            assert is_secret(salt, tesla.parse_seal(raw)[0]), "what tells keys is sealed by one that is not told"
            assert interval <= bench.interval - LAN.lag
            tell(bench.chains.anchors("lan")[0].salt, interval)
            assert Mac(tells) is not None
            if after is not None:
                tell(after.salt, after.interval)
        elif what == "anchors":
            for anchor in bench.chains.anchors("lan"):
                tell(anchor.salt, anchor.interval)
        else:
            authenticator = Authenticator()
            authenticator.set_chains(bench.chains.message())
            signature = authenticator.signatures(["lan"], bench.now_us)["lan"]
            assert signature.tags.digest(b"x") == Chain(salt).tags(key).digest(b"x")
            assert is_secret(salt, bench.interval)
