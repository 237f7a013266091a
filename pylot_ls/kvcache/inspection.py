"""An existing ``cache.db`` is looked at, read-only, before diskcache opens it and applies what it finds there."""

from __future__ import annotations

import functools
import sqlite3
import stat
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Literal

import diskcache

from pylot_ls.kvcache.bytes_disk import SETTINGS, BytesDisk
from pylot_ls.kvcache.folder import DB_FILES, DB_NAME, is_ours

_COUNTERS = frozenset({"count", "size", "hits", "misses"})
_MAX_ROWS = 100
_Object = tuple[str, str, str, str | None]
_SCHEMA = "SELECT type, name, tbl_name, sql FROM sqlite_master"
_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
# What SQLite says of a full or failing disk, also where the database is sound: to read one it makes a file beside it.
_OF_THE_DISK = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}


def is_locked(error: sqlite3.Error) -> bool:
    """Whether another connection held the database; not so for errors of Python's own, which have no code."""
    return _code(error) in _LOCKED


def _code(error: sqlite3.Error) -> int:
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF


def find_fault(folder: Path, timeout_s: float) -> str | None:
    """Return why the database in the folder must not be opened; None where it may, or where there is none yet.

    A database that another process is just making holds less than a finished one: only what it holds is judged.

    Raises:
        sqlite3.OperationalError: it is locked for longer than the timeout, the disk is full or fails, or a database to
            compare cannot be made.
        OSError: the files cannot be looked at.
    """
    for name in DB_FILES:
        try:
            status = (folder / name).lstat()
        except FileNotFoundError:
            continue
        # 0 has a journal that another process is removing right now.
        if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1 or not is_ours(status):
            return f"{name} is no file of ours"
    if not (folder / DB_NAME).exists():
        return None
    expected = _expected_schema()
    try:
        with closing(open_database(folder, timeout_s, "ro")) as database:
            return _fault_in(database, expected)
    except sqlite3.Error as error:
        if _code(error) in _LOCKED | _OF_THE_DISK:
            raise
        return f"{DB_NAME} is damaged ({error})"


def open_database(folder: Path, timeout_s: float, mode: Literal["ro", "rw"]) -> sqlite3.Connection:
    """Open an existing database, to read it ("ro") or to change it ("rw"), without diskcache.

    Raises:
        sqlite3.Error: there is none, or it cannot be read.
    """
    uri = f"{(folder.absolute() / DB_NAME).as_uri()}?mode={mode}"
    database = sqlite3.connect(uri, uri=True, timeout=timeout_s, isolation_level=None)
    try:
        database.execute("PRAGMA trusted_schema = OFF")
    except sqlite3.Error:
        database.close()
        raise
    return database


def _fault_in(database: sqlite3.Connection, expected: frozenset[_Object]) -> str | None:
    schema = set(database.execute(_SCHEMA).fetchmany(_MAX_ROWS))
    if not schema <= expected:
        return f"{DB_NAME} holds tables or triggers that are not the cache's"
    verdict = database.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != ("ok",):
        return f"{DB_NAME} is damaged"
    if ("table", "Settings") in {row[:2] for row in schema}:
        for key, value in database.execute("SELECT key, value FROM Settings").fetchmany(_MAX_ROWS):
            if not _is_expected(key, value):
                return f"{DB_NAME} holds settings that are not the cache's"
    return None


def _is_expected(key: object, value: object) -> bool:
    if key in _COUNTERS:
        return type(value) is int and value >= 0
    return isinstance(key, str) and key in SETTINGS and (type(value), value) == (type(SETTINGS[key]), SETTINGS[key])


@functools.cache
def _expected_schema() -> frozenset[_Object]:
    """What this version of diskcache makes, as it makes it (20 ms, once, and only where there is a database)."""
    with tempfile.TemporaryDirectory() as folder:
        quick = {**SETTINGS, "sqlite_journal_mode": "off", "sqlite_synchronous": 0}
        diskcache.Cache(folder, disk=BytesDisk, **quick).close()
        with closing(open_database(Path(folder), 0, "ro")) as database:
            return frozenset(database.execute(_SCHEMA).fetchall())
