"""Accounts: added, changed, and looked at when somebody signs in."""

import time
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from controller.audit import change as changes
from controller.audit.log import Audit
from controller.clock import wall_us
from controller.errors import ConflictError, NotFoundError, UnusableError
from controller.people import totp
from controller.people.passwords import Passwords, check_quality, generate
from controller.people.permissions import ROLES
from controller.storage.database import Database
from controller.storage.people import Account, SignIn, Token

PROVIDER_US = 30 * 86_400_000_000
"""So long somebody counts whom the OpenID provider knew; who left there does not sign in there any more."""
FIRST = "admin"
ADMINISTRATOR = "administrator"


class Accounts:
    """All accounts. There is always one administrator who can sign in."""

    def __init__(self, database: Database, audit: Audit, passwords: Passwords) -> None:
        self._database = database
        self._audit = audit
        self._passwords = passwords

    async def first(self) -> str | None:
        """Make the first administrator where there is no account; return his password, which is kept nowhere."""
        async with self._database.read() as session:
            if (await session.scalars(select(Account.name).limit(1))).first() is not None:
                return None
        password = generate()
        await self.add(FIRST, "", [ADMINISTRATOR], password)
        return password

    async def all(self) -> list[Account]:
        """Return every account by name."""
        async with self._database.read() as session:
            return list(await session.scalars(select(Account).order_by(Account.name)))

    async def known(self, name: str) -> bool:
        """Return whether there is such an account."""
        async with self._database.read() as session:
            return await session.get(Account, name) is not None

    async def get(self, name: str) -> Account:
        """Return an account; raises NotFoundError."""
        async with self._database.read() as session:
            return await _get(session, name)

    async def add(self, name: str, title: str, roles: list[str], password: str | None) -> Account:
        """Add an account; raises ConflictError, and UnusableError for a weak password. None: it cannot sign in yet."""
        hashed = None
        if password is not None:
            check_quality(password, name, title)
            hashed = await self._passwords.hash(password)
        account = Account(
            name=name, title=title, roles=_checked(roles), password_hash=hashed, created_wall_us=wall_us()
        )
        async with self._database.write() as session:
            if await session.get(Account, name):
                raise ConflictError("exists", f"There is an account {name} already.", "Choose another name.")
            session.add(account)
            await self._audit.record(session, "user.add", name, title=title, roles=roles)
        return account

    async def change(self, name: str, values: dict[str, Any]) -> Account:
        """Change title, roles or enabled; raises NotFoundError, ConflictError. Who is disabled is signed out."""
        if "roles" in values:
            values = {**values, "roles": _checked(values["roles"])}
        async with self._database.write() as session:
            account = await _get(session, name)
            for column, value in values.items():
                setattr(account, column, value)
            if not account.enabled:
                await session.execute(delete(SignIn).where(SignIn.account == name))
            await _check_administrator(session)
            await self._audit.record(session, "user.change", name, **values)
        return account

    async def remove(self, name: str) -> None:
        """Remove an account with its sign-ins and tokens; raises NotFoundError, ConflictError."""
        async with self._database.write() as session:
            account = await _get(session, name)
            await _end_all(session, name)
            await session.delete(account)
            await session.flush()
            await _check_administrator(session)
            await self._audit.record(session, "user.remove", name)

    async def set_password(self, name: str, password: str) -> None:
        """Give an account a password, end its sign-ins and tokens; raises NotFoundError, UnusableError: too weak."""
        account = await self.get(name)
        check_quality(password, name, account.title)
        hashed = await self._passwords.hash(password)
        async with self._database.write() as session:
            (await _get(session, name)).password_hash = hashed
            await _end_all(session, name)
            await self._audit.record(session, "user.password", name)

    async def check(self, name: str, password: str) -> Account | None:
        """Return the account whose password this is; every other answer takes as long."""
        async with self._database.read() as session:
            account = await session.get(Account, name)
        good = await self._passwords.verify(password, account.password_hash if account else None)
        return account if account and good and in_force(account) else None

    async def offer_totp(self, name: str) -> str:
        """Return a new secret for one-time codes, asked for only once it is confirmed; raises ConflictError."""
        async with self._database.write() as session:
            account = await _get(session, name)
            if account.totp_confirmed:
                raise ConflictError(
                    "totp_on", "One-time codes are in use already.", "An administrator can end them for this account."
                )
            account.totp_secret, account.totp_step = totp.new_secret(), 0
            await self._audit.record(session, "totp.offer", name)
            return account.totp_secret

    async def confirm_totp(self, name: str, code: str) -> None:
        """Ask for one-time codes from now on; raises UnusableError for a wrong code."""
        async with self._database.write() as session:
            account = await _get(session, name)
            if account.totp_confirmed or not _use(account, code):
                raise UnusableError(
                    "wrong_code", "This code is not right.", "Look at the telephone's clock; try again."
                )
            account.totp_confirmed = True
            await self._audit.record(session, "totp.confirm", name)

    async def end_totp(self, name: str) -> None:
        """Ask this account for no one-time codes, and end its sign-ins; raises NotFoundError."""
        async with self._database.write() as session:
            account = await _get(session, name)
            account.totp_secret, account.totp_confirmed = None, False
            await session.execute(delete(SignIn).where(SignIn.account == name))
            await self._audit.record(session, "totp.end", name)

    async def use_code(self, name: str, code: str) -> bool:
        """Return whether this is a one-time code of the account that was not used before; it is now."""
        async with self._database.write() as session:
            account = await _get(session, name)
            return account.totp_confirmed and _use(account, code)

    async def by_subject(self, subject: str, title: str, roles: list[str], name: str) -> Account | None:
        """Return the account of an OpenID subject with its roles of today, made when it is new; None: disabled."""
        async with self._database.write() as session:
            account = (await session.scalars(select(Account).where(Account.subject == subject))).first()
            changes.by(account.name if account else name)
            if account is None:
                account = Account(
                    name=name, title=title, roles=_checked(roles), subject=subject, created_wall_us=wall_us()
                )
                session.add(account)
                await self._audit.record(session, "user.add", name, title=title, roles=roles, by="oidc")
            elif account.enabled and account.roles != roles:
                account.roles = _checked(roles)
                await self._audit.record(session, "user.change", account.name, roles=roles, by="oidc")
            account.provider_wall_us = wall_us()
            return account if account.enabled is not False else None


def in_force(account: Account) -> bool:
    """Return whether an account may do anything now: enabled, and if it is the provider's, seen there of late."""
    lapsed = account.subject is not None and wall_us() - (account.provider_wall_us or 0) > PROVIDER_US
    return account.enabled and not lapsed


def _use(account: Account, code: str) -> bool:
    if account.totp_secret is None:
        return False
    step = totp.used_step(account.totp_secret, code, int(time.time()), account.totp_step)
    if step is None:
        return False
    account.totp_step = step
    return True


def _checked(roles: list[str]) -> list[str]:
    for role in roles:
        if role not in ROLES:
            raise UnusableError("unknown_role", f"There is no role {role[:40]}.", f"There are: {', '.join(ROLES)}.")
    return sorted(set(roles))


async def _get(session: AsyncSession, name: str) -> Account:
    found = await session.get(Account, name)
    if found is None:
        raise NotFoundError("unknown_user", f"There is no account {name}.", "GET /api/users lists them.")
    return found


async def _end_all(session: AsyncSession, name: str) -> None:
    for table in (SignIn, Token):
        await session.execute(delete(table).where(table.account == name))


async def _check_administrator(session: AsyncSession) -> None:
    await session.flush()
    for account in await session.scalars(select(Account).where(Account.enabled)):
        if ADMINISTRATOR in account.roles:
            return
    raise ConflictError("last_administrator", "Then nobody would be administrator.", "Make somebody else one first.")
