"""The end of the chain, kept outside of the database, so that a chain that was cut or made anew is found."""

import hashlib
import hmac
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from controller.audit.record import GENESIS
from controller.errors import StartError
from controller.storage.files import write_atomically

KEY_BYTES = 32


@dataclass(frozen=True)
class Head:
    """Number and hash of the last record; 0 and zeros before the first."""

    n: int = 0
    hash: str = GENESIS


class HeadFile:
    """`audit.head` in a folder, with an HMAC by `audit.key` beside it; they are made together, the head first."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "audit.head"
        self._key_path = folder / "audit.key"

    def prepare(self, empty: bool) -> None:
        """Make the key where there is none, and the head of an `empty` table; raises StartError."""
        try:
            if not self._key_path.exists():
                key = secrets.token_bytes(KEY_BYTES)
                if empty:
                    write_atomically(self._path, _content(Head(), key), mode=0o600)
                write_atomically(self._key_path, key.hex().encode(), mode=0o600)
            self._key()
        except (OSError, ValueError) as error:
            raise StartError(
                "audit_key", f"{self._key_path} cannot be used: {error}.", "Bring it back from the backup."
            ) from None

    def write(self, head: Head) -> None:
        """Keep the head; raises OSError."""
        write_atomically(self._path, _content(head, self._key()), durable=False, mode=0o600)

    def read(self) -> Head | None:
        """Return the head; None when there is no file. Raises ValueError for one that was not written with the key."""
        try:
            with os.fdopen(os.open(self._path, os.O_RDONLY | os.O_CLOEXEC), "rb") as file:
                body = json.loads(file.read(4096))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ValueError(f"{self._path} cannot be read: {error.strerror}") from None
        try:
            head = Head(int(body["n"]), str(body["hash"]))
            good = hmac.compare_digest(str(body["hmac"]), _mac(head, self._key()))
        except (KeyError, TypeError, OSError):
            good = False
        if not good:
            raise ValueError(f"{self._path} was not written by this controller")
        return head

    def _key(self) -> bytes:
        key = bytes.fromhex(self._key_path.read_text())
        if len(key) != KEY_BYTES:
            raise ValueError("not a key")
        return key


def _content(head: Head, key: bytes) -> bytes:
    return json.dumps({"n": head.n, "hash": head.hash, "hmac": _mac(head, key)}).encode()


def _mac(head: Head, key: bytes) -> str:
    return hmac.new(key, f"loaxa audit head {head.n} {head.hash}".encode(), hashlib.sha256).hexdigest()
