"""What goes on for long is looked at again and again: whether who began it still may."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import Headers

from controller.office import Office
from controller.people.who import Who
from controller.web.access import credentials

RECHECK_S = 2.0
"""So long may somebody go on who was signed out."""


async def until_refused(office: Office, headers: Headers, may: Callable[[Who], bool], used: bool = False) -> None:
    """Return once who sent these headers is nobody any more, or somebody who may not.

    used: what goes on is a use of the sign-in, which then does not end as an idle one.
    """
    bearer, cookie = credentials(headers)
    while True:
        await asyncio.sleep(RECHECK_S)
        with contextlib.suppress(SQLAlchemyError):  # a database that is away takes the word from nobody
            who = await asyncio.shield(office.people.who(bearer, cookie, used))
            if who is None or not may(who):
                return


async def ends_before(refused: Coroutine[Any, Any, None], work: Coroutine[Any, Any, Any]) -> bool:
    """Return whether `work` came to its end; False: `refused` did before, and it was cancelled. Raises what it does."""
    tasks = [asyncio.ensure_future(each) for each in (work, refused)]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if tasks[0].done():
            tasks[0].result()
            return True
        return False
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
