"""Tokens of programs: shown once, kept as a hash, for a time, for some of what their account may do."""

import hashlib
import secrets

from sqlalchemy import delete, func, select

from controller.audit.log import Audit
from controller.clock import wall_us
from controller.errors import ConflictError, NotFoundError, UnusableError
from controller.people.accounts import in_force
from controller.people.permissions import BY_HAND, PERMISSIONS, of_roles
from controller.people.who import Who
from controller.storage.database import Database
from controller.storage.people import Account, Token

PREFIX = "loaxa_"
MOST = 100
"""Of one account."""
DAY_US = 86_400_000_000


class Tokens:
    """All tokens."""

    def __init__(self, database: Database, audit: Audit) -> None:
        self._database = database
        self._audit = audit

    async def add(self, account: str, title: str, scopes: list[str], days: int) -> tuple[Token, str]:
        """Return a new token's row and the token itself, told here and never again.

        Raises UnusableError for a scope that does not exist, ConflictError when the account has too many.
        """
        known = [permission for permission in PERMISSIONS if permission not in BY_HAND]
        for scope in scopes:
            if scope not in known:
                raise UnusableError(
                    "unknown_scope", f"There is no scope {scope[:40]}.", f"There are: {', '.join(known)}."
                )
        secret = PREFIX + secrets.token_urlsafe(32)
        now_us = wall_us()
        token = Token(
            id=f"t-{secrets.token_hex(8)}",
            hash=_hash(secret),
            account=account,
            title=title,
            scopes=sorted(set(scopes)),
            created_wall_us=now_us,
            expires_wall_us=now_us + days * DAY_US,
        )
        async with self._database.write() as session:
            await session.execute(delete(Token).where(Token.expires_wall_us < now_us - 30 * DAY_US))
            if await session.get(Account, account) is None:
                raise NotFoundError("unknown_user", f"There is no account {account}.", "GET /api/users lists them.")
            count = await session.scalar(select(func.count()).select_from(Token).where(Token.account == account)) or 0
            if count >= MOST:
                raise ConflictError("too_many", f"{account} has {MOST} tokens.", "Remove those that nobody uses.")
            session.add(token)
            await self._audit.record(
                session, "token.add", token.id, account=account, title=title, scopes=token.scopes, days=days
            )
        return token, secret

    async def all(self, account: str | None) -> list[Token]:
        """Return the tokens of one account, or of all."""
        asked = select(Token).order_by(Token.created_wall_us)
        async with self._database.read() as session:
            return list(await session.scalars(asked.where(Token.account == account) if account else asked))

    async def remove(self, token_id: str, account: str | None) -> None:
        """Make a token worthless at once; raises NotFoundError. account: whose it must be, None: anybody's."""
        async with self._database.write() as session:
            token = await session.get(Token, token_id)
            if token is None or (account is not None and token.account != account):
                raise NotFoundError("unknown_token", f"There is no token {token_id}.", "GET /api/tokens lists them.")
            await session.delete(token)
            await self._audit.record(session, "token.remove", token_id, account=token.account)

    async def who(self, secret: str) -> Who | None:
        """Return who a token stands for, with what both it and its account may do; None for one that is not good."""
        async with self._database.read() as session:
            token = (await session.scalars(select(Token).where(Token.hash == _hash(secret)))).first()
            account = await session.get(Account, token.account) if token else None
        if token is None or account is None or not in_force(account) or token.expires_wall_us <= wall_us():
            return None
        allowed = of_roles(account.roles) & frozenset(token.scopes) - BY_HAND
        return Who(f"{account.name} ({token.id})", account.name, allowed, token=token.id)


def _hash(secret: str) -> bytes:
    return hashlib.sha256(b"loaxa token " + secret.encode("utf-8", "replace")).digest()
