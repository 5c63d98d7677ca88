"""Enrolment codes, and what is kept of a node's hardware and place."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TEXTS = {"board": 32, "serial": 64, "sim_number": 20, "sim_serial": 22, "postal_address": 300, "note": 1000}
NUMBERS = {
    "horns": sa.Integer,
    "height_m": sa.Float,
    "aim_deg": sa.Float,
    "enrolled_wall_us": sa.BigInteger,
    "retired_wall_us": sa.BigInteger,
}


def upgrade() -> None:
    """Apply."""
    for name, length in TEXTS.items():
        op.add_column("nodes", sa.Column(name, sa.String(length), nullable=False, server_default=""))
    for name, kind in NUMBERS.items():
        op.add_column("nodes", sa.Column(name, kind, nullable=True))
    op.create_table(
        "enrolments",
        sa.Column("node", sa.String(32), sa.ForeignKey("nodes.id", name="fk_enrolments_node"), primary_key=True),
        sa.Column("code_hash", sa.LargeBinary(32), nullable=False, unique=True),
        sa.Column("expires_wall_us", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("enrolments")
    with op.batch_alter_table("nodes") as batch:
        for name in (*TEXTS, *NUMBERS):
            batch.drop_column(name)
