"""Guessers of passwords wait, whatever they do between guesses, and keep nobody out."""

import pytest

from controller.errors import TooOftenError
from controller.people.delays import BUDGET, LONGEST_ACCOUNT_S, Delays

S = 1_000_000
HOME = "2001:db8:1:2::7"


def wait_s(delays: Delays, account: str, address: str, now_us: int) -> int:
    """Attempt it, and return how long that has to wait; 0: it was looked at."""
    try:
        delays.attempt(account, address, now_us)
    except TooOftenError as error:
        return error.retry_s
    return 0


def stormed() -> Delays:
    """Return delays after many wrong attempts, 1 s later, from as many networks."""
    delays = Delays()
    delays.attempt("admin", HOME, 0)
    delays.succeeded("admin", HOME)
    for number in range(BUDGET):
        assert wait_s(delays, f"account {number}", f"2001:db8:2:{number:x}::1", S) == 0
    return delays


@pytest.mark.parametrize("address", [HOME, "2001:db8:1:2:a:b:c:d", "127.0.0.1", "::1"])
def test_guesses_from_everywhere_do_not_keep_the_administrator_out(address: str) -> None:
    assert wait_s(stormed(), "admin", address, S) == 0


def test_strangers_share_a_budget() -> None:
    delays = stormed()
    assert wait_s(delays, "admin", "203.0.113.7", S) == 1
    assert wait_s(delays, "admin", "203.0.113.7", 2 * S) == 0


def test_an_account_waits_half_a_minute_at_most_and_never_where_it_is_known() -> None:
    delays = Delays()
    delays.attempt("admin", HOME, 0)
    delays.succeeded("admin", HOME)
    for number in range(100):
        wait_s(delays, "admin", f"10.0.0.{number}", 31 * number * S)
    assert 0 < wait_s(delays, "admin", "203.0.113.7", 31 * 99 * S) <= LONGEST_ACCOUNT_S
    assert wait_s(delays, "admin", HOME, 31 * 99 * S) == 0


def test_ones_own_sign_in_forgives_no_guess_at_another() -> None:
    delays = Delays()
    now_us = guesses = 0
    while now_us < 3600 * S:
        for account in ["admin"] * 4 + ["lan"]:
            while waited_s := wait_s(delays, account, HOME, now_us):
                now_us += waited_s * S
            if account == "lan":
                delays.succeeded("lan", HOME)
            else:
                guesses += 1
        now_us += S
    assert guesses < 30


def test_a_known_address_waits_too_when_it_guesses() -> None:
    delays = Delays()
    delays.attempt("admin", HOME, 0)
    delays.succeeded("admin", HOME)
    assert [wait_s(delays, "admin", HOME, 0) for _ in range(7)] == [0, 0, 0, 0, 0, 1, 1]


def test_ones_own_mistakes_are_forgiven() -> None:
    delays = Delays()
    for _ in range(4):
        delays.attempt("lan", HOME, 0)
    delays.succeeded("lan", HOME)
    assert [wait_s(delays, "lan", HOME, 0) for _ in range(5)] == [0] * 5
