"""Browsers that are signed in: by a cookie of 256 random bits, of which only the hash is kept."""

import hashlib
import secrets

from sqlalchemy import delete

from controller.audit import change as changes
from controller.audit.log import Audit
from controller.clock import wall_us
from controller.people.accounts import in_force
from controller.people.permissions import of_roles
from controller.people.who import Who
from controller.storage.database import Database
from controller.storage.people import Account, SignIn

LONGEST_US = 12 * 3600 * 1_000_000
"""A working day; then the password is asked for again."""
IDLE_US = 2 * 3600 * 1_000_000
_SEEN_EVERY_US = 60_000_000


class SignIns:
    """All sign-ins."""

    def __init__(self, database: Database, audit: Audit) -> None:
        self._database = database
        self._audit = audit

    async def begin(self, account: Account, by: str) -> str:
        """Return what the browser's cookie shall hold. by: how he proved who he is, for the audit."""
        secret = secrets.token_urlsafe(32)
        now_us = wall_us()
        changes.by(account.name)
        async with self._database.write() as session:
            await session.execute(delete(SignIn).where(SignIn.began_wall_us < now_us - LONGEST_US))
            session.add(SignIn(hash=_hash(secret), account=account.name, began_wall_us=now_us, seen_wall_us=now_us))
            await self._audit.record(session, "sign_in", account.name, by=by)
        return secret

    async def who(self, secret: str, used: bool = True) -> Who | None:
        """Return whose cookie this is; None: nobody's, too old, too long unused, or of an account not in force.

        used: this is a use of it.
        """
        key = _hash(secret)
        now_us = wall_us()
        async with self._database.read() as session:
            found = await session.get(SignIn, key)
            account = await session.get(Account, found.account) if found else None
        if found is None or account is None or not in_force(account):
            return None
        if now_us - found.began_wall_us > LONGEST_US or now_us - found.seen_wall_us > IDLE_US:
            return None
        if used and now_us - found.seen_wall_us > _SEEN_EVERY_US:
            async with self._database.write() as session:
                row = await session.get(SignIn, key)
                if row:
                    row.seen_wall_us = now_us
        return Who(account.name, account.name, of_roles(account.roles), tuple(account.roles), sign_in=key)

    async def end(self, key: bytes, name: str) -> None:
        """End one sign-in."""
        async with self._database.write() as session:
            await session.execute(delete(SignIn).where(SignIn.hash == key))
            await self._audit.record(session, "sign_out", name)


def _hash(secret: str) -> bytes:
    return hashlib.sha256(b"loaxa sign-in " + secret.encode("utf-8", "replace")).digest()
