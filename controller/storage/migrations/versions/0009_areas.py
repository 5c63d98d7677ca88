"""Areas, and in which of them a zone is; the time by which the audit is searched."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "areas",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("parent", sa.String(32), sa.ForeignKey("areas.id", name="fk_areas_parent"), nullable=True),
        sa.Column("outline", sa.JSON, nullable=True),
    )
    op.create_index("ix_areas_parent", "areas", ["parent"])
    op.add_column("zones", sa.Column("area", sa.String(32), nullable=True))
    op.create_index("ix_audit_wall_us", "audit", ["wall_us"])


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_audit_wall_us", "audit")
    with op.batch_alter_table("zones") as batch:
        batch.drop_column("area")
    op.drop_table("areas")
