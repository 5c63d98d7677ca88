"""What the controller's tests share."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from controller.audit.log import Audit
from controller.storage.database import Database, sqlite_url


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A real database with the tables of the newest migration: SQLite, or that of LOAXA_TEST_DATABASE, emptied."""
    url = os.environ.get("LOAXA_TEST_DATABASE")
    found = Database(url or sqlite_url(tmp_path))
    if url:
        async with found.write() as session:
            await session.execute(text("DROP SCHEMA public CASCADE"))
            await session.execute(text("CREATE SCHEMA public"))
    await found.migrate()
    yield found
    await found.close()


@pytest.fixture
async def audit(database: Database, tmp_path: Path) -> Audit:
    """The audit of that database, its head beside it."""
    found = Audit(database, tmp_path)
    await found.start()
    return found
