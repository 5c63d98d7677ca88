"""Passwords: argon2id, worked out in threads, a bounded number at once; and which are too weak."""

import asyncio
import secrets
import unicodedata
from collections.abc import Callable
from typing import TypeVar

from pwdlib import PasswordHash
from pwdlib.exceptions import PwdlibError
from pwdlib.hashers.argon2 import Argon2Hasher

from controller.errors import UnavailableError, UnusableError

T = TypeVar("T")
LEAST_CHARS = 10
MOST_CHARS = 200
AT_ONCE = 2
"""Each takes 64 MB and a core for a fifth of a second."""
MOST_WAITING = 32
COMMON = frozenset(
    {"password", "matkhau", "loaxa", "truyenthanh", "qwertyuiop", "administrator", "vietnam", "iloveyou"}
)


class Passwords:
    """Makes and checks hashes."""

    def __init__(self) -> None:
        self._hasher = PasswordHash((Argon2Hasher(),))
        self._room = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._nobodys: str | None = None

    async def hash(self, password: str) -> str:
        """Return what is kept of a password."""
        return await self._run(self._hasher.hash, _normal(password))

    async def verify(self, password: str, kept: str | None) -> bool:
        """Return whether it is the password; with None the same time is spent and the answer is no."""
        if self._nobodys is None:
            self._nobodys = await self.hash(secrets.token_urlsafe(16))
        try:
            good = await self._run(self._hasher.verify, _normal(password), kept or self._nobodys)
        except PwdlibError:  # a hash that no library of ours made
            return False
        return bool(good) and kept is not None

    async def _run(self, work: Callable[..., T], *arguments: str) -> T:
        if self._waiting >= MOST_WAITING:
            raise UnavailableError("busy", "Too many sign in at this moment.", "Try again in a few seconds.")
        self._waiting += 1
        try:
            async with self._room:
                return await asyncio.to_thread(work, *arguments)
        finally:
            self._waiting -= 1


def check_quality(password: str, *about: str) -> None:
    """Raise UnusableError for a password that is easily guessed. about: the account's name and the like."""
    why = ""
    plain = "".join(c for c in unicodedata.normalize("NFKD", password).lower() if c.isalnum())
    if len(password) < LEAST_CHARS:
        why = f"has fewer than {LEAST_CHARS} characters"
    elif len(password) > MOST_CHARS:
        why = f"has more than {MOST_CHARS} characters"
    elif len(set(password)) < 5:
        why = "has fewer than five different characters"
    elif plain.strip("0123456789") in COMMON or not plain:
        why = "is one of the first that are tried"
    elif plain in "01234567890123456789" or plain in "98765432109876543210":
        why = "counts"
    elif any(len(word) >= 3 and plain.strip("0123456789") == word.lower() for word in about):
        why = "is the name with digits"
    if why:
        raise UnusableError("weak_password", f"This password {why}.", "Take four words that do not belong together.")


def generate() -> str:
    """Return a random password of 20 characters that can be typed from paper."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(5)) for _ in range(4))


def _normal(password: str) -> str:
    """Return one form of the same letters: a Vietnamese keyboard may type them composed or not."""
    return unicodedata.normalize("NFC", password)
