"""Alembic's entry: runs migrations on the connection that controller.storage.database hands over."""

from alembic import context

from controller.storage import alerts, audit, people, trends  # noqa: F401  (their tables are part of the metadata)
from controller.storage.tables import Table

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Table.metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
