"""Adds records to the audit, in the transaction of what they tell of; and reads them."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import fields
from pathlib import Path
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from controller.audit import change as changes
from controller.audit.change import SYSTEM, Change
from controller.audit.head import Head, HeadFile
from controller.audit.record import GENESIS, Record, details_of
from controller.audit.search import EVERYTHING, Search, conditions
from controller.audit.verify import BROKEN, Verdict, Verifier
from controller.clock import wall_us
from controller.storage.audit import AuditRow
from controller.storage.database import Database

log = logging.getLogger(__name__)

_BATCH = 500
_COLUMNS = tuple(getattr(AuditRow, each.name) for each in fields(Record))
_HEAD = "audit_head"
_CHANGE = "audit_change"


class Audit:
    """The audit in the database, its head in `folder`. Every write of the database passes by here."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._head_file = HeadFile(folder)
        self._last = Head()
        self._verifying: asyncio.Task[Verdict] | None = None
        database.before_commit = self._before_commit
        database.after_commit = self._after_commit

    async def start(self) -> None:
        """Look whether the chain is whole, and say so in the log where it is not; raises StartError without a key."""
        self._head_file.prepare(empty=not await self.page(None, 1))
        verdict = await self.verify()
        for problem in verdict.problems[:5]:
            log.error("audit: %s", problem)
        self._last = verdict.head
        if verdict.whole:
            self._head_file.write(verdict.head)  # it may be behind, after a crash between a commit and it
            return
        if not any(record.action == BROKEN for record in await self.page(None, 1)):
            # For ever: the next record moves the head on, and what showed the end missing would be gone.
            async with self._database.write() as session:
                await self._append(session, _broken(verdict.problems))

    async def record(self, session: AsyncSession, action: str, thing: str = "", **details: Any) -> None:
        """Add a record in this transaction, in the name of whoever is changing something, else of the controller."""
        change = changes.current()
        who, address = (change.who, change.address) if change else (SYSTEM, "")
        if change:
            session.info[_CHANGE] = change
        await self._append(session, Change(who, address, action, thing, details))

    async def note_current(self) -> None:
        """Add the record of the change under way before it is over: it goes on for long."""
        change = changes.current()
        if change and not change.recorded:
            await self.note(change)

    async def note(self, change: Change) -> None:
        """Add a record of a change that no other transaction told of, or that was refused."""
        async with self._database.write() as session:
            await self._append(session, change)
            session.info[_CHANGE] = change

    async def page(self, before: int | None, limit: int, search: Search = EVERYTHING) -> list[Record]:
        """Return up to `limit` records below number `before` that are searched for, the newest first."""
        asked = select(*_COLUMNS).where(*conditions(search)).order_by(AuditRow.n.desc()).limit(limit)
        if before is not None:
            asked = asked.where(AuditRow.n < before)
        async with self._database.read() as session:
            return [Record(*row) for row in await session.execute(asked)]

    async def all(self) -> AsyncIterator[Record]:
        """Yield every record in order, in batches: the table may be long."""
        async for records in self._batches():
            for record in records:
                yield record

    async def verify(self) -> Verdict:
        """Return whether the chain is whole, and every place where it is not. Who asks meanwhile gets the same."""
        if self._verifying is None or self._verifying.done():
            self._verifying = asyncio.create_task(self._verify(), name="verify")
        return await asyncio.shield(self._verifying)

    async def _verify(self) -> Verdict:
        verifier = Verifier()
        try:
            kept = self._head_file.read()  # before the table: it is written after it
        except ValueError as error:
            verifier.problems.append(f"{error}; the end of the audit cannot be trusted")
            kept = None
        else:
            if kept is None:
                verifier.problems.append("audit.head is missing; the end of the audit cannot be trusted")
        async for records in self._batches():
            await asyncio.to_thread(verifier.add_all, records, kept)
        return verifier.verdict(kept)

    async def _batches(self) -> AsyncIterator[list[Record]]:
        last = None
        while True:
            asked = select(*_COLUMNS).order_by(AuditRow.n).limit(_BATCH)
            if last is not None:
                asked = asked.where(AuditRow.n > last)
            async with self._database.read() as session:
                records = [Record(*row) for row in await session.execute(asked)]
            if not records:
                return
            last = records[-1].n
            yield records

    async def _append(self, session: AsyncSession, change: Change) -> None:
        if (await session.connection()).dialect.name == "postgresql":
            await session.execute(text("LOCK TABLE audit IN EXCLUSIVE MODE"))  # several controllers, one chain
        last = (await session.execute(select(AuditRow.n, AuditRow.hash).order_by(AuditRow.n.desc()).limit(1))).first()
        n, previous = (last.n, last.hash) if last else (0, GENESIS)
        if n < self._last.n and change.action != BROKEN:
            problem = f"records {n + 1} to {self._last.n} were removed from the end"
            log.error("audit: %s", problem)
            await self._append(session, _broken([problem]))
            n, previous = session.info[_HEAD].n, session.info[_HEAD].hash
        bare = Record(
            n=n + 1,
            wall_us=wall_us(),
            who=change.who[:120],
            address=change.address[:64],
            action=change.action,
            object=change.object[:200],
            details=details_of(change.details),
            previous=previous,
        )
        row = AuditRow(**{**vars(bare), "hash": bare.digest()})
        session.add(row)
        await session.flush()
        session.info[_HEAD] = Head(row.n, row.hash)

    async def _before_commit(self, session: AsyncSession) -> None:
        change = changes.current()
        if change and not change.recorded and _CHANGE not in session.info:
            await self._append(session, change)
            session.info[_CHANGE] = change

    def _after_commit(self, session: AsyncSession) -> None:
        change = session.info.get(_CHANGE)
        if change:
            change.recorded = True
        head = session.info.get(_HEAD)
        if head:
            self._last = head
            try:
                self._head_file.write(head)
            except OSError as error:
                log.error("audit.head is not written: %s; free some space", error)


def _broken(problems: list[str]) -> Change:
    return Change(SYSTEM, "", BROKEN, "", {"problems": problems[:20]})
