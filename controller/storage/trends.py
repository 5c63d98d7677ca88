"""The tables of what nodes told over time. Minutes are ``wall`` minutes: whole minutes of UTC since 1970."""

from sqlalchemy import BigInteger, Index, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from controller.storage.tables import Table


class TrendMinute(Table):
    """What some nodes told in one minute, as it was heard: a controller.trends.pack frame, one row of it a node.

    part: which nodes (controller.trends.sample.part_of). Lives until its hour is made into TrendChunk rows.
    """

    __tablename__ = "trend_minutes"

    minute: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    part: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    body: Mapped[bytes] = mapped_column(LargeBinary)


class TrendChunk(Table):
    """What one node told in an hour or a day that began at minute `start`: a frame, one row of it a minute.

    Nodes are no foreign keys: what was measured stays until it is too old, also where the node is gone.
    minutes: how many minutes of time it covers, with samples or without, 60 or 1440.
    """

    __tablename__ = "trend_chunks"
    # What is to be packed anew, or too old, is found by it alone, without a look at the rows.
    __table_args__ = (Index("ix_trend_chunks_minutes_start", "minutes", "start", "node"),)

    node: Mapped[str] = mapped_column(String(32), primary_key=True)
    start: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    minutes: Mapped[int] = mapped_column(Integer)
    body: Mapped[bytes] = mapped_column(LargeBinary)
