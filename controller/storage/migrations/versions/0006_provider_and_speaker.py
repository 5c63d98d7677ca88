"""When the OpenID provider signed an account in last, and which account began a session."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("accounts", sa.Column("provider_wall_us", sa.BigInteger, nullable=True))
    op.add_column("sessions", sa.Column("account", sa.String(64), nullable=True))


def downgrade() -> None:
    """Take back."""
    for table, column in (("sessions", "account"), ("accounts", "provider_wall_us")):
        with op.batch_alter_table(table) as batch:
            batch.drop_column(column)
