"""What the controller's tests share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from controller.audit.log import Audit
from controller.storage.database import Database, sqlite_url


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A real SQLite database with the tables of the newest migration."""
    found = Database(sqlite_url(tmp_path))
    await found.migrate()
    yield found
    await found.close()


@pytest.fixture
async def audit(database: Database, tmp_path: Path) -> Audit:
    """The audit of that database, its head beside it."""
    found = Audit(database, tmp_path)
    await found.start()
    return found
