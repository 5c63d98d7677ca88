"""Keeps guessers of passwords slow without letting them lock anybody out.

An address waits longer after each wrong attempt. So does an account, but for half a minute at most, and never at an
address from which it was signed in to: whoever guesses at the administrator's password does not keep him out.
"""

from collections import OrderedDict

from controller.errors import TooOftenError
from controller.guard import Guard

FREE = 5
LONGEST_ACCOUNT_S = 30
FORGET_US = 900_000_000
MOST = 4096
"""Accounts and pairs that are remembered; the oldest are forgotten first."""


class Delays:
    """Times are of one steady clock, microseconds."""

    def __init__(self) -> None:
        self._addresses = Guard()
        self._accounts: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()

    def attempt(self, account: str, address: str, now_us: int) -> None:
        """Count an attempt as wrong before it is looked at; raises TooOftenError, then it must not be looked at."""
        self._addresses.check(address, now_us)
        account = account[:64]
        count, last_us = self._accounts.get(account, (0, 0))
        if now_us - last_us >= FORGET_US:
            count = 0
        if count >= FREE and (account, address) not in self._known:
            wait_us = last_us + min(1 << min(count - FREE, 10), LONGEST_ACCOUNT_S) * 1_000_000 - now_us
            if wait_us > 0:
                retry_s = -(-wait_us // 1_000_000)
                raise TooOftenError("too_often", "Too many wrong attempts.", f"Try again in {retry_s} s.", retry_s)
        self._addresses.refused(address, now_us)
        self._accounts.pop(account, None)
        self._accounts[account] = (count + 1, now_us)
        while len(self._accounts) > MOST:
            self._accounts.popitem(last=False)

    def succeeded(self, account: str, address: str) -> None:
        """Forget the account's wrong attempts and know its address."""
        self._accounts.pop(account[:64], None)
        self._addresses.forgive(address)
        self._known.pop((account[:64], address), None)
        self._known[account[:64], address] = None
        while len(self._known) > MOST:
            self._known.popitem(last=False)
