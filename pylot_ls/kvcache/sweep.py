"""Rows and files that do not belong together: what a process leaves that is killed in the middle of a write."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from diskcache.core import MODE_BINARY

from pylot_ls.kvcache.folder import is_value_name, remove_value, value_files
from pylot_ls.kvcache.inspection import open_database
from pylot_ls.kvcache.write_budget import NEW_FILE_NAME

if TYPE_CHECKING:
    from pathlib import Path

_ROWS = "SELECT rowid, typeof(key), raw, mode, size, filename, value IS NULL FROM Cache"
_COUNT = "UPDATE Settings SET value = (SELECT COUNT(*) FROM Cache) WHERE key = 'count'"
_SIZE = "UPDATE Settings SET value = (SELECT COALESCE(SUM(size), 0) FROM Cache) WHERE key = 'size'"


def sweep(folder: Path, timeout_s: float) -> int:
    """Remove rows without their file, and files without a row; returns how many were removed.

    Files are written under the database's lock, so that a file seen before the lock was had is either in a row by
    now or nobody's.

    Raises:
        sqlite3.Error: the database is locked or damaged.
        OSError: the folder cannot be read.
    """
    seen = value_files(folder)
    with closing(open_database(folder, timeout_s, "rw")) as database:
        database.execute("BEGIN IMMEDIATE")
        bad_rows, owned = [], set()
        for rowid, key_type, raw, mode, size, name, is_file in database.execute(_ROWS).fetchall():
            # Eviction walks the rows from 1 on.
            is_usual = rowid > 0 and (key_type, raw, mode, is_file) == ("blob", 1, MODE_BINARY, 1)
            if is_usual and is_value_name(name) and size == _size(folder, name, seen):
                owned.add(name)
            else:
                bad_rows.append((rowid,))
        database.executemany("DELETE FROM Cache WHERE rowid = ?", bad_rows)
        database.execute(_COUNT)
        database.execute(_SIZE)
        orphans = seen.keys() - owned
        for name in orphans:
            remove_value(folder, name)
        (folder / NEW_FILE_NAME).unlink(missing_ok=True)
        database.execute("COMMIT")
    return len(bad_rows) + len(orphans)


def _size(folder: Path, name: str, seen: dict[str, int]) -> int | None:
    if name in seen:
        return seen[name]
    try:
        return (folder / name).lstat().st_size
    except OSError:
        return None
