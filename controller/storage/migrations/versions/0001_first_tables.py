"""Zones, nodes, sessions, sounds."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "zones",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("profile", sa.String(16), nullable=False),
        sa.Column("gain_db", sa.Float, nullable=False),
        sa.Column("multicast", sa.JSON, nullable=True),
    )
    op.create_table(
        "nodes",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("zone", sa.String(32), sa.ForeignKey("zones.id", name="fk_nodes_zone"), nullable=False),
        sa.Column("gain_db", sa.Float, nullable=False),
        sa.Column("muted", sa.Boolean, nullable=False),
        sa.Column("delay_us", sa.Integer, nullable=False),
        sa.Column("x_m", sa.Float, nullable=True),
        sa.Column("y_m", sa.Float, nullable=True),
        sa.Column("lat", sa.Float, nullable=True),
        sa.Column("lon", sa.Float, nullable=True),
        sa.Column("rtp_address", sa.JSON, nullable=True),
        sa.Column("address", sa.JSON, nullable=True),
        sa.Column("counter", sa.BigInteger, nullable=False),
        sa.Column("status", sa.JSON, nullable=True),
        sa.Column("health", sa.JSON, nullable=True),
        sa.Column("seen_wall_us", sa.BigInteger, nullable=True),
    )
    op.create_index("ix_nodes_zone", "nodes", ["zone"])
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(34), primary_key=True),
        sa.Column("source", sa.JSON, nullable=False),
        sa.Column("zones", sa.JSON, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("gain_db", sa.Float, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("accepted_wall_us", sa.BigInteger, nullable=False),
        sa.Column("began_media_us", sa.BigInteger, nullable=True),
        sa.Column("ended_wall_us", sa.BigInteger, nullable=True),
    )
    op.create_index("ix_sessions_state", "sessions", ["state"])
    op.create_index("ix_sessions_accepted", "sessions", ["accepted_wall_us"])
    op.create_table(
        "sounds",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("duration_s", sa.Float, nullable=False),
        sa.Column("loudness_lufs", sa.Float, nullable=False),
        sa.Column("true_peak_db", sa.Float, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("added_wall_us", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Take back."""
    for table in ("sounds", "sessions", "nodes", "zones"):
        op.drop_table(table)
