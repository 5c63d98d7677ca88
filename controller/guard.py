"""Keeps guessers slow: who was refused a few times waits, longer each time; and all of them together have a budget."""

from collections import OrderedDict
from ipaddress import IPv6Address, ip_address

from controller.errors import TooOftenError

FREE = 5
"""Refusals of one address before it has to wait."""
LONGEST_S = 300
FORGET_US = 900_000_000
"""After so long without a refusal an address begins anew."""
MAX_ADDRESSES = 4096
"""What is remembered; with more, who was refused longest ago is forgotten. Beyond it the common budget holds."""
BUDGET = 200
REFILL_PER_S = 10
"""Refusals of all addresses together: so many at once, and so many a second."""


class Guard:
    """One secret's guard; what was right costs nothing. Times are of one steady clock, microseconds."""

    def __init__(self) -> None:
        self._refused: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self._spent = 0.0
        self._spent_us = 0

    def check(self, address: str, now_us: int) -> None:
        """Raise TooOftenError while this address, or everybody, has to wait: then the secret must not be looked at."""
        self._refill(now_us)
        count, last_us = self._refused.get(_network(address), (0, 0))
        wait_us = 0
        if count >= FREE and now_us - last_us < FORGET_US:
            wait_us = last_us + min(1 << (count - FREE), LONGEST_S) * 1_000_000 - now_us
        if wait_us <= 0 and self._spent > BUDGET - 1:
            wait_us = 1_000_000
        if wait_us > 0:
            retry_s = -(-wait_us // 1_000_000)
            raise TooOftenError("too_often", "Too many wrong attempts.", f"Try again in {retry_s} seconds.", retry_s)

    def refused(self, address: str, now_us: int) -> None:
        """Count a wrong attempt."""
        self._refill(now_us)
        self._spent += 1
        network = _network(address)
        count, last_us = self._refused.pop(network, (0, now_us))
        if now_us - last_us >= FORGET_US:
            count = 0
        self._refused[network] = (min(count + 1, FREE + 20), now_us)
        while len(self._refused) > MAX_ADDRESSES:
            self._refused.popitem(last=False)

    def forgive(self, address: str) -> None:
        """Forget what was counted of an address: it knew the secret."""
        if self._refused.pop(_network(address), None):
            self._spent = max(self._spent - 1, 0.0)

    def _refill(self, now_us: int) -> None:
        self._spent = max(self._spent - (now_us - self._spent_us) * REFILL_PER_S / 1e6, 0.0)
        self._spent_us = now_us


def _network(address: str) -> str:
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
