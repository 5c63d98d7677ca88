"""Each node's own key; those that were there before get one, and must be enrolled anew."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("nodes", sa.Column("key", sa.LargeBinary(32), nullable=True))
    nodes = sa.table("nodes", sa.column("id", sa.String), sa.column("key", sa.LargeBinary))
    connection = op.get_bind()
    for (node_id,) in connection.execute(sa.select(nodes.c.id)).fetchall():
        connection.execute(nodes.update().where(nodes.c.id == node_id).values(key=secrets.token_bytes(32)))
    with op.batch_alter_table("nodes") as batch:
        batch.alter_column("key", existing_type=sa.LargeBinary(32), nullable=False)


def downgrade() -> None:
    """Take back."""
    op.drop_column("nodes", "key")
