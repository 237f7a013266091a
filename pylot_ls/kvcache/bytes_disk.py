"""diskcache's door to values, for bytes alone: nothing is ever pickled or unpickled."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Any, NoReturn

import diskcache
from diskcache.core import MODE_BINARY, UNKNOWN

from pylot_ls.kvcache import folder
from pylot_ls.kvcache.entry import CorruptEntryError, ForeignEntryError

# All that diskcache keeps in its Settings table. It applies what it finds there, so that each row is given here and
# an existing database may hold no other. Values are files; eviction is done by the tier, one value at a time.
SETTINGS: dict[str, int | str] = {
    **diskcache.DEFAULT_SETTINGS,
    "eviction_policy": "least-recently-stored",  # the other policies write at each get
    "cull_limit": 0,
    "statistics": 0,
    "tag_index": 0,
    "disk_min_file_size": 0,
    "disk_pickle_protocol": 0,
    "sqlite_mmap_size": 0,  # a mapped file that another process cuts short would end this one
    "sqlite_cache_size": 512,  # pages
}


class BytesDisk(diskcache.Disk):  # type: ignore[misc] # diskcache has no types
    """Keys and values are bytes; each value is a private file in the folder.

    Attributes:
        limit_bytes: larger files are not read.
    """

    def __init__(self, directory: str, **_settings: Any) -> None:
        super().__init__(directory)
        self._folder = Path(directory)
        self.limit_bytes = 0

    def put(self, key: object) -> tuple[memoryview, bool]:
        """Return a key as a database has it.

        Raises:
            ForeignEntryError: it is no bytes.
        """
        if not isinstance(key, bytes):
            raise ForeignEntryError("a key that is no bytes")
        return sqlite3.Binary(key), True

    def get(self, key: object, raw: object) -> bytes:
        """Return a key from the database.

        Raises:
            ForeignEntryError: it is no bytes, or a pickle.
        """
        if not isinstance(key, bytes) or raw != 1:
            raise ForeignEntryError("a key that is no bytes")
        return key

    def store(self, value: object, read: object, key: object = UNKNOWN) -> tuple[int, int, str, None]:
        """Write a value to a new file; returns its size in bytes, mode, name and, in the database itself, nothing.

        Raises:
            ForeignEntryError: it is no bytes.
            OSError: it cannot be written; nothing is left of it.
        """
        del key
        if read or not isinstance(value, bytes):
            raise ForeignEntryError("a value that is no bytes")
        name = folder.new_value_name()
        path = self._folder / name
        with contextlib.suppress(FileExistsError):
            path.parent.mkdir(mode=0o700)
        folder.write_new(path, value)
        return len(value), MODE_BINARY, name, None

    def fetch(self, mode: object, filename: object, value: object, read: object) -> bytes:
        """Return a value's file.

        Raises:
            ForeignEntryError: the row is of another kind, or names another place.
            CorruptEntryError: there is something else than a file of ours of a possible size.
            OSError: it is gone, or cannot be read.
        """
        if read or mode != MODE_BINARY or value is not None or not folder.is_value_name(filename):
            raise ForeignEntryError("a row that is never written here")
        path = self._folder / str(filename)
        if path.parent.is_symlink():
            raise ForeignEntryError("a link in place of a folder")
        content = folder.read_regular(path, self.limit_bytes)
        if content is None:
            raise CorruptEntryError("no file of ours")
        return content

    def filename(self, key: object = UNKNOWN, value: object = UNKNOWN) -> NoReturn:
        """Never asked: ``store`` names its files itself."""
        raise NotImplementedError

    def remove(self, file_path: object) -> None:
        """Remove a value's file; another place than a value's is left alone."""
        if folder.is_value_name(file_path):
            folder.remove_value(self._folder, str(file_path))
