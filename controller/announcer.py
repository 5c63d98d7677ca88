"""Tells nodes what is on air in their zones and whose keys it bears: to all of a zone at once, or one by one."""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Iterable
from typing import Any

from codec.wire import announcement, command
from codec.wire.announcement import Stream
from codec.wire.chain import anchor_fields, terms_fields
from codec.wire.mac import Mac
from controller.air import Air
from controller.chains import Chains
from controller.link.nodes import Link
from controller.memory import Memory
from controller.reports import Reports
from controller.stations import Roster, Stations
from controller.storage.tables import Node, Zone

log = logging.getLogger(__name__)

RENEW_S = 1.0


class Announcer:
    """Keeps `chains` and what `link` says of them; the first has what the profiles of all zones need."""

    def __init__(self, stations: Stations, memory: Memory, air: Air, reports: Reports) -> None:
        self.chains = Chains(memory.now_media_us, profiles=air.profiles)
        self._stations = stations
        self._memory = memory
        self._air = air
        self._reports = reports
        self._announced: set[str] = set()
        self._renewing = asyncio.Lock()
        self._hurry = asyncio.Event()
        self._lan_keys: dict[str, bytes] = {}
        self._task: asyncio.Task[None] | None = None
        try:
            self.chains.load(memory.chains)
        except (KeyError, TypeError, ValueError) as error:
            log.warning("the chains of keys cannot be taken up (%s): nodes are told new ones", error)

    @property
    def _link(self) -> Link | None:
        return self._reports.link

    async def start(self) -> None:
        """Make the chains and keep them; announce what is on air."""
        self._reports.air = self.air_of
        await self._renew()
        self._stations.changed.append(self.announce_all)
        await self.announce_all()
        self._task = asyncio.create_task(self._keep(), name="chains")

    async def stop(self) -> None:
        """Keep nothing any more."""
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def clock_set(self, was_us: int) -> None:
        """The media clock, set anew just now, had come to `was_us`: new chains at once if that lies ahead."""
        self.chains.reached(was_us)
        self._hurry.set()

    async def announce_all(self) -> None:
        """Announce what is on air in every zone; a zone that is gone falls silent."""
        await self._renew()
        roster = await self._stations.roster()
        for zone_id in self._announced - set(roster.zones):
            if self._link is not None:
                self._link.withdraw(zone_id)
        for zone_id in roster.zones:
            await self.announce(zone_id)
        self._announced = set(roster.zones)
        await self._share(roster)

    async def _share(self, roster: Roster) -> None:
        """Tell the nodes of a zone whose members are others than before the new key among themselves."""
        keys = {zone.id: lan_key(zone.id, roster.members[zone.id]) for zone in roster.zones.values() if zone.sync_group}
        changed = [zone_id for zone_id, key in keys.items() if self._lan_keys.get(zone_id) != key]
        self._lan_keys = keys
        await self._reports.tell_air_all([node for zone_id in changed for node in roster.members[zone_id]])

    async def announce(self, zone_id: str) -> None:
        """Announce what is on air in a zone; one that is gone is left out."""
        roster = await self._stations.roster()
        zone = roster.zones.get(zone_id)
        if zone is None or self._link is None:
            return
        self._link.announce(zone_id, zone.profile, announcement.build(zone_id, *self._on_air(zone)))

    def air_of(self, roster: Roster, node: Node) -> dict[str, object]:
        """Return the arguments of the command that tells a node what is on air, and the keys to know it by."""
        zone = roster.zones[node.zone]
        terms = self._air.profiles[zone.profile].terms
        return {
            "terms": terms_fields(terms),
            "chains": [anchor_fields(anchor) for anchor in self.chains.anchors(zone.profile)],
            "session": announcement.fields(zone.id, *self._on_air(zone)),
            "lan": None if zone.sync_group is None else _wrapped(node.key, lan_key(zone.id, roster.members[zone.id])),
        }

    def _on_air(self, zone: Zone) -> tuple[list[Stream], tuple[str, int] | None]:
        stream = self._memory.streams.get(zone.id)
        if stream is None:
            return [], _pair(zone.sync_group)
        group = _pair(zone.multicast)
        announced = Stream(stream.ssrc, stream.frame_us, stream.media0_us, stream.lead_us, stream.priority, group=group)
        return [announced], _pair(zone.sync_group)

    async def _keep(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RENEW_S):
                    await self._hurry.wait()
            self._hurry.clear()
            try:
                await self._renew()
            except Exception:  # a database that is away comes back
                log.exception("chains not renewed")

    async def _renew(self) -> None:
        async with self._renewing:  # else two would make a profile's chain, and the engine have another than the nodes
            await self._renew_alone()

    async def _renew_alone(self) -> None:
        roster = await self._stations.roster()
        wanted = {zone.profile for zone in roster.zones.values()}
        changed, broken = await asyncio.to_thread(self.chains.renew, wanted)
        if not changed:
            return
        self._memory.chains = self.chains.seeds()
        self._memory.save(durable=True)
        self._air.set_chains(self.chains.message())
        await self._reports.tell_air_all(
            [node for zone in roster.zones.values() if zone.profile in broken for node in roster.members[zone.id]]
        )


def lan_key(zone_id: str, members: Iterable[Node]) -> bytes:
    """Return the key of a zone's nodes among themselves: another one whenever one comes, goes or gets another key."""
    keys = sorted(node.key for node in members if node.key)
    return Mac(b"loaxa zone").digest(zone_id.encode(), *keys)


def _wrapped(key: bytes, secret: bytes) -> str:
    nonce = secrets.token_bytes(16)
    return (nonce + command.wrap(key, nonce, secret)).hex()


def _pair(address: list[Any] | None) -> tuple[str, int] | None:
    return (str(address[0]), int(address[1])) if address else None
