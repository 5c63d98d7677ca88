"""A new certificate authority for the commune: made known to every node before it signs, and the old one forgotten."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from codec.wire import command
from controller.clock import mono_us
from controller.errors import ControllerError
from controller.link.presence import OFFLINE
from controller.pki import Authority, fingerprint
from controller.reports import Reports
from controller.stations import Stations
from controller.storage.tables import Node

log = logging.getLogger(__name__)

TURN_S = 2.0
ANSWER_S = 5.0
_AT_ONCE = 50


class Rotation:
    """Rotates `authority`: spreads the next one, switches when every node has it, then has the old one forgotten.

    What is to be done is in the authority's folder, so that it goes on after a restart; who has answered is asked
    again. switched: called once the new one signs.
    """

    def __init__(self, authority: Authority, stations: Stations, reports: Reports) -> None:
        self.switched: list[Callable[[], None]] = []
        self._authority = authority
        self._stations = stations
        self._reports = reports
        self._told: set[tuple[str, bytes, str, bool]] = set()

    async def state(self) -> dict[str, Any]:
        """Return the authority, the next one if there is one, and which nodes are still waited for."""
        authority = self._authority
        pem, only = self._task()
        waiting = [node.id for node in await self._missing(pem, only)] if pem else []
        return {
            "fingerprint": fingerprint(authority.certificate_pem),
            "expires_at": authority.expires,
            "pem": authority.certificate_pem,
            "next_fingerprint": fingerprint(authority.next_pem) if authority.next_pem else None,
            "old_trusted": authority.old_pem is not None,
            "waiting": waiting,
        }

    async def begin(self, now: bool) -> None:
        """Begin to rotate; `now`: switch without waiting for anybody."""
        self._authority.prepare()
        if now:
            self._switch()

    async def run(self) -> None:
        """Do what there is to do, for ever."""
        while True:
            try:
                await self._turn()
            except Exception:  # the next turn may do better, and nodes go on with what they have
                log.exception("the rotation of the authority waits")
            await asyncio.sleep(TURN_S)

    async def _turn(self) -> None:
        pem, only = self._task()
        if pem is None:
            return
        missing = await self._missing(pem, only)
        there = [node for node in missing if self._reports.presence.state(node.id, mono_us()) != OFFLINE]
        for first in range(0, len(there), _AT_ONCE):
            await asyncio.gather(*(self._tell(node, pem, only) for node in there[first : first + _AT_ONCE]))
        if await self._missing(pem, only):
            return
        if only:
            self._authority.forget_old()
            log.info("no node trusts the old authority any more")
        else:
            self._switch()

    def _task(self) -> tuple[str | None, bool]:
        """Return what every node must come to trust, and whether it alone."""
        if self._authority.next_pem is not None:
            return self._authority.next_pem, False
        return (self._authority.certificate_pem, True) if self._authority.old_pem is not None else (None, False)

    async def _missing(self, pem: str, only: bool) -> list[Node]:
        nodes = await self._stations.nodes()
        mark = fingerprint(pem)
        return [
            node
            for node in nodes
            if node.rtp_address is None
            and node.enrolled_wall_us is not None
            and node.retired_wall_us is None
            and (node.id, node.key, mark, only) not in self._told
        ]

    async def _tell(self, node: Node, pem: str, only: bool) -> None:
        try:
            answer = await self._reports.command(node, command.TRUST, {"ca": pem, "only": only}, ANSWER_S)
        except ControllerError as error:
            log.warning("%s was not told of the authority: %s", node.id, error)
            return
        if answer.acknowledged and answer.error is None:
            self._told.add((node.id, node.key, fingerprint(pem), only))
        elif answer.error:
            log.warning("%s does not take the authority: %s", node.id, answer.error)

    def _switch(self) -> None:
        self._authority.switch()
        log.info("the commune has a new certificate authority: %s", fingerprint(self._authority.certificate_pem))
        for call in self.switched:
            try:
                call()
            except Exception:  # a full disk at one of them, and the broker would keep a name that nodes soon forget
                log.exception("not everything goes by the new authority; start the controller again")
