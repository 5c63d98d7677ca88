"""Keeps guessers slow: who was refused a few times waits, longer each time."""

from collections import OrderedDict
from ipaddress import IPv6Address, ip_address

from controller.errors import TooOftenError

FREE = 5
"""Refusals of one address before it has to wait."""
LONGEST_S = 300
FORGET_US = 900_000_000
"""After so long without a refusal an address begins anew."""
MAX_ADDRESSES = 4096
"""What is remembered; with more, who was refused longest ago is forgotten."""
MAX_ACCOUNTS = 16
"""Of one address that are told apart; refusals at further ones are never forgiven."""


class Guard:
    """One secret's guard, or that of the passwords of several accounts. Times are of one steady clock, microseconds."""

    def __init__(self) -> None:
        self._refused: OrderedDict[str, tuple[dict[str, int], int]] = OrderedDict()

    def check(self, address: str, now_us: int) -> None:
        """Raise TooOftenError while this address has to wait: then the secret must not be looked at."""
        counts, last_us = self._refused.get(network(address), ({}, 0))
        if now_us - last_us < FORGET_US:
            check_wait(sum(counts.values()), last_us, LONGEST_S, now_us)

    def refused(self, address: str, now_us: int, account: str = "") -> None:
        """Count a wrong attempt, at an account where there are several."""
        counts, last_us = self._refused.pop(network(address), ({}, now_us))
        if now_us - last_us >= FORGET_US:
            counts = {}
        if account not in counts and len(counts) >= MAX_ACCOUNTS:
            account = ""
        counts[account] = counts.get(account, 0) + 1
        self._refused[network(address)] = (counts, now_us)
        while len(self._refused) > MAX_ADDRESSES:
            self._refused.popitem(last=False)

    def forgive(self, address: str, account: str) -> None:
        """Forget the wrong attempts of an address at an account whose secret it knew; those at others stay."""
        counts, _ = self._refused.get(network(address), ({}, 0))
        counts.pop(account, None)


def check_wait(count: int, last_us: int, longest_s: int, now_us: int) -> None:
    """Raise TooOftenError until the wait after the last of `count` refusals is over: 1 s after FREE, then doubled."""
    if count < FREE:
        return
    wait_us = last_us + min(1 << min(count - FREE, 20), longest_s) * 1_000_000 - now_us
    if wait_us > 0:
        raise too_often(-(-wait_us // 1_000_000))


def too_often(retry_s: int) -> TooOftenError:
    """Return what somebody is told who has to wait."""
    return TooOftenError("too_often", "Too many wrong attempts.", f"Try again in {retry_s} seconds.", retry_s)


def network(address: str) -> str:
    """Return what one attacker has: an address, or the /64 of an IPv6 one."""
    try:
        found = ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return found.packed[:8].hex()
    return address
