"""Values on disk, in diskcache: the longest stored out first. Whatever happens to the disk, a caller sees a miss."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from collections import Counter
from typing import TYPE_CHECKING, TypeVar

import diskcache

from pylot_ls.kvcache.bytes_disk import SETTINGS, BytesDisk
from pylot_ls.kvcache.clearing import clear_folder
from pylot_ls.kvcache.entry import EntryError, ForeignEntryError, entry_bytes, pack, unpack
from pylot_ls.kvcache.folder import DB_NAME, FolderRefusedError, make_private, make_private_database, remove_content
from pylot_ls.kvcache.inspection import find_fault, is_locked, open_database
from pylot_ls.kvcache.sweep import sweep
from pylot_ls.kvcache.write_budget import WriteBudget, utc_day

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_T = TypeVar("_T")

_log = logging.getLogger(__name__)

LOCK_TIMEOUT_S = 0.1
_MAX_REBUILDS = 2  # a database that is damaged again and again means a disk that fails
_COUNTED = ("hits", "misses", "corrupt", "foreign", "write_errors", "dropped", "stored", "busy", "swept", "rebuilt")
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class DiskTier:
    """A map from keys to values in a folder, which several processes may use at once.

    Nothing is touched before the first operation. All operations belong to one thread, since SQLite's connections do;
    ``stats`` and ``problem`` may be read from any. No operation raises for what the disk or another process does.

    Args:
        folder: made where it is missing; it must belong to the user.
        limit_bytes: the most that values and database together may have.
        daily_write_bytes: the most that is written on one day, whichever process does it.
        today: the number of the day.

    Attributes:
        problem: why nothing is read or written any more, for the user; None while all is well.
    """

    def __init__(
        self, folder: Path, limit_bytes: int, daily_write_bytes: int, *, today: Callable[[], int] = utc_day
    ) -> None:
        self.folder = folder.absolute()
        self.limit_bytes = limit_bytes
        self.daily_write_bytes = daily_write_bytes
        self.problem: str | None = None
        self._budget = WriteBudget(self.folder, daily_write_bytes, today)
        self._counts = Counter(dict.fromkeys(_COUNTED, 0))
        self._cache: diskcache.Cache | None = None
        self._identity: tuple[int, int] | None = None
        self._is_swept = False

    def open(self) -> None:
        """Check and open the folder and sweep what killed processes left; otherwise the first operation does it."""
        self._guarded(lambda _: None, None)

    def get(self, key: bytes) -> bytes | None:
        """Return the value, checked to be what was stored under this very key."""
        value = self._guarded(lambda cache: self._load(cache, key), None)
        self._counts["misses" if value is None else "hits"] += 1
        return value

    def put(self, key: bytes, value: bytes) -> bool:
        """Store a value where the key has none and the limits have room; return whether the key has one now."""
        return self._put(key, value, replaces=False)

    def replace(self, key: bytes, value: bytes) -> bool:
        """Store a value in the place of the one that the key may have; return whether it was stored.

        Where the limits have no room for it the key keeps the other one.
        """
        return self._put(key, value, replaces=True)

    def __contains__(self, key: bytes) -> bool:
        """Whether the key has a value, unread and so unchecked."""
        return self._guarded(lambda cache: key in cache, otherwise=False)

    def clear(self) -> None:
        """Remove every trace, also where the tier is off."""
        self._forget()
        try:
            clear_folder(self.folder)
        except OSError as error:
            self._turn_off(error)

    def close(self) -> None:
        """Close the database; a later operation opens it again."""
        self._forget()

    def stats(self) -> dict[str, int]:
        """Return what happened since the start: counts, and ``bytes_written_today`` by all processes."""
        return {**self._counts, "bytes_written_today": self._budget.written_bytes()}

    def _put(self, key: bytes, value: bytes, *, replaces: bool) -> bool:
        was_on = self.problem is None
        stored = self._guarded(lambda cache: self._store(cache, key, value, replaces=replaces), otherwise=False)
        if not stored:
            self._counts["write_errors" if was_on and self.problem is not None else "dropped"] += 1
        return stored

    def _load(self, cache: diskcache.Cache, key: bytes) -> bytes | None:
        try:
            entry = cache.get(key)
            if entry is not None:
                return unpack(key, entry)
        except EntryError as error:
            self._counts["foreign" if isinstance(error, ForeignEntryError) else "corrupt"] += 1
            _log.debug("an entry of the prefix cache does not count: %s", error)
        if key in cache:  # of no use, and it would keep a good one from being stored
            cache.delete(key)
        return None

    def _store(self, cache: diskcache.Cache, key: bytes, value: bytes, *, replaces: bool) -> bool:
        needed_bytes = entry_bytes(key, value)
        if needed_bytes > self.limit_bytes:
            return False
        with cache.transact():  # the file too is written under the lock, see sweep
            if key in cache and not replaces:
                return True
            if not self._budget.has_room(needed_bytes) or not self._make_room(cache, needed_bytes):
                return False
            self._budget.spend(needed_bytes)
            cache.delete(key)  # a row that is only changed keeps its place among those to be evicted
            cache.set(key, pack(key, value))
        self._counts["stored"] += 1
        return True

    def _make_room(self, cache: diskcache.Cache, needed_bytes: int) -> bool:
        # Keys come in the order in which they were stored: a key that gets another value gets a new row.
        keys = iter(cache)
        while cache.volume() + needed_bytes > self.limit_bytes:
            oldest = next(keys, None)
            if oldest is None:
                return False
            cache.delete(oldest)
        return True

    def _guarded(self, work: Callable[[diskcache.Cache], _T], otherwise: _T) -> _T:
        if self.problem is not None:
            return otherwise
        try:
            return work(self._opened())
        except (diskcache.Timeout, MemoryError):
            self._counts["busy"] += 1
        except sqlite3.Error as error:
            self._react(error)
        except FileNotFoundError:
            self._retry_later()
        except OSError as error:
            self._turn_off(error)
        except Exception as error:  # noqa: BLE001 what else is in a database may make diskcache raise anything
            self._begin_anew(f"{DB_NAME} holds something unexpected ({error!r})")
        return otherwise

    def _react(self, error: sqlite3.Error) -> None:
        identity = _identity(self.folder / DB_NAME)
        if is_locked(error):
            self._counts["busy"] += 1
        elif identity is None or identity != (self._identity or identity):
            self._retry_later()
        elif (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _DAMAGED:
            self._begin_anew(f"{DB_NAME} is damaged ({error})")
        else:
            self._turn_off(error)

    def _retry_later(self) -> None:
        """Another process clears the folder just now: the next operation opens what is there then."""
        self._forget()
        self._counts["busy"] += 1

    def _opened(self) -> diskcache.Cache:
        if self._cache is not None and _identity(self.folder / DB_NAME) != self._identity:
            self._forget()  # another process cleared the folder, or somebody removed it
        if self._cache is None:
            self._cache = self._connect()
        if not self._is_swept:
            self._counts["swept"] += sweep(self.folder, LOCK_TIMEOUT_S)
            self._is_swept = True
        return self._cache

    def _connect(self) -> diskcache.Cache:
        make_private(self.folder)
        if os.path.expandvars(self.folder) != str(self.folder):
            raise FolderRefusedError("its name holds a variable, which diskcache would replace")
        fault = find_fault(self.folder, LOCK_TIMEOUT_S)
        if fault is not None:
            self._begin_anew(fault)
            if self.problem is not None:
                raise FolderRefusedError(self.problem)
        make_private_database(self.folder)
        with contextlib.closing(open_database(self.folder, LOCK_TIMEOUT_S, "rw")) as connection:
            # diskcache would try for a minute at each statement of its own.
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
            # Removed now, the database is made anew by diskcache, which then may lack its tables. While it is open
            # here, its inode cannot be that of the new one.
            self._identity = _identity(self.folder / DB_NAME)
            cache = diskcache.Cache(str(self.folder), timeout=LOCK_TIMEOUT_S, disk=BytesDisk, **SETTINGS)
        cache.disk.limit_bytes = self.limit_bytes
        make_private(self.folder)  # had it just gone, diskcache would have made one open to others
        return cache

    def _begin_anew(self, fault: str) -> None:
        self._forget()
        self._counts["rebuilt"] += 1
        if self._counts["rebuilt"] > _MAX_REBUILDS:
            self._turn_off(OSError(fault))
            return
        _log.warning("the prefix cache in %s begins anew: %s", self.folder, fault)
        try:
            remove_content(self.folder)
        except OSError as error:
            self._turn_off(error)

    def _turn_off(self, error: Exception) -> None:
        self._forget()
        if self.problem is None:
            reason = getattr(error, "strerror", None) or str(error)
            self.problem = (
                f"the prefix cache in {self.folder} is off: {reason}. Completions go on without it; "
                "restart the editor to try again."
            )
            _log.warning("%s", self.problem)

    def _forget(self) -> None:
        cache, self._cache, self._identity, self._is_swept = self._cache, None, None, False
        if cache is not None:
            with contextlib.suppress(sqlite3.Error):
                cache.close()


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
