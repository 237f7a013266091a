"""The log of what became of suggestions: a SQLite file of the user's alone, and the one door to it.

It holds no code unless the user wants that, and no names of files at all. Each suggestion has a row for a year; older
ones, and the oldest where the file grows too large, are added up by day.
"""

from __future__ import annotations

import contextlib
import sqlite3
import stat
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from pylot_ls.errors import FeedbackLogError
from pylot_ls.features.feedback import Verdict
from pylot_ls.kvcache.folder import FolderRefusedError, is_ours, make_private, refuse_foreign, write_new
from pylot_ls.language import Message
from pylot_ls.trace import on_one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

LIMIT_BYTES = 16 * 2**20
KEPT_DAYS = 365

_TIMEOUT_S = 5.0
_MAX_LANGUAGE = 40
_MAX_TEXT = 2000
_FULL_SHARE = 0.75  # of the limit; what is written at once has room in the rest
_SUGGESTIONS = (
    "CREATE TABLE suggestions (key INTEGER PRIMARY KEY, day TEXT NOT NULL, language TEXT NOT NULL, "
    "verdict TEXT NOT NULL, confidence REAL NOT NULL, n_characters INTEGER NOT NULL, n_typed INTEGER NOT NULL, "
    "n_accepted INTEGER NOT NULL, n_kept INTEGER NOT NULL, text TEXT)"
)
_INDEX = "CREATE INDEX suggestions_by_day ON suggestions (day)"
_DAYS = (
    "CREATE TABLE days (day TEXT NOT NULL, language TEXT NOT NULL, verdict TEXT NOT NULL, "
    "n_suggestions INTEGER NOT NULL, n_characters INTEGER NOT NULL, n_accepted INTEGER NOT NULL, "
    "n_kept INTEGER NOT NULL, PRIMARY KEY (day, language, verdict))"
)
_TABLES = (_SUGGESTIONS, _INDEX, _DAYS)
_SCHEMA = "SELECT type, name, tbl_name, sql FROM sqlite_master"
_ADD_UP = (
    "INSERT INTO days SELECT day, language, verdict, COUNT(*), SUM(n_characters), SUM(n_accepted), SUM(n_kept) "
    "FROM suggestions WHERE day <= ? GROUP BY day, language, verdict "
    "ON CONFLICT (day, language, verdict) DO UPDATE SET n_suggestions = n_suggestions + excluded.n_suggestions, "
    "n_characters = n_characters + excluded.n_characters, n_accepted = n_accepted + excluded.n_accepted, "
    "n_kept = n_kept + excluded.n_kept"
)
_TOTALS = (
    "SELECT day, language, verdict, SUM(n), SUM(n_characters), SUM(n_accepted), SUM(n_kept) FROM ("
    "SELECT day, language, verdict, 1 AS n, n_characters, n_accepted, n_kept FROM suggestions UNION ALL "
    "SELECT day, language, verdict, n_suggestions, n_characters, n_accepted, n_kept FROM days) "
    "WHERE day >= ? GROUP BY day, language, verdict ORDER BY day, language, verdict"
)


@dataclass(frozen=True, slots=True)
class FeedbackRow:
    """What became of one suggestion; a later row with the same key replaces it.

    Attributes:
        key: of 62 bits.
        day: when it was shown, by the user's calendar.
        language: as LSP names it.
        verdict: what became of it.
        confidence: the server's in it, 0 to 1.
        n_characters: its length.
        n_typed, n_accepted, n_kept: characters of it that were typed, accepted, and still there some time later.
        text: its own, where the user wants it kept.
    """

    key: int
    day: date
    language: str
    verdict: Verdict
    confidence: float
    n_characters: int
    n_typed: int = 0
    n_accepted: int = 0
    n_kept: int = 0
    text: str | None = None


@dataclass(frozen=True, slots=True)
class FeedbackTotal:
    """All suggestions of one day, language and verdict, added up."""

    day: date
    language: str
    verdict: Verdict
    n_suggestions: int
    n_characters: int
    n_accepted: int
    n_kept: int


class FeedbackLog:
    """The file. Several processes may use it at once; no operation keeps it open.

    Args:
        path: of the file; its folder holds nothing else, and is made where it is missing.
        limit_bytes: the most that the file may have.
    """

    def __init__(self, path: Path, limit_bytes: int = LIMIT_BYTES) -> None:
        self.path = path.absolute()
        self._limit_bytes = limit_bytes
        self._is_sound = False

    def write(self, rows: Iterable[FeedbackRow], today: date) -> bool:
        """Store rows; return whether they are: not where another process holds the file for longer than 5 s.

        Raises:
            FeedbackLogError: the file cannot be made, read or written, is damaged, or is no log of ours.
        """
        try:
            with _mapped():
                make_private(self.path.parent)
                with contextlib.suppress(FileExistsError):
                    write_new(self.path, b"")
                with self._opened("IMMEDIATE") as database:
                    self._create(database)
                    self._make_room(database, today)
                    database.executemany(
                        "INSERT OR REPLACE INTO suggestions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", map(_values, rows)
                    )
        except _LockedError:
            return False
        return True

    def totals(self, since: date) -> list[FeedbackTotal]:
        """What was logged since a day, in the order of days and languages; a missing file holds nothing.

        Raises:
            FeedbackLogError: the file cannot be read, is damaged, is no log of ours, or is locked for longer than 5 s.
        """
        with _mapped():
            try:
                refuse_foreign(self.path.parent)
                self.path.lstat()
            except FileNotFoundError:
                return []
            with self._opened("DEFERRED") as database:
                is_empty = database.execute(_SCHEMA).fetchone() is None
                rows = [] if is_empty else database.execute(_TOTALS, (since.isoformat(),)).fetchall()
            return [_total(row) for row in rows]

    def clear(self) -> bool:
        """Remove every trace, whatever is in the file, and the folder; return whether there was any.

        Raises:
            FeedbackLogError: it cannot be removed, or belongs to somebody else.
        """
        was_there = False
        with _mapped():
            try:
                refuse_foreign(self.path.parent)
            except FileNotFoundError:
                return False
            for path in self._files():
                with contextlib.suppress(FileNotFoundError):
                    path.unlink()
                    was_there = True
            with contextlib.suppress(OSError):  # somebody else put something there
                self.path.parent.rmdir()
        return was_there

    @contextlib.contextmanager
    def _opened(self, transaction: str) -> Iterator[sqlite3.Connection]:
        """The file in a transaction, after a look at whose and what it is."""
        for path in self._files():
            with contextlib.suppress(FileNotFoundError):
                status = path.lstat()
                if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1 or not is_ours(status):
                    raise FeedbackLogError(Message("{file} is no file of yours alone", file=path.name))
        if stat.S_IMODE(self.path.stat().st_mode) & 0o077:
            self.path.chmod(0o600)
        uri = f"{self.path.as_uri()}?mode=rw"
        with closing(sqlite3.connect(uri, uri=True, timeout=_TIMEOUT_S, isolation_level=None)) as database:
            for setting in ("trusted_schema = OFF", "secure_delete = ON", "synchronous = NORMAL"):
                database.execute(f"PRAGMA {setting}")
            (page_bytes,) = database.execute("PRAGMA page_size").fetchone()
            database.execute(f"PRAGMA max_page_count = {self._limit_bytes // page_bytes}")
            database.execute(f"BEGIN {transaction}")
            self._check(database)
            yield database
            database.execute("COMMIT")

    def _files(self) -> list[Path]:
        return [self.path.with_name(self.path.name + ending) for ending in ("-journal", "-wal", "-shm", "")]

    def _check(self, database: sqlite3.Connection) -> None:
        schema = set(database.execute(_SCHEMA).fetchmany(100))
        if schema and schema != _expected_schema():
            raise FeedbackLogError(Message("{file} holds tables that are not the log's", file=self.path.name))
        if not self._is_sound:
            if database.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                raise FeedbackLogError(Message("{file} is damaged", file=self.path.name))
            self._is_sound = True

    def _create(self, database: sqlite3.Connection) -> None:
        if database.execute(_SCHEMA).fetchone() is None:
            for statement in _TABLES:
                database.execute(statement)

    def _make_room(self, database: sqlite3.Connection, today: date) -> None:
        """Add up what is old, then the oldest days until there is room; of those added up the oldest go, too."""
        _add_up(database, (today - timedelta(days=KEPT_DAYS)).isoformat())
        while _used_bytes(database) > self._limit_bytes * _FULL_SHARE:
            (n_rows,) = database.execute("SELECT COUNT(*) FROM suggestions").fetchone()
            table, n_rows = ("suggestions", n_rows) if n_rows else ("days", _n_days(database))
            if not n_rows:
                return
            oldest = f"SELECT day FROM {table} ORDER BY day LIMIT 1 OFFSET ?"  # noqa: S608 - one of two names above
            (day,) = database.execute(oldest, (n_rows // 4,)).fetchone()
            if table == "suggestions":
                _add_up(database, day)
            else:
                database.execute("DELETE FROM days WHERE day <= ?", (day,))


class _LockedError(FeedbackLogError):
    """Another process holds the file."""


@contextlib.contextmanager
def _mapped() -> Iterator[None]:
    """Raise what the disk and SQLite raise as an error for the user."""
    try:
        yield
    except sqlite3.Error as error:
        if (getattr(error, "sqlite_errorcode", 0) & 0xFF) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise _LockedError("another process holds it; try again") from error
        raise FeedbackLogError(str(error)) from error
    except FolderRefusedError as error:
        raise FeedbackLogError(Message("the log's folder is not to be used: {reason}", reason=error)) from error
    except OSError as error:
        raise FeedbackLogError(error.strerror or str(error)) from error


def _expected_schema() -> set[object]:
    with closing(sqlite3.connect(":memory:")) as database:
        for statement in _TABLES:
            database.execute(statement)
        return set(database.execute(_SCHEMA))


def _add_up(database: sqlite3.Connection, day: str) -> None:
    database.execute(_ADD_UP, (day,))
    database.execute("DELETE FROM suggestions WHERE day <= ?", (day,))


def _used_bytes(database: sqlite3.Connection) -> int:
    (n_pages,), (n_free,), (page_bytes,) = (
        database.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "freelist_count", "page_size")
    )
    return int((n_pages - n_free) * page_bytes)


def _n_days(database: sqlite3.Connection) -> int:
    return int(database.execute("SELECT COUNT(*) FROM days").fetchone()[0])


def _values(row: FeedbackRow) -> tuple[object, ...]:
    # SQLite takes no lone surrogates, which a client can send.
    text = None if row.text is None else row.text[:_MAX_TEXT].encode("utf-8", errors="replace").decode("utf-8")
    return (
        row.key,
        row.day.isoformat(),
        on_one_line(row.language)[:_MAX_LANGUAGE],
        row.verdict.value,
        row.confidence,
        row.n_characters,
        row.n_typed,
        row.n_accepted,
        row.n_kept,
        text,
    )


def _total(row: tuple[Any, ...]) -> FeedbackTotal:
    day, language, verdict, *counts = row
    if isinstance(language, str) and all(isinstance(count, int) and count >= 0 for count in counts):
        with contextlib.suppress(TypeError, ValueError):
            return FeedbackTotal(date.fromisoformat(day), on_one_line(language), Verdict(verdict), *counts)
    raise FeedbackLogError(Message("it holds rows that are not the log's"))
