"""Tables come from migrations alone, go up and down, and a commit is on the disk."""

import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from controller.errors import StartError
from controller.storage.database import Database, migration_config, sqlite_url
from controller.storage.tables import Table, Zone


async def test_up_and_down(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path))
    await database.migrate()
    await database.migrate()

    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), Table.metadata))

    def down(connection: Connection) -> list[str]:
        command.downgrade(migration_config(connection), "base")
        return inspect(connection).get_table_names()

    async with database._engine.begin() as connection:
        assert await connection.run_sync(differences) == []
        assert await connection.run_sync(down) == ["alembic_version"]
    await database.migrate()
    await database.close()


async def test_a_commit_is_synced(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path))
    await database.migrate()
    async with database.write() as session:
        session.add(Zone(id="thon-1"))
        assert (await session.execute(text("PRAGMA synchronous"))).scalar() == 2
        assert (await session.execute(text("PRAGMA journal_mode"))).scalar() == "wal"
    async with database.read() as session:
        zone = await session.get(Zone, "thon-1")
    assert zone is not None
    assert zone.profile == "lan"
    await database.close()


def test_a_database_whose_driver_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    with pytest.raises(StartError, match="needs the Python package asyncpg"):
        Database("postgresql+asyncpg://127.0.0.1:1/loaxa")


async def test_a_database_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "loaxa.sqlite3").write_bytes(b"no database at all, " * 100)
    database = Database(sqlite_url(tmp_path))
    with pytest.raises(StartError, match=r"cannot be used.*\[storage\]"):
        await database.migrate()
    await database.close()
