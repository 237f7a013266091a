"""The folder on disk: whose it is, what lies in it, and how it is emptied. It holds what users wrote, as KV."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

DB_NAME = "cache.db"
DB_LOG_NAME = f"{DB_NAME}-wal"
# The database goes last: a process that still has it open sees by it that the folder was emptied, and SQLite
# discards a log that it finds beside a new database.
DB_FILES = (DB_LOG_NAME, f"{DB_NAME}-shm", f"{DB_NAME}-journal", DB_NAME)

_VALUE_NAME = re.compile(r"[0-9a-f]{2}/[0-9a-f]{30}\.val")
_VALUE_FOLDER = re.compile(r"[0-9a-f]{2}")

# Windows alone distinguishes text from binary and lacks the others. Opening a FIFO must not wait for a writer.
_READ_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_CREATE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


class FolderRefusedError(OSError):
    """The folder, or a file in it, is not ours alone."""


def is_ours(status: os.stat_result) -> bool:
    """Whether a file or folder belongs to the user who runs this."""
    return not hasattr(os, "getuid") or status.st_uid == os.getuid()


def refuse_foreign(folder: Path) -> None:
    """See that the path is a folder of ours.

    Raises:
        FolderRefusedError: it is no folder, or somebody else's.
        OSError: it is not there, or cannot be looked at.
    """
    status = folder.stat()
    if not stat.S_ISDIR(status.st_mode):
        raise FolderRefusedError("it is no folder")
    if not is_ours(status):
        raise FolderRefusedError("it belongs to another user")


def make_private(folder: Path) -> None:
    """Make the folder where it is missing, and close it to others.

    Raises:
        FolderRefusedError: it is no folder, somebody else's, or cannot be written to.
        OSError: it cannot be made or closed to others.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    refuse_foreign(folder)
    if stat.S_IMODE(folder.stat().st_mode) & 0o077:
        folder.chmod(0o700)
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise FolderRefusedError("it cannot be written to")


def make_private_database(folder: Path) -> None:
    """Make an empty database file where there is none, and close an existing one to others.

    SQLite gives the files that it makes beside it the same permissions.
    """
    path = folder / DB_NAME
    try:
        os.close(os.open(path, _CREATE_FLAGS, 0o600))
    except FileExistsError:
        path.chmod(0o600)


def new_value_name() -> str:
    """Return a random name for a value's file, relative to the folder."""
    name = secrets.token_hex(16)
    return f"{name[:2]}/{name[2:]}.val"


def is_value_name(name: object) -> bool:
    """Whether a name is one that ``new_value_name`` can give; such a name cannot lead out of the folder."""
    return isinstance(name, str) and _VALUE_NAME.fullmatch(name) is not None


def write_new(path: Path, content: bytes) -> None:
    """Write a file that does not exist yet, for us alone; where that fails, nothing is left of it.

    Raises:
        OSError: it exists, or cannot be written.
    """
    descriptor = os.open(path, _CREATE_FLAGS, 0o600)
    try:
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            write_all(file.fileno(), content)
    except BaseException:
        with contextlib.suppress(OSError):
            path.unlink()
        raise


def write_all(descriptor: int, content: bytes) -> None:
    """Write all of the content; the one place where bytes reach the disk.

    Raises:
        OSError: the disk is full, or fails.
    """
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def read_regular(path: Path, limit_bytes: int) -> bytes | None:
    """Return the content of a regular file of ours of at most that size, None for anything else that is there.

    Raises:
        OSError: it is not there, is a symbolic link, or cannot be read.
    """
    descriptor = os.open(path, _READ_FLAGS)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or not is_ours(status) or status.st_size > limit_bytes:
            return None
        with os.fdopen(descriptor, "rb", buffering=0, closefd=False) as file:
            return file.read()
    finally:
        os.close(descriptor)


def value_files(folder: Path) -> dict[str, int]:
    """Return the names and sizes in bytes of all files that have the name of a value."""
    found = {}
    for inner in _entries(folder):
        if inner.is_dir(follow_symlinks=False) and _VALUE_FOLDER.fullmatch(inner.name):
            for file in _entries(inner):
                name = f"{inner.name}/{file.name}"
                if is_value_name(name):
                    with contextlib.suppress(OSError):  # another process may have just removed it
                        found[name] = file.stat(follow_symlinks=False).st_size
    return found


def size_bytes(folder: str | os.PathLike[str]) -> int:
    """Return the size of all files in the folder, in bytes; links are counted, not followed."""
    total = 0
    for each in _entries(folder):
        with contextlib.suppress(OSError):
            is_folder = each.is_dir(follow_symlinks=False)
            total += size_bytes(each) if is_folder else each.stat(follow_symlinks=False).st_size
    return total


def remove_value(folder: Path, name: str) -> None:
    """Remove a value's file; what is gone already is fine.

    The folder that held it stays, since another process may be about to write there.
    """
    path = folder / name
    if not path.parent.is_symlink():
        with contextlib.suppress(OSError):
            path.unlink()


def remove_content(folder: Path, keep: Collection[str] = ()) -> None:
    """Remove all that lies in the folder but the names to keep; links are removed, not followed.

    Raises:
        OSError: something cannot be removed.
    """
    entries = [entry for entry in _entries(folder) if entry.name not in keep]
    for entry in sorted(entries, key=lambda entry: DB_FILES.index(entry.name) if entry.name in DB_FILES else -1):
        _remove(entry)


def _remove(entry: os.DirEntry[str]) -> None:
    with contextlib.suppress(FileNotFoundError):
        if not entry.is_dir(follow_symlinks=False):
            os.unlink(entry.path)  # noqa: PTH108 an entry of scandir has a path as text
            return
        for inner in _entries(entry):
            _remove(inner)
        os.rmdir(entry.path)  # noqa: PTH106 the same


def _entries(folder: str | os.PathLike[str]) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from list(entries)
    except FileNotFoundError:
        return
