"""What one channel has yet to tell, in the database: nothing of it is lost in a restart."""

from dataclasses import dataclass

from sqlalchemy import delete, func, select

from controller.alerts.alert import Alert
from controller.alerts.ledger import RAISED
from controller.alerts.store import as_alert
from controller.storage.alerts import AlertRow, NoticeRow
from controller.storage.database import Database

MAX_WAITING = 10_000
"""Notices of one channel; of more the oldest are let go."""
MAX_AGE_US = 7 * 86_400 * 1_000_000
"""What could not be told for a week is no news."""
QUIET_US = 5_000_000
MAX_GATHER_US = 30_000_000
"""A message goes out when nothing new came for QUIET_US, but no later than this after the first: a village that loses
its power does so over half a minute, and is one message."""
MAX_IN_ONE = 5000


@dataclass(frozen=True)
class Batch:
    """What one message tells. numbers: of the notices, to be removed once it is sent."""

    raised: list[Alert]
    cleared: list[Alert]
    numbers: list[int]


class Queue:
    """The notices of the channel `name`. Times are wall."""

    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        self._name = name

    async def waiting(self) -> int:
        """Return how many notices there are."""
        async with self._database.read() as session:
            count = await session.scalar(
                select(func.count()).select_from(NoticeRow).where(NoticeRow.channel == self._name)
            )
        return count or 0

    async def next_us(self, now_wall_us: int) -> int | None:
        """Return when there is something to tell, or None for never; at most `now_wall_us` where it is now."""
        mine = NoticeRow.channel == self._name
        async with self._database.read() as session:
            first_us = await session.scalar(select(func.min(NoticeRow.due_wall_us)).where(mine))
            if first_us is None or first_us > now_wall_us:
                return first_us
            newest_us = await session.scalar(
                select(func.max(NoticeRow.created_wall_us)).where(mine, NoticeRow.what == RAISED)
            )
        quiet_us = min((newest_us or 0) + QUIET_US, first_us + MAX_GATHER_US)
        return max(quiet_us, first_us)

    async def take(self, now_wall_us: int) -> Batch:
        """Return what is due. It stays until `done`."""
        asked = (
            select(NoticeRow, AlertRow)
            .join(AlertRow, AlertRow.id == NoticeRow.alert)
            .where(NoticeRow.channel == self._name, NoticeRow.due_wall_us <= now_wall_us)
            .order_by(NoticeRow.id)
            .limit(MAX_IN_ONE)
        )
        async with self._database.read() as session:
            found = [(notice, as_alert(row)) for notice, row in await session.execute(asked)]
            alerts = {alert.id: alert for _, alert in found}
        return Batch(
            [alert for alert in alerts.values() if alert.cleared_wall_us is None],
            [alert for alert in alerts.values() if alert.cleared_wall_us is not None],
            [notice.id for notice, _ in found],
        )

    async def done(self, batch: Batch) -> None:
        """Remove what was told."""
        async with self._database.write() as session:
            for first in range(0, len(batch.numbers), 500):
                some = batch.numbers[first : first + 500]
                await session.execute(delete(NoticeRow).where(NoticeRow.id.in_(some)))

    async def bound(self, now_wall_us: int) -> int:
        """Let go of what is too old or too much; return how many notices that were."""
        mine = NoticeRow.channel == self._name
        async with self._database.read() as session:
            newest = select(NoticeRow.id).where(mine).order_by(NoticeRow.id.desc())
            last_kept = await session.scalar(newest.offset(MAX_WAITING - 1).limit(1))
            oldest_us = await session.scalar(select(func.min(NoticeRow.created_wall_us)).where(mine))
        if last_kept is None and (oldest_us is None or oldest_us >= now_wall_us - MAX_AGE_US):
            return 0
        surplus = (NoticeRow.id < (last_kept or 0)) | (NoticeRow.created_wall_us < now_wall_us - MAX_AGE_US)
        async with self._database.write() as session:
            gone = await session.scalars(delete(NoticeRow).where(mine, surplus).returning(NoticeRow.id))
            return len(gone.all())
