"""API keys: made, listed, revoked, and found again; only their hashes are written down."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import time
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from pylot_ls.api.users import User
from pylot_ls.errors import KeyBookError
from pylot_ls.private_file import write_private

if TYPE_CHECKING:
    from pathlib import Path

_KEY_BYTES = 32
_SALT_BYTES = 16
_PREFIX = "pylot-"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_MOST_FILE_BYTES = 1024 * 1024
# Longer ones are none, and are not hashed.
_MOST_KEY_CHARACTERS = 1024


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """What is known of a key.

    Attributes:
        name: of its user, unique.
        sha256: of the key, in hexadecimal: a key is 256 random bits, so that nothing slower is needed.
        salt: see ``User``.
        created: seconds since 1970.
        most_running, tokens_per_minute: see ``User``.
    """

    name: str
    sha256: str
    salt: str
    created: int
    most_running: int | None = None
    tokens_per_minute: int | None = None

    @property
    def user(self) -> User:
        """Whose it is."""
        return User(self.name, self.salt, self.most_running, self.tokens_per_minute)


class KeyBook:
    """A file of keys, which other processes may change: it is read again when it is another one.

    Args:
        path: of the file, in a folder of the user's own. It need not exist; a missing one has no keys.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp: tuple[int, int, int] | None = None
        self._entries: tuple[KeyEntry, ...] = ()

    def entries(self) -> tuple[KeyEntry, ...]:
        """All keys, in the order they were made.

        Raises:
            KeyBookError: the file cannot be read, or is no book of keys.
        """
        try:
            found = self.path.stat()
            stamp = (found.st_ino, found.st_size, found.st_mtime_ns)
            if stamp != self._stamp:
                self._entries = _read(self.path)
                self._stamp = stamp
        except FileNotFoundError:
            self._stamp, self._entries = None, ()
        except OSError as error:
            raise KeyBookError(f"the API keys in {self.path} cannot be read: {error.strerror}") from error
        return self._entries

    def create(
        self,
        name: str,
        *,
        key: str | None = None,
        shares_editors: bool = False,
        most_running: int | None = None,
        tokens_per_minute: int | None = None,
    ) -> str:
        """Make a key and return it: it is told this once, and can never be read again.

        Args:
            name: of its user; letters, digits and ``._@-``.
            key: a key that is there already; None makes a new one.
            shares_editors: whether its requests find the KV of the editors' own; else they find their own alone.
            most_running: see ``User``.
            tokens_per_minute: see ``User``.

        Raises:
            KeyBookError: the name is taken or none, or the file cannot be written.
        """
        if not _NAME.fullmatch(name):
            raise KeyBookError(f"{name!r} is no name for a key: take up to 64 letters, digits, dots, hyphens and @")
        entries = self.entries()
        if any(entry.name == name for entry in entries):
            raise KeyBookError(f"there is a key named {name} already; revoke it first, or take another name")
        key = key or _PREFIX + secrets.token_urlsafe(_KEY_BYTES)
        salt = "" if shares_editors else secrets.token_hex(_SALT_BYTES)
        entry = KeyEntry(name, _digest(key), salt, int(time.time()), most_running, tokens_per_minute)
        self._write((*entries, entry))
        return key

    def revoke(self, name: str) -> None:
        """Make a key worthless, from the next request on.

        Raises:
            KeyBookError: there is none of that name, or the file cannot be written.
        """
        entries = self.entries()
        left = tuple(entry for entry in entries if entry.name != name)
        if len(left) == len(entries):
            names = ", ".join(entry.name for entry in entries) or "none"
            raise KeyBookError(f"there is no key named {name}; there are: {names}")
        self._write(left)

    def find(self, key: str) -> User | None:
        """Whose key it is; None where it is nobody's. Takes as long whichever it is.

        Raises:
            KeyBookError: see ``entries``.
        """
        digest = _digest(key[:_MOST_KEY_CHARACTERS])
        found: User | None = None
        for entry in self.entries():
            if hmac.compare_digest(entry.sha256, digest):
                found = entry.user
        return found

    def _write(self, entries: tuple[KeyEntry, ...]) -> None:
        """Put a new file in the place of the old one, readable by its owner alone."""
        text = json.dumps({"keys": [asdict(entry) for entry in entries]}, indent=1)
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(self.path, text)
        except OSError as error:
            raise KeyBookError(f"the API keys cannot be written to {self.path}: {error.strerror}") from error
        self._stamp = None


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


def _read(path: Path) -> tuple[KeyEntry, ...]:
    wrong = KeyBookError(f"{path} is no book of API keys; move it away, and make the keys anew")
    with path.open("rb") as file:
        raw = file.read(_MOST_FILE_BYTES + 1)
    if len(raw) > _MOST_FILE_BYTES:
        raise wrong
    try:
        return tuple(map(_entry, json.loads(raw)["keys"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise wrong from error


def _entry(raw: dict[str, Any]) -> KeyEntry:
    known = {each.name for each in fields(KeyEntry)}
    entry = KeyEntry(**{name: value for name, value in raw.items() if name in known})
    whole = (entry.most_running, entry.tokens_per_minute)
    if not all(isinstance(each, str) for each in (entry.name, entry.sha256, entry.salt)) or not all(
        each is None or isinstance(each, int) for each in whole
    ):
        raise TypeError(raw)
    return entry
