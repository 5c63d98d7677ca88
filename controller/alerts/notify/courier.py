"""Carries what one channel has to tell to it: gathers, tries again, and says when it does not get through."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping

from sqlalchemy.exc import SQLAlchemyError

from controller.alerts.notify.channel import SEND_S, Channel, ChannelError, Message
from controller.alerts.notify.queue import Queue
from controller.alerts.notify.registry import ChannelSettings
from controller.alerts.notify.words import alerts_message, sample
from controller.clock import wall_us

log = logging.getLogger(__name__)

FIRST_RETRY_S = 5.0
MAX_RETRY_S = 600.0
BETWEEN_S = 30.0
"""Between two messages of a channel: what happens meanwhile is one message. A storm is two a minute."""
LOOK_S = 3600.0
GIVE_UP_S = SEND_S + 5.0

Titles = Callable[[], Awaitable[Mapping[str, str]]]


class Courier:
    """failing: why the last attempt did not get through, None where it did. channel: what sends."""

    def __init__(self, settings: ChannelSettings, channel: Channel, queue: Queue, titles: Titles) -> None:
        self.settings = settings
        self.queue = queue
        self.failing: str | None = None
        self.hint: str | None = None
        self._channel = channel
        self._titles = titles
        self._nudge = asyncio.Event()
        self._works = asyncio.Event()
        self._sending = asyncio.Lock()

    def nudge(self) -> None:
        """Look whether there is something to tell."""
        self._nudge.set()

    async def run(self) -> None:
        """Tell what is to be told, for ever."""
        retry_s = FIRST_RETRY_S
        while True:
            self._nudge.clear()
            self._works.clear()
            try:
                wait_s = await self._turn()
                retry_s = FIRST_RETRY_S
            except ChannelError as error:
                wait_s = max(retry_s, error.retry_s)
                retry_s = min(2 * retry_s, MAX_RETRY_S)
                log.warning("%s: not told: %s; again in %.0f s", self.settings.name, error.words, wait_s)
                await self._until(self._works, wait_s)  # news do not hurry what fails, a test that succeeds does
                continue
            except SQLAlchemyError:
                log.exception("%s: the database does not answer", self.settings.name)
                wait_s = MAX_RETRY_S
            await self._until(self._nudge, wait_s)

    async def try_it(self) -> None:
        """Send a test message now; raises ChannelError. Who asked hears the error: it is no news to anybody else."""
        before = self.failing, self.hint
        try:
            await self._send(sample(self.settings.language))
        except ChannelError:
            self.failing, self.hint = before
            raise
        self._works.set()
        self.nudge()

    async def _turn(self) -> float:
        """Send what is due; return how long there is nothing to do. Raises ChannelError, and then nothing is lost."""
        dropped = await self.queue.bound(wall_us())
        if dropped:
            log.error("%s: %d notices were not told in time and are let go", self.settings.name, dropped)
        due_us = await self.queue.next_us(wall_us())
        if due_us is None:
            self.failing = self.hint = None  # whatever it was, nobody waits for it any more
            return LOOK_S
        if due_us > wall_us():
            return min((due_us - wall_us()) / 1e6, LOOK_S)
        batch = await self.queue.take(wall_us())
        if batch.raised or batch.cleared:
            language = self.settings.language
            await self._send(alerts_message(batch.raised, batch.cleared, await self._titles(), language))
        await self.queue.done(batch)
        await asyncio.sleep(BETWEEN_S)
        return 0.0

    async def _until(self, event: asyncio.Event, wait_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await event.wait()

    async def _send(self, message: Message) -> None:
        async with self._sending:
            try:
                async with asyncio.timeout(GIVE_UP_S):
                    await self._channel.send(message)
            except ChannelError as error:
                self.failing, self.hint = error.words, error.hint
                raise
            except TimeoutError:
                self.failing, self.hint = "It does not answer.", "Check its address and the network."
                raise ChannelError(self.failing, self.hint) from None
            except Exception as error:  # a channel of somebody else's making must not end the others
                log.exception("%s: failed", self.settings.name)
                self.failing, self.hint = f"It failed ({type(error).__name__}).", "See the controller's log."
                raise ChannelError(self.failing, self.hint) from None
            self.failing = self.hint = None
