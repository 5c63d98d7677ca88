"""Everything about people of one controller, wired; and the one question: whose request is this?"""

import hashlib
import hmac
import logging
import secrets

from controller.audit.change import Change
from controller.audit.log import Audit
from controller.clock import mono_us
from controller.errors import RefusedError
from controller.people.accounts import Accounts
from controller.people.delays import Delays
from controller.people.oidc import Oidc, OidcSettings, Person
from controller.people.passwords import Passwords
from controller.people.permissions import LOCAL, PERMISSIONS, of_roles
from controller.people.signins import SignIns
from controller.people.tokens import PREFIX, Tokens
from controller.people.who import Who
from controller.storage.database import Database

log = logging.getLogger(__name__)


class People:
    """Accounts, sign-ins and tokens. local_token: of this run, for the user who runs the controller."""

    def __init__(self, database: Database, audit: Audit, oidc: OidcSettings | None = None) -> None:
        self._audit = audit
        self.local_token = PREFIX + secrets.token_urlsafe(32)
        self.passwords = Passwords()
        self.accounts = Accounts(database, audit, self.passwords)
        self.sign_ins = SignIns(database, audit)
        self.tokens = Tokens(database, audit)
        self.oidc = Oidc(oidc) if oidc else None
        self._delays = Delays()

    async def who(self, bearer: str | None, cookie: str | None, used: bool = True) -> Who | None:
        """Return whose request has this token or this cookie; None: nobody's. A token that is given must be good.

        used: somebody did something, so a sign-in does not count as idle.
        """
        if bearer is not None:
            given, own = (
                hashlib.sha256(text.encode("utf-8", "replace")).digest() for text in (bearer, self.local_token)
            )
            if hmac.compare_digest(given, own):
                return Who(LOCAL, None, frozenset(PERMISSIONS), ("administrator",))
            return await self.tokens.who(bearer)
        return await self.sign_ins.who(cookie, used) if cookie else None

    async def sign_in(self, name: str, password: str, code: str, address: str) -> tuple[Who, str]:
        """Return who signed in and what his cookie shall hold.

        Raises TooOftenError, and RefusedError: "code_needed" for the right password without the one-time code that
        this account needs, else "sign_in_refused", which does not tell what was wrong.
        """
        self._delays.attempt(name, address, mono_us())
        account = await self.accounts.check(name, password)
        if account is not None and account.totp_confirmed:
            if not code:
                # Still counted as wrong: else a known password would make guessing codes free.
                raise RefusedError("code_needed", "This account also needs a one-time code.", "Look at your telephone.")
            if not await self.accounts.use_code(name, code):
                account = None
        if account is None:
            # A name that nobody has may be a password in the wrong field.
            known = name if await self.accounts.known(name) else "an unknown name"
            await self._audit.note(Change("nobody", address, "sign_in.refused", known))
            raise RefusedError("sign_in_refused", "The name, the password or the code is wrong.", "Try again.")
        self._delays.succeeded(name, address)
        secret = await self.sign_ins.begin(account, "password")
        return Who(account.name, account.name, of_roles(account.roles), tuple(account.roles)), secret

    async def is_password(self, name: str, password: str, address: str) -> bool:
        """Return whether this is the account's password; raises TooOftenError like a sign-in."""
        self._delays.attempt(name, address, mono_us())
        if await self.accounts.check(name, password) is None:
            return False
        self._delays.succeeded(name, address)
        return True

    async def confirm_totp(self, name: str, code: str, address: str) -> None:
        """Ask for one-time codes from now on; raises UnusableError for a wrong code, TooOftenError like a sign-in."""
        self._delays.attempt(name, address, mono_us())
        await self.accounts.confirm_totp(name, code)
        self._delays.succeeded(name, address)

    async def sign_in_subject(self, person: Person) -> str:
        """Return what the cookie of somebody shall hold whom the provider signed in; raises RefusedError."""
        account = await self.accounts.by_subject(person.subject, person.title, person.roles, person.name)
        if account is None:
            raise RefusedError("sign_in_refused", "This account is disabled.", "Ask an administrator.")
        return await self.sign_ins.begin(account, "oidc")

    async def close(self) -> None:
        """Close what is open to the provider."""
        if self.oidc:
            await self.oidc.close()
