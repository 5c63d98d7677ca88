"""The database: one writer at a time, and an answered request is on the disk."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from controller.errors import StartError

_MIGRATIONS = Path(__file__).parent / "migrations"


def sqlite_url(folder: Path) -> str:
    """Return the URL of the database in `folder`."""
    return f"sqlite+aiosqlite:///{folder / 'loaxa.sqlite3'}"


class Database:
    """Transactions on the database at `url`; SQLite in WAL mode, each commit synced. Raises StartError.

    before_commit, after_commit: what the audit adds to each transaction of `write`, and learns of it.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.before_commit: Callable[[AsyncSession], Awaitable[None]] | None = None
        self.after_commit: Callable[[AsyncSession], None] | None = None
        try:
            self._engine: AsyncEngine = create_async_engine(url)
        except ModuleNotFoundError as error:
            raise StartError(
                "database", f"This database needs the Python package {error.name}.", f"Run: pip install {error.name}"
            ) from None
        self._sessions = async_sessionmaker(self._engine, expire_on_commit=False)
        self._writing = asyncio.Lock()
        if url.startswith("sqlite"):
            event.listen(self._engine.sync_engine, "connect", _prepare_sqlite)

    async def migrate(self, revision: str = "head") -> None:
        """Bring the tables to `revision`; raises StartError when the database cannot be opened."""
        try:
            async with self._engine.begin() as connection:
                await connection.run_sync(_upgrade, revision)
        except (SQLAlchemyError, OSError) as error:
            why = getattr(error, "orig", None) or error  # the driver's own words, without the library's comment
            raise StartError(
                "database",
                f"The database {self._engine.url.render_as_string()} cannot be used: {why}.",
                "Check [storage] in the settings and the rights on its folder.",
            ) from None

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """Give a session to read with."""
        async with self._sessions() as session:
            yield session

    async def checkpoint(self) -> None:
        """Bring what SQLite has in its log into its file, beside those who write.

        After many changes nobody asked for, such as packing: else the commit of whoever comes next does it, and with it
        every one that waits. Nothing with other databases.
        """
        if self._engine.dialect.name == "sqlite":
            async with self._sessions() as session:
                await session.execute(text("PRAGMA wal_checkpoint(PASSIVE)"))

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """Give a session whose changes are committed, and on the disk, when the block ends without an error."""
        # SQLite has one writer; waiting here instead of in the library keeps "database is locked" from happening.
        async with self._writing, self._sessions() as session:
            async with session.begin():
                yield session
                if self.before_commit:
                    await self.before_commit(session)
            if self.after_commit:
                self.after_commit(session)


def migration_config(connection: Connection) -> Config:
    """Return alembic's configuration for an open connection."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def _upgrade(connection: Connection, revision: str) -> None:
    command.upgrade(migration_config(connection), revision)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
