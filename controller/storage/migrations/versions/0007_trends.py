"""What nodes told over time: each minute as it is heard, and packed by node."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "trend_minutes",
        sa.Column("minute", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("part", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "trend_chunks",
        sa.Column("node", sa.String(32), primary_key=True),
        sa.Column("start", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("minutes", sa.Integer, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_trend_chunks_minutes_start", "trend_chunks", ["minutes", "start", "node"])


def downgrade() -> None:
    """Take back."""
    op.drop_table("trend_chunks")
    op.drop_table("trend_minutes")
