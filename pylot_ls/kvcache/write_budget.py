"""How many bytes may still be written today: flash memory wears out. Kept in a small file, so that restarts count."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pylot_ls.kvcache.folder import read_regular, write_new

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FILE_NAME = "written-today"
NEW_FILE_NAME = "written-today.new"
_MAX_FILE_BYTES = 100
_MAX_DIGITS = 18
_DAY_S = 24 * 60 * 60


def utc_day() -> int:
    """Return the number of the day, in UTC."""
    return int(time.time() // _DAY_S)


class WriteBudget:
    """The bytes written to a folder on one day, and the most that they may be.

    All processes that use the folder share the file: it is changed by one at a time, under the database's lock.

    Args:
        today: the number of the day.
    """

    def __init__(self, folder: Path, daily_bytes: int, today: Callable[[], int] = utc_day) -> None:
        self._path = folder / FILE_NAME
        self._new_path = folder / NEW_FILE_NAME
        self._daily_bytes = daily_bytes
        self._today = today

    def written_bytes(self) -> int:
        """Return what was written today, in bytes; 0 where the file is missing or holds something else."""
        try:
            content = read_regular(self._path, _MAX_FILE_BYTES)
        except OSError:
            return 0
        fields = (content or b"").split()
        if len(fields) != 2 or not all(each.isdigit() and len(each) <= _MAX_DIGITS for each in fields):  # noqa: PLR2004
            return 0
        day, n_bytes = map(int, fields)
        return n_bytes if day == self._today() else 0

    def has_room(self, n_bytes: int) -> bool:
        """Whether so many bytes may still be written today."""
        return self.written_bytes() + n_bytes <= self._daily_bytes

    def spend(self, n_bytes: int) -> None:
        """Count bytes that are about to be written.

        Raises:
            OSError: the file cannot be written.
        """
        total = self.written_bytes() + n_bytes
        self._new_path.unlink(missing_ok=True)  # of a process that was killed right here
        write_new(self._new_path, b"%d %d\n" % (self._today(), total))
        self._new_path.replace(self._path)
