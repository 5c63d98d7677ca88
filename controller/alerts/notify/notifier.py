"""All channels: made from the settings, run beside everything else, tried when somebody asks."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import delete

from controller.alerts.alert import Alert
from controller.alerts.notify.channel import ChannelError
from controller.alerts.notify.courier import Courier, Titles
from controller.alerts.notify.queue import Queue
from controller.alerts.notify.registry import ChannelSettings
from controller.errors import ConflictError, NotFoundError, StartError
from controller.storage.alerts import NoticeRow
from controller.storage.database import Database


@dataclass(frozen=True)
class Trial:
    """What came of a test message. error, hint: in words; None where it was taken."""

    name: str
    kind: str
    error: str | None
    hint: str | None


class Notifier:
    """The constructor raises StartError where a channel's secret cannot be read."""

    def __init__(self, settings: tuple[ChannelSettings, ...], database: Database, titles: Titles) -> None:
        self.couriers: dict[str, Courier] = {}
        self._database = database
        self._tasks: list[asyncio.Task[None]] = []
        self._trying = asyncio.Lock()
        for each in settings:
            try:
                channel = each.open()
            except (OSError, UnicodeDecodeError) as error:
                raise StartError(
                    "notify",
                    f"The secret of [[notify]] {each.name} cannot be read: {error}.",
                    "Check the path, and that the controller's user may read it.",
                ) from None
            self.couriers[each.name] = Courier(each, channel, Queue(database, each.name), titles)

    async def start(self) -> None:
        """Begin with what was not told before the last end."""
        async with self._database.write() as session:  # of channels that are no more
            await session.execute(delete(NoticeRow).where(NoticeRow.channel.not_in(list(self.couriers))))
        self._tasks = [
            asyncio.create_task(courier.run(), name=f"notify {name}") for name, courier in self.couriers.items()
        ]

    async def stop(self) -> None:
        """End; what is not told yet is told after the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def wants(self, alert: Alert) -> Iterable[str]:
        """Return the channels that tell of an alert."""
        return [name for name, courier in self.couriers.items() if courier.settings.wants(alert)]

    def nudge(self) -> None:
        """There may be something to tell."""
        for courier in self.couriers.values():
            courier.nudge()

    def failing(self) -> dict[str, str]:
        """Return the channels that do not get through, and why."""
        return {name: courier.failing for name, courier in self.couriers.items() if courier.failing}

    async def try_them(self, name: str | None) -> list[Trial]:
        """Send a test message by one channel, or by all. Raises NotFoundError, and ConflictError while one goes out."""
        if name is not None and name not in self.couriers:
            there = ", ".join(self.couriers) or "none; write [[notify]] in the settings"
            raise NotFoundError("unknown_channel", f"There is no channel {name[:32]}.", f"There are: {there}.")
        if self._trying.locked():
            raise ConflictError("being_tried", "A test is on its way.", "Wait for its end.")
        async with self._trying:
            chosen = [courier for each, courier in self.couriers.items() if name in (None, each)]
            return list(await asyncio.gather(*(_try(courier) for courier in chosen)))


async def _try(courier: Courier) -> Trial:
    settings = courier.settings
    try:
        await courier.try_it()
    except ChannelError as error:
        return Trial(settings.name, settings.kind, error.words, error.hint)
    return Trial(settings.name, settings.kind, None, None)
