"""The tables about people: who may sign in, who is signed in, and the tokens of programs. Times are wall us."""

from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from controller.storage.tables import Table


class Account(Table):
    """One person. password_hash: argon2id, null where only the provider of [oidc] lets him in.

    totp_secret: base32, null without one-time codes; totp_confirmed: whether they are asked for; totp_step: the last
    30 s whose code was used. subject: issuer and subject at the OpenID provider, which signed
    him in last at provider_wall_us.
    """

    __tablename__ = "accounts"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    title: Mapped[str] = mapped_column(String(200), default="")
    roles: Mapped[list[Any]] = mapped_column(JSON)
    enabled: Mapped[bool] = mapped_column(Boolean, default=True)
    password_hash: Mapped[str | None] = mapped_column(String(200), default=None)
    totp_secret: Mapped[str | None] = mapped_column(String(64), default=None)
    totp_confirmed: Mapped[bool] = mapped_column(Boolean, default=False)
    totp_step: Mapped[int] = mapped_column(BigInteger, default=0)
    subject: Mapped[str | None] = mapped_column(String(500), unique=True, default=None)
    provider_wall_us: Mapped[int | None] = mapped_column(BigInteger, default=None)
    created_wall_us: Mapped[int] = mapped_column(BigInteger)


class SignIn(Table):
    """One browser that is signed in. hash: SHA-256 of what its cookie holds."""

    __tablename__ = "sign_ins"

    hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    account: Mapped[str] = mapped_column(ForeignKey("accounts.name", name="fk_sign_ins_account"), index=True)
    began_wall_us: Mapped[int] = mapped_column(BigInteger)
    seen_wall_us: Mapped[int] = mapped_column(BigInteger)


class Token(Table):
    """What lets a program in as its account, for some of what that account may do. hash: SHA-256 of the token."""

    __tablename__ = "tokens"

    id: Mapped[str] = mapped_column(String(18), primary_key=True)
    hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    account: Mapped[str] = mapped_column(ForeignKey("accounts.name", name="fk_tokens_account"), index=True)
    title: Mapped[str] = mapped_column(String(200), default="")
    scopes: Mapped[list[Any]] = mapped_column(JSON)
    created_wall_us: Mapped[int] = mapped_column(BigInteger)
    expires_wall_us: Mapped[int] = mapped_column(BigInteger)
