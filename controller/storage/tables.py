"""The tables. Times are ``wall`` microseconds: UTC since 1970."""

import secrets
from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, Float, ForeignKey, Index, Integer, LargeBinary, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from codec.wire.mac import KEY_BYTES


class Table(DeclarativeBase):
    """Base of all tables."""


class Area(Table):
    """A province, a commune or a village (controller.areas.KINDS), and the one that it lies in, or null.

    outline: ``[[lat, lon], ...]`` of its border in degrees, not closed, or null.
    """

    __tablename__ = "areas"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    title: Mapped[str] = mapped_column(String(200), default="")
    kind: Mapped[str] = mapped_column(String(8))
    parent: Mapped[str | None] = mapped_column(ForeignKey("areas.id", name="fk_areas_parent"), index=True, default=None)
    outline: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True), default=None)


class Zone(Table):
    """Nodes that always play the same programme.

    profile: a name of codec.profile. multicast: ``[group, port]`` or null for unicast. sync_group: ``[group, port]`` by
    which its nodes agree on the time on their LAN, or null. area: the id of the one that it lies in, or null.
    """

    __tablename__ = "zones"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    title: Mapped[str] = mapped_column(String(200), default="")
    profile: Mapped[str] = mapped_column(String(16), default="lan")
    gain_db: Mapped[float] = mapped_column(Float, default=0.0)
    multicast: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    sync_group: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    area: Mapped[str | None] = mapped_column(String(32), default=None)


class Node(Table):
    """One board with its horns, or (rtp_address ``[host, port]``) a plain RTP receiver that speaks no MQTT.

    address: where its packets came from last. key: 32 bytes that it shares with the controller alone.
    counter: number of the last command to it. status, health: its last reports. seen_wall_us: when the last one came.
    x_m, y_m: position on the village's plan; lat, lon: on the globe, degrees. board, serial: of its hardware, as it
    said when it was enrolled or as it was entered. height_m: of its horns over the ground. aim_deg: where they point,
    from north. enrolled_wall_us: when a board got its key, null before. retired_wall_us: when it was taken out of
    service, or null; then, and before enrolment, nobody has its key.
    """

    __tablename__ = "nodes"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    title: Mapped[str] = mapped_column(String(200), default="")
    zone: Mapped[str] = mapped_column(ForeignKey("zones.id", name="fk_nodes_zone"), index=True)
    gain_db: Mapped[float] = mapped_column(Float, default=0.0)
    muted: Mapped[bool] = mapped_column(Boolean, default=False)
    delay_us: Mapped[int] = mapped_column(Integer, default=0)
    x_m: Mapped[float | None] = mapped_column(Float, default=None)
    y_m: Mapped[float | None] = mapped_column(Float, default=None)
    lat: Mapped[float | None] = mapped_column(Float, default=None)
    lon: Mapped[float | None] = mapped_column(Float, default=None)
    rtp_address: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    address: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    key: Mapped[bytes] = mapped_column(LargeBinary(KEY_BYTES), default=lambda: secrets.token_bytes(KEY_BYTES))
    counter: Mapped[int] = mapped_column(BigInteger, default=0)
    status: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    health: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    seen_wall_us: Mapped[int | None] = mapped_column(BigInteger, default=None)
    board: Mapped[str] = mapped_column(String(32), default="")
    serial: Mapped[str] = mapped_column(String(64), default="")
    sim_number: Mapped[str] = mapped_column(String(20), default="")
    sim_serial: Mapped[str] = mapped_column(String(22), default="")
    postal_address: Mapped[str] = mapped_column(String(300), default="")
    horns: Mapped[int | None] = mapped_column(Integer, default=None)
    height_m: Mapped[float | None] = mapped_column(Float, default=None)
    aim_deg: Mapped[float | None] = mapped_column(Float, default=None)
    note: Mapped[str] = mapped_column(String(1000), default="")
    enrolled_wall_us: Mapped[int | None] = mapped_column(BigInteger, default=None)
    retired_wall_us: Mapped[int | None] = mapped_column(BigInteger, default=None)


class Enrolment(Table):
    """A code that makes a board the node, once; the code itself is kept by nobody, its SHA-256 here.

    A node has one at most: a new one takes the place of the last.
    """

    __tablename__ = "enrolments"

    node: Mapped[str] = mapped_column(ForeignKey("nodes.id", name="fk_enrolments_node"), primary_key=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    expires_wall_us: Mapped[int] = mapped_column(BigInteger)


class Session(Table):
    """One source into some zones, from its start to its end.

    state: a state of controller.broadcasts. began_media_us: media time of its first sample, null before it.
    reason: why it ended or failed. zones: the ids of its zones, kept though a zone is removed later.
    account: whose it is; null: of the user who runs the controller.
    """

    __tablename__ = "sessions"
    __table_args__ = (Index("ix_sessions_state", "state"), Index("ix_sessions_accepted", "accepted_wall_us"))

    id: Mapped[str] = mapped_column(String(34), primary_key=True)
    source: Mapped[dict[str, Any]] = mapped_column(JSON)
    zones: Mapped[list[str]] = mapped_column(JSON)
    priority: Mapped[int] = mapped_column(Integer)
    gain_db: Mapped[float] = mapped_column(Float, default=0.0)
    account: Mapped[str | None] = mapped_column(String(64), default=None)
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(500), default="")
    accepted_wall_us: Mapped[int] = mapped_column(BigInteger)
    began_media_us: Mapped[int | None] = mapped_column(BigInteger, default=None)
    ended_wall_us: Mapped[int | None] = mapped_column(BigInteger, default=None)


class Sound(Table):
    """A sound file in the folder, named by its SHA-256, and how loud it is (EBU R 128)."""

    __tablename__ = "sounds"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    title: Mapped[str] = mapped_column(String(200), default="")
    duration_s: Mapped[float] = mapped_column(Float)
    loudness_lufs: Mapped[float] = mapped_column(Float)
    true_peak_db: Mapped[float] = mapped_column(Float)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    added_wall_us: Mapped[int] = mapped_column(BigInteger)
