"""Sessions that are over: kept for people to look up, as many as the settings say."""

from sqlalchemy import delete, select

from controller.states import ACTIVE
from controller.storage.database import Database
from controller.storage.tables import Session

BATCH = 1000
"""Rows removed in one transaction: a broadcast that begins meanwhile waits for no more."""


async def prune(database: Database, keep: int) -> int:
    """Remove sessions beyond the `keep` newest, those that are over; return how many were removed."""
    newest_first = select(Session.accepted_wall_us).order_by(Session.accepted_wall_us.desc())
    async with database.read() as session:
        oldest_kept_us = await session.scalar(newest_first.offset(keep - 1).limit(1))
    if oldest_kept_us is None:
        return 0
    surplus = (
        select(Session.id)
        .where(Session.accepted_wall_us < oldest_kept_us, Session.state.not_in(ACTIVE))
        .order_by(Session.accepted_wall_us)
        .limit(BATCH)
    )
    removed = 0
    while True:
        async with database.read() as session:
            names = list(await session.scalars(surplus))
        if not names:
            return removed
        async with database.write() as session:
            await session.execute(delete(Session).where(Session.id.in_(names)))
        removed += len(names)
