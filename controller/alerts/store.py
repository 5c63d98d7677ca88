"""Alerts in the database, and with each change, in the same transaction, what people are still to be told of it."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from itertools import groupby
from typing import Any

from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from controller.alerts.alert import Alert
from controller.alerts.ledger import AGAIN, CLEARED, RAISED, Step
from controller.errors import NotFoundError
from controller.storage.alerts import AlertRow, NoticeRow
from controller.storage.database import Database

BATCH = 500
"""Rows in one statement or transaction: others wait for no more."""
GATHER_US = 5_000_000
"""What is raised is told so much later: a whole village may be going off."""
QUIET_US = 120_000_000
"""That something is over is told when it has stayed so for so long."""

Wants = Callable[[Alert], Iterable[str]]
"""Returns the channels that tell of an alert."""


class Store:
    """again_us: how long an alert that is over may begin again; what did so once is told to be over no sooner."""

    def __init__(self, database: Database, again_us: int) -> None:
        self._database = database
        self._again_us = again_us

    async def load(self, now_wall_us: int) -> list[Alert]:
        """Return what is active, and what may still begin again."""
        asked = select(AlertRow).where(
            or_(AlertRow.cleared_wall_us.is_(None), AlertRow.cleared_wall_us >= now_wall_us - self._again_us)
        )
        async with self._database.read() as session:
            return [as_alert(row) for row in await session.scalars(asked)]

    async def keep(self, steps: list[Step], wants: Wants, now_wall_us: int) -> None:
        """Store what happened, in order, and for the channels that want it what is to be told. All or nothing."""
        latest = {step.alert.id: asdict(step.alert) for step in steps}
        first = {step.alert.id for step in steps if step.what == RAISED}
        new = [values for name, values in latest.items() if name in first]
        old = [values for name, values in latest.items() if name not in first]
        async with self._database.write() as session:
            if new:
                await session.execute(insert(AlertRow), new)
            if old:
                await session.execute(update(AlertRow), old)
            for what, group in groupby(steps, key=lambda step: step.what):
                alerts = [step.alert for step in group]
                if what == AGAIN:
                    await self._again(session, alerts, wants, now_wall_us)
                else:
                    if what == CLEARED:
                        await self._postpone(session, alerts, now_wall_us)
                    await _tell(session, ((alert, wants(alert)) for alert in alerts), what, now_wall_us, self._due_us)

    async def acknowledge(self, alert_id: str, by: str, note: str, now_wall_us: int) -> Alert:
        """Note that somebody has seen an alert; the last one counts. Raises NotFoundError."""
        async with self._database.write() as session:
            row = await session.get(AlertRow, alert_id)
            if row is None:
                raise NotFoundError("unknown_alert", "There is no such alert.", "GET /api/alerts lists them.")
            row.acknowledged_wall_us, row.acknowledged_by, row.note = now_wall_us, by[:120], note
        return as_alert(row)

    async def page(self, active: bool | None, node: str | None, before_wall_us: int | None, limit: int) -> list[Alert]:
        """Return up to `limit` alerts, the newest first; active: None for both."""
        asked = select(AlertRow).order_by(AlertRow.since_wall_us.desc(), AlertRow.id).limit(limit)
        if active is not None:
            cleared = AlertRow.cleared_wall_us
            asked = asked.where(cleared.is_(None) if active else cleared.is_not(None))
        if node is not None:
            asked = asked.where(AlertRow.node == node)
        if before_wall_us is not None:
            asked = asked.where(AlertRow.since_wall_us < before_wall_us)
        async with self._database.read() as session:
            return [as_alert(row) for row in await session.scalars(asked)]

    async def prune(self, oldest_wall_us: int) -> int:
        """Remove alerts that were over before `oldest_wall_us`; return how many."""
        surplus = (
            select(AlertRow.id)
            .where(AlertRow.cleared_wall_us < oldest_wall_us)
            .order_by(AlertRow.cleared_wall_us)
            .limit(BATCH)
        )
        removed = 0
        while True:
            async with self._database.read() as session:
                names = list(await session.scalars(surplus))
            if not names:
                return removed
            async with self._database.write() as session:
                await session.execute(delete(NoticeRow).where(NoticeRow.alert.in_(names)))
                await session.execute(delete(AlertRow).where(AlertRow.id.in_(names)))
            removed += len(names)

    def _due_us(self, alert: Alert, what: str, now_wall_us: int) -> int:
        if what == RAISED:
            return now_wall_us + GATHER_US
        restless = (alert.detail or {}).get("count", 1) > 1
        return now_wall_us + (max(self._again_us, QUIET_US) if restless else QUIET_US)

    async def _postpone(self, session: AsyncSession, alerts: list[Alert], now_wall_us: int) -> None:
        """What ended before anybody was told that it began is told once, when it has stayed over."""
        by_due_us: dict[int, list[str]] = {}
        for alert in alerts:
            by_due_us.setdefault(self._due_us(alert, CLEARED, now_wall_us), []).append(alert.id)
        for due_us, names in by_due_us.items():
            await _set_due(session, names, due_us)

    async def _again(self, session: AsyncSession, alerts: list[Alert], wants: Wants, now_wall_us: int) -> None:
        """Who was not told yet that it was over need not be told anything; others are told that it is back."""
        silent: dict[str, set[str]] = {}
        for first in range(0, len(alerts), BATCH):
            some = [alert.id for alert in alerts[first : first + BATCH]]
            chosen = (NoticeRow.alert.in_(some), NoticeRow.what == CLEARED)
            for alert_id, channel in await session.execute(select(NoticeRow.alert, NoticeRow.channel).where(*chosen)):
                silent.setdefault(alert_id, set()).add(channel)
            await session.execute(delete(NoticeRow).where(*chosen))
        await _set_due(session, [alert.id for alert in alerts], now_wall_us + GATHER_US)
        told = ((alert, set(wants(alert)) - silent.get(alert.id, set())) for alert in alerts)
        await _tell(session, told, RAISED, now_wall_us, self._due_us)


async def _set_due(session: AsyncSession, names: list[str], due_us: int) -> None:
    """Have the beginnings of these alerts that are still to be told be told then."""
    for first in range(0, len(names), BATCH):
        mine = NoticeRow.alert.in_(names[first : first + BATCH])
        await session.execute(update(NoticeRow).where(mine, NoticeRow.what == RAISED).values(due_wall_us=due_us))


async def _tell(
    session: AsyncSession,
    told: Iterable[tuple[Alert, Iterable[str]]],
    what: str,
    now_wall_us: int,
    due_us: Callable[[Alert, str, int], int],
) -> None:
    rows: list[dict[str, Any]] = [
        {
            "channel": channel,
            "alert": alert.id,
            "what": what,
            "created_wall_us": now_wall_us,
            "due_wall_us": due_us(alert, what, now_wall_us),
        }
        for alert, channels in told
        for channel in channels
    ]
    if rows:
        await session.execute(insert(NoticeRow), rows)


def as_alert(row: AlertRow) -> Alert:
    """Return a row as an alert."""
    names = Alert.__dataclass_fields__
    return Alert(**{name: getattr(row, name) for name in names})


def acknowledged(alert: Alert, by: Alert) -> Alert:
    """Return an alert with the acknowledgement of another state of it."""
    fields = {name: getattr(by, name) for name in ("acknowledged_wall_us", "acknowledged_by", "note")}
    return replace(alert, **fields)
