"""What the folder holds, and how every trace of it is removed, beside processes that go on using it."""

from __future__ import annotations

import contextlib
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pylot_ls.kvcache.folder import DB_FILES, DB_LOG_NAME, DB_NAME, refuse_foreign, remove_content, size_bytes
from pylot_ls.kvcache.inspection import find_fault, open_database
from pylot_ls.kvcache.write_budget import WriteBudget

if TYPE_CHECKING:
    from pathlib import Path

_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class FolderContent:
    """What lies in a folder.

    Attributes:
        n_entries: values.
        n_bytes: the size of all files.
        bytes_written_today: by all processes, in UTC's day.
        problem: why nothing of it would be used, for the user; None where all is well.
    """

    n_entries: int = 0
    n_bytes: int = 0
    bytes_written_today: int = 0
    problem: str | None = None


def look_into(folder: Path) -> FolderContent:
    """Return what lies in a folder; a missing one holds nothing.

    Nothing is changed; SQLite may leave empty files of its own beside the database.
    """
    try:
        refuse_foreign(folder)
        problem = find_fault(folder, _TIMEOUT_S)
        n_entries = 0 if problem else _count_entries(folder)
        n_bytes = size_bytes(folder)
    except FileNotFoundError:
        return FolderContent()
    except (OSError, sqlite3.Error) as error:
        return FolderContent(problem=getattr(error, "strerror", None) or str(error))
    if problem:
        problem += "; it will be made anew"
    return FolderContent(n_entries, n_bytes, WriteBudget(folder, 0).written_bytes(), problem)


def clear_folder(folder: Path) -> FolderContent:
    """Remove every trace from a folder, and the folder; return what it held.

    Where another process has the database open, an empty one stays, which that process goes on using.

    Raises:
        FolderRefusedError: the folder is somebody else's.
        OSError: something cannot be removed.
    """
    content = look_into(folder)
    try:
        refuse_foreign(folder)
    except FileNotFoundError:
        return content
    if content.problem is None and (folder / DB_NAME).exists():
        with contextlib.suppress(sqlite3.Error):  # then it is removed like any other file
            _empty_database(folder)
            if (folder / DB_LOG_NAME).exists():
                # The last connection that closes removes the log: somebody else has one.
                return content
    remove_content(folder)
    with contextlib.suppress(OSError):  # not empty
        folder.rmdir()
    return content


def _count_entries(folder: Path) -> int:
    if not (folder / DB_NAME).exists():
        return 0
    with closing(open_database(folder, _TIMEOUT_S, "ro")) as database:
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
        return int(database.execute("SELECT COUNT(*) FROM Cache").fetchone()[0]) if "Cache" in tables else 0


def _empty_database(folder: Path) -> None:
    with closing(open_database(folder, _TIMEOUT_S, "rw")) as database:
        database.execute("BEGIN IMMEDIATE")
        database.execute("DELETE FROM Cache")
        remove_content(folder, DB_FILES)  # under the lock, under which others write their files
        database.execute("COMMIT")
        database.execute("VACUUM")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
