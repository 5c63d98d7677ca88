"""The alerts of this controller: looks every second, shows what changed, stores it, has it told."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping

from sqlalchemy.exc import SQLAlchemyError

from controller.alerts.alert import Alert
from controller.alerts.kinds import SEVERITIES
from controller.alerts.ledger import Ledger, Step
from controller.alerts.notify.notifier import Notifier
from controller.alerts.scene import Surveyor
from controller.alerts.settings import Limits
from controller.alerts.store import Store, acknowledged
from controller.alerts.watch import Watch
from controller.clock import mono_us, wall_us
from controller.errors import UnavailableError
from controller.events import Bus
from controller.storage.database import Database

log = logging.getLogger(__name__)

LOOK_S = 1.0
PRUNE_US = 3_600_000_000
SHOWN_AT_ONCE = 100
SHOW_PAUSE_S = 0.05
"""A village that loses its power must not push everybody who watches off."""
MAX_UNSTORED = 100_000


class Alerts:
    """changed: told the node whose alerts are other than before."""

    def __init__(
        self,
        limits: Limits,
        database: Database,
        bus: Bus,
        surveyor: Surveyor,
        notifier: Notifier,
    ) -> None:
        self.changed: list[Callable[[str], None]] = []
        self.notifier = notifier
        self._limits = limits
        self._bus = bus
        self._surveyor = surveyor
        self._store = Store(database, limits.again_s * 1_000_000)
        self._ledger = Ledger(limits.again_s * 1_000_000)
        self._watch = Watch(limits, (), mono_us())
        self._unstored: list[Step] = []
        self._turn = asyncio.Lock()
        self._pruned_us: int | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Take up the alerts of before, and begin to look."""
        for alert in await self._store.load(wall_us()):
            self._ledger.put(alert)
        self._watch = Watch(self._limits, self._ledger.active, mono_us())
        await self.notifier.start()
        self._task = asyncio.create_task(self._run(), name="alerts")

    async def stop(self) -> None:
        """Store what is not stored yet, and end."""
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            await self.notifier.stop()
            await self._keep()

    def worst_kinds(self) -> Mapping[str, str]:
        """Return the kind of the worst that is wrong with each node that has something."""
        return self._ledger.worst_kinds

    def active(self) -> list[Alert]:
        """Return what is wrong now: faults first, the newest of each first."""
        return sorted(
            self._ledger.active.values(),
            key=lambda alert: (SEVERITIES.index(alert.severity), -alert.since_wall_us, alert.id),
        )

    async def page(self, active: bool | None, node: str | None, before_wall_us: int | None, limit: int) -> list[Alert]:
        """Return up to `limit` alerts: what is wrong now, the worst first, or what was, or both, the newest first."""
        if active:
            found = [alert for alert in self.active() if node in (None, alert.node)]
            if before_wall_us is not None:
                found = [alert for alert in found if alert.since_wall_us < before_wall_us]
            return found[:limit]
        return await self._store.page(active, node, before_wall_us, limit)

    async def acknowledge(self, alert_id: str, by: str, note: str) -> Alert:
        """Note that somebody has seen an alert; raises NotFoundError."""
        async with self._turn:
            if not await self._keep():
                raise UnavailableError("database", "The database does not answer now.", "Check its disk; try again.")
            row = await self._store.acknowledge(alert_id, by, note, wall_us())
            known = self._ledger.find(alert_id)
            if known is not None:
                row = acknowledged(known, row)
                self._ledger.put(row)
        self._show(row)
        return row

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self._look()
                await self._tidy()
            except Exception:  # it looks again
                log.exception("alerts not brought up to date")

    async def _look(self) -> None:
        scene = await self._surveyor.look()
        now_us, now_wall_us = mono_us(), wall_us()
        steps = []
        async with self._turn:
            for change in self._watch.look(scene, now_us):
                step = self._ledger.apply(change, now_wall_us - (now_us - change.since_us), now_wall_us)
                if step is not None:
                    steps.append(step)
            self._unstored += steps
            stored = await self._keep()
        if steps and stored:
            self.notifier.nudge()
        for number, step in enumerate(steps, start=1):
            self._show(step.alert)
            if number % SHOWN_AT_ONCE == 0:
                await asyncio.sleep(SHOW_PAUSE_S)

    async def _keep(self) -> bool:
        """Store what is not stored; what cannot be now is shown all the same, and stored later."""
        if not self._unstored:
            return True
        try:
            await self._store.keep(self._unstored, self.notifier.wants, wall_us())
        except (SQLAlchemyError, OSError) as error:
            log.error("alerts are not stored: %s", getattr(error, "orig", None) or error)
            del self._unstored[:-MAX_UNSTORED]
            return False
        self._unstored = []
        return True

    def _show(self, alert: Alert) -> None:
        self._bus.publish("alert", alert.public())
        for told in self.changed if alert.node is not None else ():
            told(alert.node or "")

    async def _tidy(self) -> None:
        self._ledger.forget(wall_us())
        if self._pruned_us is None or mono_us() - self._pruned_us >= PRUNE_US:
            self._pruned_us = mono_us()
            await self._store.prune(wall_us() - self._limits.history_days * 86_400_000_000)
