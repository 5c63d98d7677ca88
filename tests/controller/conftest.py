"""What the controller's tests share."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from controller.storage.database import Database, sqlite_url


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A real SQLite database with the tables of the newest migration."""
    found = Database(sqlite_url(tmp_path))
    await found.migrate()
    yield found
    await found.close()
