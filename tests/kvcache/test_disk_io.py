"""A fault at every single operation on files and on the database, one after the other."""

from __future__ import annotations

import errno
import itertools
import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from pylot_ls.kvcache import folder as folder_module

OLD, NEW, LARGE = bytes(range(256)) * 20, b"new" * 3000, bytes(25_000)
CODES = {errno.ENOSPC: sqlite3.SQLITE_FULL, errno.EIO: sqlite3.SQLITE_IOERR}


class Fault:
    """Counts operations while it is on, and has one of them fail, or that one and all after it."""

    def __init__(self, *, number, code, lasts):
        self.left, self.code, self.lasts = number, code, lasts
        self.has_come = False

    def comes(self):
        """Whether the operation that is to be done now fails."""
        self.left -= 1
        fails = self.left == -1 or (self.lasts and self.left < 0)
        self.has_come = self.has_come or fails
        return fails


@pytest.fixture
def inject(folder):
    """Begin to count, and to have operations fail; the fault, and what ends it."""

    def begin(**options):
        fault, patch = Fault(**options), pytest.MonkeyPatch()
        connect, write_all = sqlite3.connect, folder_module.write_all

        class Connection(sqlite3.Connection):
            def execute(self, *args):
                if fault.comes():
                    error = sqlite3.OperationalError("a fault of the disk")
                    error.sqlite_errorcode = CODES[fault.code]
                    raise error
                return super().execute(*args)

        def write_half(descriptor, content):
            if fault.comes():
                write_all(descriptor, bytes(content)[: len(content) // 2])
                raise OSError(fault.code, os.strerror(fault.code))
            write_all(descriptor, content)

        def failing(real):
            def call(path, *args, **kwargs):
                if isinstance(path, str | Path) and Path(path).is_relative_to(folder) and fault.comes():
                    raise OSError(fault.code, os.strerror(fault.code), str(path))
                return real(path, *args, **kwargs)

            return call

        patch.setattr(sqlite3, "connect", lambda *args, **kwargs: connect(*args, factory=Connection, **kwargs))
        patch.setattr(folder_module, "write_all", write_half)
        for name in ("open", "stat", "lstat", "scandir", "mkdir", "chmod", "unlink", "replace", "rmdir"):
            patch.setattr(os, name, failing(getattr(os, name)))
        return fault, patch.undo

    return begin


def use(tier):
    """What a server does with a cache; what it gets."""
    got = [tier.get(b"a")]
    tier.put(b"b", NEW)
    tier.replace(b"a", NEW)
    tier.put(b"c", LARGE)  # no longer fits beside both of the others
    got += [tier.get(key) for key in (b"a", b"b", b"c")]
    tier.close()
    return got


def assert_sound(tier, folder, sql, values):
    """What the next start finds is right, and there is nothing that belongs to nothing."""
    tier.open()
    assert tier.problem is None
    rows = sql("SELECT key, filename FROM Cache")
    assert values() == sorted(folder / name for _, name in rows)
    assert not list(folder.glob("*.new"))
    allowed = {b"a": {OLD, NEW}, b"b": {NEW}, b"c": {LARGE}}
    assert all(tier.get(key) in allowed[key] for key, _ in rows)
    assert tier.stats()["corrupt"] == tier.stats()["foreign"] == 0
    assert tier.put(b"after", b"value")
    assert tier.get(b"after") == b"value"
    tier.close()


@pytest.mark.parametrize(
    ("code", "lasts", "numbers"),
    [
        pytest.param(errno.EIO, False, itertools.count(), id="an error, once"),
        pytest.param(errno.ENOSPC, True, itertools.count(step=7), id="full from then on"),
    ],
)
def test_whichever_operation_fails_there_are_misses_and_no_errors(
    open_tier, folder, sql, values, inject, tmp_path, caplog, code, lasts, numbers
):
    before = open_tier()
    before.put(b"a", OLD)
    before.close()
    shutil.copytree(folder, tmp_path / "good")
    for number in numbers:
        caplog.clear()
        tier = open_tier(70_000)
        fault, end = inject(number=number, code=code, lasts=lasts)
        try:
            got = use(tier)
        finally:
            end()
        assert set(got) <= {None, OLD, NEW, LARGE}
        n_warnings = sum(record.message == tier.problem for record in caplog.records)
        assert n_warnings == (tier.problem is not None)
        assert tier.stats()["rebuilt"] == 0  # what is sound is not thrown away
        assert_sound(open_tier(70_000), folder, sql, values)
        if not fault.has_come:
            break
        shutil.rmtree(folder)
        shutil.copytree(tmp_path / "good", folder)
        folder.chmod(0o700)
    # Without a fault all of it works, and the longest stored has made way.
    assert got == [OLD, NEW, None, LARGE]
    assert number > 50
