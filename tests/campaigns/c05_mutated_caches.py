"""Cache folders that somebody else has written to: bytes changed, pickles and paths planted, databases altered."""

from __future__ import annotations

import os
import pickle
import shutil
import sqlite3
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from campaign import Campaign, Trial

from pylot_ls.kvcache import disk
from pylot_ls.kvcache.disk import DiskTier
from pylot_ls.kvcache.entry import pack

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KEYS = {b"key %d" % number: b"value %d " % number * (50 + 200 * number) for number in range(4)}
OUTSIDE = b"precious"


class Bomb:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


class Folder:
    """A cache folder with values in it, and what must not be touched beside it."""

    def __init__(self, trial: Trial, template: Path) -> None:
        self.rng = trial.rng
        self.outside = trial.folder / "outside.val"
        self.exploded = trial.folder / "exploded"
        self.path = trial.folder / "kv"
        shutil.copytree(template, self.path)
        self.bomb = pickle.dumps(Bomb(self.exploded))

    def sql(self, statement: str, parameters: tuple[object, ...] = ()) -> None:
        with closing(sqlite3.connect(self.path / "cache.db", isolation_level=None)) as database:
            database.execute(statement, parameters)

    def a_file(self) -> Path:
        """The file of a value; names are random, and draws are to be the same in each run."""
        with closing(sqlite3.connect(self.path / "cache.db", isolation_level=None)) as database:
            names = database.execute("SELECT filename FROM Cache WHERE filename NOT NULL ORDER BY key").fetchall()
        return self.path / self.rng.choice(names)[0]

    def a_key(self) -> bytes:
        return self.rng.choice(sorted(KEYS))


def bytes_changed(folder: Folder, path: Path | None = None) -> None:
    path = path or folder.a_file()
    content = bytearray(path.read_bytes())
    for _ in range(folder.rng.choice([1, 1, 2, 30])):
        at = folder.rng.randrange(len(content) + 1)
        match folder.rng.randrange(4):
            case 0:
                content[at : at + 1] = bytes([folder.rng.randrange(256)])
            case 1:
                del content[at:]
            case 2:
                content[at:at] = folder.rng.randbytes(folder.rng.randint(1, 50))
            case _:
                del content[at : at + folder.rng.randint(1, 50)]
    path.write_bytes(content)


def database_changed(folder: Folder) -> None:
    bytes_changed(folder, folder.path / "cache.db")


def log_planted(folder: Folder) -> None:
    name = folder.rng.choice(["cache.db-wal", "cache.db-journal", "cache.db-shm"])
    (folder.path / name).write_bytes(folder.rng.randbytes(5000))


def files_exchanged(folder: Folder) -> None:
    one, other = folder.a_file(), folder.a_file()
    content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(content)


def pickle_in_a_row(folder: Folder) -> None:
    mode = folder.rng.choice([0, 1, 2, 3, 4, 5, None])
    folder.sql("UPDATE Cache SET mode = ?, value = ?, filename = NULL", (mode, folder.bomb))


def pickle_in_a_file(folder: Folder) -> None:
    path = folder.a_file()
    path.write_bytes(folder.bomb)
    folder.sql("UPDATE Cache SET mode = ?, size = ?", (folder.rng.choice([2, 3, 4]), len(folder.bomb)))


def pickle_as_a_key(folder: Folder) -> None:
    folder.sql("UPDATE Cache SET key = ?, raw = 0 WHERE rowid = ?", (folder.bomb, folder.rng.randint(1, len(KEYS))))


def path_escapes(folder: Folder) -> None:
    up = folder.rng.choice(["../{}", "../../{}", "ab/../../{}", "{absolute}", "ab\0/{}", "..\\{}", "//{absolute}"])
    name = up.format(folder.outside.name, absolute=folder.outside)
    size = folder.outside.stat().st_size
    folder.sql("UPDATE Cache SET filename = ?, size = ? WHERE key = ?", (name, size, folder.a_key()))


def no_file(folder: Folder) -> None:
    path = folder.a_file()
    path.unlink()
    match folder.rng.randrange(4):
        case 0:
            path.symlink_to(folder.outside)
        case 1:
            path.mkdir()
        case 2:
            os.mkfifo(path)
        case _:
            path.symlink_to("/dev/zero")


def no_database(folder: Folder) -> None:
    path = folder.path / folder.rng.choice(["cache.db", "cache.db-wal"])
    path.unlink(missing_ok=True)
    make: Callable[[], object] = folder.rng.choice([path.mkdir, lambda: path.symlink_to(folder.outside)])
    make()


def settings_planted(folder: Folder) -> None:
    name = folder.rng.choice(["sqlite_mmap_size", "disk_min_file_size", "cull_limit", "size", "count", "get", "x; --"])
    value = folder.rng.choice([0, -1, 2**40, "text", None, b"\xff"])
    folder.sql("INSERT OR REPLACE INTO Settings VALUES (?, ?)", (name, value))


def schema_changed(folder: Folder) -> None:
    statement = folder.rng.choice([
        "DROP TABLE Settings", "CREATE TABLE planted (x)", "CREATE VIEW planted AS SELECT 1", "DELETE FROM Settings",
        "CREATE TRIGGER planted AFTER INSERT ON Cache BEGIN DELETE FROM Cache; END", "UPDATE Cache SET rowid = -rowid",
    ])  # fmt: skip
    folder.sql(statement)


def columns_changed(folder: Folder) -> None:
    column = folder.rng.choice(["key", "size", "raw", "mode", "store_time", "filename", "value", "tag"])
    value = folder.rng.choice([None, -1, 2**62, "text", b"\x80\x04", 1.5])
    folder.sql(f"UPDATE OR IGNORE Cache SET {column} = ? WHERE key = ?", (value, folder.a_key()))


MUTATIONS = (
    bytes_changed, bytes_changed, database_changed, log_planted, files_exchanged, pickle_in_a_row, pickle_in_a_file,
    pickle_as_a_key, path_escapes, no_file, no_database, settings_planted, schema_changed, columns_changed,
)  # fmt: skip


def look(trial: Trial, folder: Folder, what: str) -> None:
    tier = DiskTier(folder.path, 2**20, 2**40)
    try:
        for key, value in KEYS.items():
            found = tier.get(key)
            trial.check(found in {None, value}, "wrong values", f"{what}: {key!r} gives {found!r:.80}")
        tier.put(b"new", b"value")
        trial.check(tier.get(b"new") in {None, b"value"}, "wrong values", f"{what}: the new one")
        tier.clear()
    except Exception as error:  # noqa: BLE001 - whatever a mutant raises is what is looked for
        trial.fault("crashes", f"{what}: {error!r}")
    finally:
        tier.close()
    untouched = folder.outside.is_file() and folder.outside.read_bytes() == pack(b"key 0", OUTSIDE)
    trial.check(untouched, "escapes", what)
    trial.check(not folder.exploded.exists(), "code run", what)


def run(trial: Trial) -> None:
    if sys.platform == "win32":
        pytest.skip("FIFOs and links are POSIX")
    template = trial.folder / "template"
    tier = DiskTier(template, 2**20, 2**40)
    for key, value in KEYS.items():
        tier.put(key, value)
    tier.close()
    (trial.folder / "outside.val").write_bytes(pack(b"key 0", OUTSIDE))
    for number in trial.rounds():
        mutate = MUTATIONS[number % len(MUTATIONS)]
        folder = Folder(trial, template)
        mutate(folder)
        look(trial, folder, f"{number} {mutate.__name__}")
        trial.count("mutants")
        shutil.rmtree(folder.path, ignore_errors=True)
        folder.path.unlink(missing_ok=True)
        folder.exploded.unlink(missing_ok=True)


def plant(patch) -> None:
    """The checksum of a value is not looked at."""
    patch.setattr(disk, "unpack", lambda key, entry: bytes(entry[len(pack(key, b"")) :]))


CAMPAIGN = Campaign(
    number=5,
    title="mutated snapshots and cache folders, with planted pickles and path escapes",
    goal="all rejected or identical; 0 crashes; no code run",
    unit="mutants",
    short=140,
    full=5_000,
    run=run,
    plant=plant,
    faults=("wrong values", "crashes", "escapes", "code run"),
)
