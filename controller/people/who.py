"""Whose request it is, and what it may do."""

from dataclasses import dataclass

from controller.errors import RefusedError


@dataclass(frozen=True)
class Who:
    """name: as the audit has it. account: the account's name; None for the user who runs the controller.

    permissions: all of it. sign_in: hash of the browser's sign-in, None where it is no browser.
    token: id of a program's token, None where it is none.
    """

    name: str
    account: str | None
    permissions: frozenset[str]
    roles: tuple[str, ...] = ()
    sign_in: bytes | None = None
    token: str | None = None

    def must(self, permission: str) -> None:
        """Raise RefusedError unless this may be done."""
        if permission not in self.permissions:
            raise RefusedError(
                "not_allowed",
                f"{self.name} may not do this: it needs {permission}.",
                "Ask an administrator for a role that has it.",
            )
