"""Guessers wait, others do not, and what is remembered is bounded."""

import pytest

from controller import guard
from controller.errors import TooOftenError
from controller.guard import Guard

S = 1_000_000


def wait_s(found: Guard, address: str, now_us: int) -> int:
    try:
        found.check(address, now_us)
    except TooOftenError as error:
        return error.retry_s
    return 0


def test_an_address_waits_longer_each_time() -> None:
    found = Guard()
    now_us, waits = 0, []
    for _ in range(guard.FREE + 12):
        waits.append(wait_s(found, "192.0.2.1", now_us))
        now_us += waits[-1] * S
        assert wait_s(found, "192.0.2.1", now_us) == 0
        found.refused("192.0.2.1", now_us)
    assert waits[: guard.FREE] == [0] * guard.FREE
    assert waits[guard.FREE :] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
    assert wait_s(found, "192.0.2.2", now_us) == 0
    assert wait_s(found, "192.0.2.1", now_us + guard.FORGET_US) == 0


def test_many_addresses_keep_nobody_out() -> None:
    found = Guard()
    for number in range(1000):
        found.refused(f"10.0.{number // 256}.{number % 256}", 0)
    assert wait_s(found, "203.0.113.7", 0) == 0


def test_what_is_remembered_of_one_address_is_bounded() -> None:
    found = Guard()
    for number in range(100):
        found.refused("192.0.2.1", 0, f"account {number}")
    assert len(found._refused["192.0.2.1"][0]) <= guard.MAX_ACCOUNTS + 1


def test_a_flood_of_addresses_is_forgotten_not_kept() -> None:
    found = Guard()
    for number in range(3 * guard.MAX_ADDRESSES):
        found.refused(str(number), number * S)
    assert len(found._refused) == guard.MAX_ADDRESSES


@pytest.mark.parametrize("other", ["2001:db8:1:2:3::9", "2001:db8:1:2::1"])
def test_a_network_of_ipv6_is_one_attacker(other: str) -> None:
    found = Guard()
    for _ in range(guard.FREE):
        found.refused("2001:db8:1:2::7", 0)
    assert wait_s(found, other, 0) == 1
    assert wait_s(found, "2001:db8:1:3::7", 0) == 0
