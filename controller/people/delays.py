"""Keeps guessers of passwords slow without letting them lock anybody out.

An address waits longer after each wrong attempt, whatever the account. So does an account, but for half a minute at
most, and all attempts together have a budget; neither counts at an address from which the account was signed in to:
whoever guesses at the administrator's password, from however many addresses, does not keep him out.
"""

from collections import OrderedDict
from ipaddress import ip_address

from controller.guard import FORGET_US, Guard, check_wait, network, too_often

LONGEST_ACCOUNT_S = 30
MOST = 4096
"""Accounts and pairs that are remembered; the oldest are forgotten first."""
BUDGET = 200
REFILL_PER_S = 10
"""Wrong attempts from addresses that are not known: so many at once, and so many a second."""


class Delays:
    """Times are of one steady clock, microseconds."""

    def __init__(self) -> None:
        self._addresses = Guard()
        self._accounts: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._spent = 0.0
        self._spent_us = 0

    def attempt(self, account: str, address: str, now_us: int) -> None:
        """Count an attempt as wrong before it is looked at; raises TooOftenError, then it must not be looked at."""
        account = account[:64]
        self._addresses.check(address, now_us)
        count, last_us = self._accounts.get(account, (0, 0))
        if now_us - last_us >= FORGET_US:
            count = 0
        if (account, network(address)) not in self._known:
            check_wait(count, last_us, LONGEST_ACCOUNT_S, now_us)
            if not _is_here(address):
                self._spend(now_us)
        self._addresses.refused(address, now_us, account)
        self._accounts.pop(account, None)
        self._accounts[account] = (count + 1, now_us)
        while len(self._accounts) > MOST:
            self._accounts.popitem(last=False)

    def succeeded(self, account: str, address: str) -> None:
        """Forget the account's wrong attempts, of this address those at it alone; and know its address."""
        account = account[:64]
        self._accounts.pop(account, None)
        self._addresses.forgive(address, account)
        self._known.pop((account, network(address)), None)
        self._known[account, network(address)] = None
        while len(self._known) > MOST:
            self._known.popitem(last=False)

    def _spend(self, now_us: int) -> None:
        spent = max(self._spent - (now_us - self._spent_us) * REFILL_PER_S / 1e6, 0.0)
        if spent > BUDGET - 1:
            raise too_often(1)
        self._spent, self._spent_us = spent + 1, now_us


def _is_here(address: str) -> bool:
    """Return whether this is the controller's own machine."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
