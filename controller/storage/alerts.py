"""The tables of alerts and of what is still to be told to people about them. Times are wall us."""

from typing import Any

from sqlalchemy import JSON, BigInteger, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from controller.storage.tables import Table


class AlertRow(Table):
    """Something that is or was wrong. node: null for the controller; kept though the node is removed.

    detail: what was found, by the kind's own names, and `count`, how often it began again. acknowledged_by: as in the
    audit.
    """

    __tablename__ = "alerts"
    __table_args__ = (
        Index("ix_alerts_since", "since_wall_us"),
        Index("ix_alerts_cleared", "cleared_wall_us"),
        Index("ix_alerts_node", "node", "since_wall_us"),
    )

    id: Mapped[str] = mapped_column(String(20), primary_key=True)
    node: Mapped[str | None] = mapped_column(String(32), default=None)
    kind: Mapped[str] = mapped_column(String(32))
    severity: Mapped[str] = mapped_column(String(8))
    since_wall_us: Mapped[int] = mapped_column(BigInteger)
    cleared_wall_us: Mapped[int | None] = mapped_column(BigInteger, default=None)
    acknowledged_wall_us: Mapped[int | None] = mapped_column(BigInteger, default=None)
    acknowledged_by: Mapped[str | None] = mapped_column(String(120), default=None)
    note: Mapped[str] = mapped_column(String(1000), default="")
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)


class NoticeRow(Table):
    """What a channel of notification has yet to tell: that an alert was "raised" or "cleared", not before due."""

    __tablename__ = "notices"
    __table_args__ = (
        Index("ix_notices_due", "channel", "due_wall_us"),
        Index("ix_notices_alert", "alert"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    channel: Mapped[str] = mapped_column(String(32))
    alert: Mapped[str] = mapped_column(String(20))
    what: Mapped[str] = mapped_column(String(8))
    created_wall_us: Mapped[int] = mapped_column(BigInteger)
    due_wall_us: Mapped[int] = mapped_column(BigInteger)
