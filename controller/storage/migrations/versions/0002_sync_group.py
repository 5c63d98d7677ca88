"""Zones whose nodes agree on the time among themselves."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("zones", sa.Column("sync_group", sa.JSON, nullable=True))


def downgrade() -> None:
    """Take back."""
    op.drop_column("zones", "sync_group")
