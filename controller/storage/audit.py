"""The table of the audit: rows are added and never changed; triggers of the database refuse anything else."""

from sqlalchemy import BigInteger, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from controller.storage.tables import Table


class AuditRow(Table):
    """One record; see controller.audit.record for what its fields mean and how they are hashed."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_wall_us", "wall_us"),)

    n: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    wall_us: Mapped[int] = mapped_column(BigInteger)
    who: Mapped[str] = mapped_column(String(120))
    address: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(40))
    object: Mapped[str] = mapped_column(String(200))
    details: Mapped[str] = mapped_column(Text)
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
