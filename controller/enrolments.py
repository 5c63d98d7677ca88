"""Enrolment: a code that works once makes a board a node, with a key that nobody had before."""

import asyncio
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete

from codec.wire.enrolment import CODE_BYTES, unspell
from codec.wire.errors import WireError
from codec.wire.mac import KEY_BYTES
from controller.audit.log import Audit
from controller.clock import mono_us, wall_us
from controller.errors import ConflictError, NotFoundError, RefusedError
from controller.guard import Guard
from controller.stations import Stations
from controller.storage.database import Database
from controller.storage.tables import Enrolment, Node

LIFE_US = 15 * 60 * 1_000_000


@dataclass(frozen=True)
class Code:
    """A fresh code: its bytes, which are kept nowhere, and when it dies."""

    code: bytes
    expires_wall_us: int


class Enrolments:
    """Codes and their use, in the database."""

    def __init__(self, database: Database, audit: Audit, stations: Stations) -> None:
        self._database = database
        self._audit = audit
        self._stations = stations
        self._guard = Guard()
        self._one_try = asyncio.Lock()

    async def make(self, node_id: str) -> Code:
        """Return a new code for a node; an older one is dead from now on.

        Raises NotFoundError, and ConflictError for a plain RTP receiver, which has no key.
        """
        code = Code(secrets.token_bytes(CODE_BYTES), wall_us() + LIFE_US)
        async with self._database.write() as session:
            node = await session.get(Node, node_id)
            if node is None:
                raise _no_node(node_id)
            if node.rtp_address is not None:
                raise ConflictError(
                    "plain_receiver",
                    f"{node_id} is a plain RTP receiver and cannot be enrolled.",
                    "Add a node of ours under another id.",
                )
            await session.execute(
                delete(Enrolment).where((Enrolment.node == node_id) | (Enrolment.expires_wall_us <= wall_us()))
            )
            session.add(Enrolment(node=node_id, code_hash=_hash(code.code), expires_wall_us=code.expires_wall_us))
        return code

    async def use(self, code: str, board: str, serial: str, asker: str) -> Node:
        """Return the node that `code` was for, with its new key; the old key and the code are dead from now on.

        asker: the network address that asks. Raises RefusedError for any code that is not good, and TooOftenError.
        """
        async with self._one_try:  # or many at once would all be looked at before the first is counted
            self._guard.check(asker, mono_us())
            node = await self._redeem(code, board, serial)
            if node is None:
                self._guard.refused(asker, mono_us())
        if node is None:
            raise RefusedError(
                "enrolment_refused",
                "This enrolment code is wrong, used up or older than 15 minutes.",
                "Make a new one in the office: loaxa node enrol ID.",
            )
        await self._stations.tell()
        return node

    async def retire(self, node_id: str) -> Node:
        """Take a node out of service and destroy its key; a new code brings it back. Raises NotFoundError."""
        async with self._database.write() as session:
            node = await session.get(Node, node_id)
            if node is None:
                raise _no_node(node_id)
            await session.execute(delete(Enrolment).where(Enrolment.node == node_id))
            node.key = secrets.token_bytes(KEY_BYTES)  # one that is never told to anybody
            node.retired_wall_us = node.retired_wall_us or wall_us()
            node.address = None
        await self._stations.tell()
        return node

    async def _redeem(self, text: str, board: str, serial: str) -> Node | None:
        try:
            wanted = _hash(unspell(text, CODE_BYTES))
        except WireError:
            return None
        async with self._database.write() as session:
            # Of two transactions that delete the same row, in whatever database, one gets it.
            found = (
                await session.execute(
                    delete(Enrolment)
                    .where(Enrolment.code_hash == wanted)
                    .returning(Enrolment.node, Enrolment.code_hash, Enrolment.expires_wall_us)
                )
            ).first()
            if found is None or not hmac.compare_digest(found.code_hash, wanted) or found.expires_wall_us <= wall_us():
                return None
            node = await session.get(Node, found.node)
            if node is None:
                return None
            values: dict[str, Any] = {
                "key": secrets.token_bytes(KEY_BYTES),
                "board": board,
                "serial": serial or node.serial,
                "enrolled_wall_us": wall_us(),
                "retired_wall_us": None,
                "address": None,
            }
            for name, value in values.items():
                setattr(node, name, value)
            await self._audit.record(session, "node.enrolled", node.id, board=board, serial=serial)
        return node


def _hash(code: bytes) -> bytes:
    return hashlib.sha256(b"loaxa enrolment code " + code).digest()


def _no_node(node_id: str) -> NotFoundError:
    return NotFoundError("unknown_node", f"There is no node {node_id}.", "GET /api/nodes lists them.")
