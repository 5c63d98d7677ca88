"""The lead of a zone from how frames arrive at its members: as long as they need, and no longer.

A longer one is taken up at once, a shorter one after RELAX_US of less need. The engine carries out either while the
zone is silent. All times are microseconds; `now_us` is CLOCK_MONOTONIC.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from codec.profile import Profile
from controller.stations import Roster

log = logging.getLogger(__name__)

TRIES = 2
"""How often a lost frame may be asked for in time: at 10 % loss the second answer counts (docs/decisions/0010)."""
NODE_US = 50_000
"""How long before its time a node must have a frame (docs/architecture.md)."""
MARGIN_US = 40_000
"""What a node takes to notice a loss and to ask."""
STEP_US = 20_000
RELAX_US = 600_000_000
_HOPELESS_SHARE = 20
"""One in so many members, and at least one, may be left behind; where more are, everybody gets the longest lead."""


@dataclass(frozen=True)
class Arrival:
    """What a node reports. tail_us: how long after its media time nearly every frame has come. round_trip_us: the least
    of its last time exchanges."""

    tail_us: int
    round_trip_us: int

    def least_us(self, lag_us: int) -> int:
        """Return the shortest lead with which frames that are not lost are in time, and the keys that come after
        `lag_us` and prove them."""
        return max(0, self.tail_us) + NODE_US + max(MARGIN_US, lag_us)

    def lead_us(self, lag_us: int) -> int:
        """Return the shortest lead, in whole steps, with which frames that are asked for again are in time too; they
        bear the node's own tag and need not wait."""
        # The least round trip tells nothing of queues; the tail does, of those on the way here.
        trip_us = max(self.round_trip_us, 2 * self.tail_us)
        again_us = max(0, self.tail_us) + NODE_US + MARGIN_US + TRIES * trip_us
        return -(-max(again_us, self.least_us(lag_us)) // STEP_US) * STEP_US


@dataclass
class _Lead:
    """lower_us: the greatest need since `since_us`, from when on it has been less than the lead; None: it is not."""

    lead_us: int
    lower_us: int = 0
    since_us: int | None = None

    def need(self, need_us: int, now_us: int) -> None:
        if need_us >= self.lead_us:
            self.lead_us, self.since_us = need_us, None
            return
        if self.since_us is None:
            self.lower_us, self.since_us = need_us, now_us
        self.lower_us = max(self.lower_us, need_us)
        if now_us - self.since_us >= RELAX_US:
            self.lead_us, self.since_us = self.lower_us, None


class Leads:
    """The leads of all zones whose profile, one of `profiles`, lets them adapt; of the others it is the profile's.

    behind: by zone, the members that even the longest lead does not hold.
    """

    def __init__(self, profiles: dict[str, Profile]) -> None:
        self.behind: dict[str, list[str]] = {}
        self._profiles = profiles
        self._leads: dict[tuple[str, str], _Lead] = {}

    def update(self, roster: Roster, arrivals: dict[str, Arrival], now_us: int) -> bool:
        """Take what the nodes report; return whether a lead is another one than before.

        A zone of which nobody reports keeps its lead: nothing plays there, or nothing comes from there.
        """
        before = {key: lead.lead_us for key, lead in self._leads.items()}
        leads, behind = {}, {}
        for zone in roster.zones.values():
            profile = self._profiles[zone.profile]
            if not profile.lead_most_us:
                continue
            key = zone.id, zone.profile
            lead = leads[key] = self._leads.get(key) or _Lead(profile.lead_us)
            heard = {node.id: arrivals[node.id] for node in roster.members[zone.id] if node.id in arrivals}
            behind[zone.id] = [
                name for name, arrival in heard.items() if arrival.least_us(profile.lag_us) > profile.lead_most_us
            ]
            need_us = _need_us(heard, len(behind[zone.id]), profile)
            if need_us is not None:
                lead.need(need_us, now_us)
            if set(behind[zone.id]) - set(self.behind.get(zone.id, ())):
                log.warning("zone %s: too late for its longest lead: %s", zone.id, ", ".join(behind[zone.id]))
        self._leads, self.behind = leads, behind
        return any(before.get(key, self._profiles[key[1]].lead_us) != lead.lead_us for key, lead in leads.items())

    def joined(self, zones: Iterable[dict[str, Any]], sessions: Iterable[dict[str, Any]]) -> dict[str, int]:
        """Return the lead of each zone of a plan: zones of one profile that a session joins have one, the longest."""
        leads_us, adaptive = {}, {}
        for zone in zones:
            profile = self._profiles[zone["profile"]]
            known = self._leads.get((zone["id"], profile.name))
            leads_us[zone["id"]] = known.lead_us if known else profile.lead_us
            if profile.lead_most_us:
                adaptive[zone["id"]] = profile.name
        groups = [
            found
            for session in sessions
            for name in set(adaptive.values())
            if len(found := [zone for zone in session["zones"] if adaptive.get(zone) == name]) > 1
        ]
        raised = True
        while raised:  # a zone may be in several groups
            raised = False
            for group in groups:
                longest_us = max(leads_us[zone] for zone in group)
                raised |= any(leads_us[zone] != longest_us for zone in group)
                leads_us.update(dict.fromkeys(group, longest_us))
        return leads_us


def _need_us(heard: dict[str, Arrival], behind: int, profile: Profile) -> int | None:
    """Return the lead that the members need, within the profile's bounds; None where none of them reports."""
    if not heard:
        return None
    if behind == len(heard) or behind > max(1, len(heard) // _HOPELESS_SHARE):
        return profile.lead_most_us
    lag_us = profile.lag_us
    worst_us = max(each.lead_us(lag_us) for each in heard.values() if each.least_us(lag_us) <= profile.lead_most_us)
    return max(profile.lead_least_us, min(worst_us, profile.lead_most_us))
