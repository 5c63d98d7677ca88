"""Alerts, and what channels of notification have yet to tell of them."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "alerts",
        sa.Column("id", sa.String(20), primary_key=True),
        sa.Column("node", sa.String(32), nullable=True),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("severity", sa.String(8), nullable=False),
        sa.Column("since_wall_us", sa.BigInteger, nullable=False),
        sa.Column("cleared_wall_us", sa.BigInteger, nullable=True),
        sa.Column("acknowledged_wall_us", sa.BigInteger, nullable=True),
        sa.Column("acknowledged_by", sa.String(120), nullable=True),
        sa.Column("note", sa.String(1000), nullable=False),
        sa.Column("detail", sa.JSON, nullable=False),
    )
    op.create_index("ix_alerts_since", "alerts", ["since_wall_us"])
    op.create_index("ix_alerts_cleared", "alerts", ["cleared_wall_us"])
    op.create_index("ix_alerts_node", "alerts", ["node", "since_wall_us"])
    op.create_table(
        "notices",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("channel", sa.String(32), nullable=False),
        sa.Column("alert", sa.String(20), nullable=False),
        sa.Column("what", sa.String(8), nullable=False),
        sa.Column("created_wall_us", sa.BigInteger, nullable=False),
        sa.Column("due_wall_us", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_notices_due", "notices", ["channel", "due_wall_us"])
    op.create_index("ix_notices_alert", "notices", ["alert"])


def downgrade() -> None:
    """Take back."""
    op.drop_table("notices")
    op.drop_table("alerts")
