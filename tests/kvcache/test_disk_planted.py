"""A folder that somebody else has written to: nothing in it runs, leads out of it, or comes back as a value."""

from __future__ import annotations

import os
import pickle

import diskcache
import pytest

from pylot_ls.kvcache import folder as folder_module
from pylot_ls.kvcache.bytes_disk import BytesDisk
from pylot_ls.kvcache.entry import ForeignEntryError, pack

KEY = b"key"


class Bomb:
    """Unpickled, it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.fixture
def bomb(tmp_path):
    path = tmp_path / "exploded"
    pickled = pickle.dumps(Bomb(path))
    pickle.loads(pickled).close()
    assert path.exists()
    path.unlink()
    yield pickled
    assert not path.exists()


@pytest.fixture
def stored(open_tier):
    """A tier with one value, still open."""
    tier = open_tier()
    tier.put(KEY, b"value")
    return tier


def insert(sql, **columns):
    """Plant a row as diskcache would have written it."""
    row = {"key": KEY, "raw": 1, "store_time": 1.0, "access_time": 1.0, "size": 0, "mode": 1} | columns
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    sql(f"INSERT OR REPLACE INTO Cache ({names}) VALUES ({marks})", tuple(row.values()))


@pytest.mark.parametrize("mode", [0, 1, 3, 4, 5, None])
@pytest.mark.parametrize("restart", [True, False])
def test_a_planted_pickle_is_never_loaded(stored, open_tier, sql, bomb, mode, restart):
    insert(sql, mode=mode, value=bomb)
    tier = open_tier() if restart else stored
    assert tier.get(KEY) is None
    assert tier.stats()["foreign"] == (0 if restart else 1)
    assert tier.put(KEY, b"good")
    assert tier.get(KEY) == b"good"


def test_the_same_row_explodes_in_a_plain_diskcache(stored, sql, folder, tmp_path):
    path = tmp_path / "exploded"
    insert(sql, mode=4, value=pickle.dumps(Bomb(path)))
    with diskcache.Cache(folder) as plain:
        plain.get(KEY).close()
    assert path.exists()


@pytest.mark.parametrize("restart", [True, False])
def test_a_planted_file_with_a_pickle_is_never_loaded(stored, open_tier, sql, values, bomb, restart):
    values()[0].write_bytes(bomb)
    sql("UPDATE Cache SET mode = 4, size = ?", (len(bomb),))
    tier = open_tier() if restart else stored
    assert tier.get(KEY) is None


@pytest.mark.parametrize("restart", [True, False])
def test_a_planted_key_is_never_unpickled(stored, open_tier, sql, bomb, restart):
    insert(sql, key=bomb, raw=0)
    tier = open_tier() if restart else stored
    tier.limit_bytes = 200_000
    for n in range(4):  # the planted row is the second to be evicted
        tier.put(bytes([n]), bytes(90_000))
    assert tier.put(b"last", b"value")
    assert tier.get(b"last") == b"value"
    assert sql("SELECT COUNT(*) FROM Cache WHERE raw = 0") == [(0,)]
    assert tier.problem is None


@pytest.mark.parametrize("restart", [True, False])
@pytest.mark.parametrize("up", ["../../{}", "{absolute}", "ab/../../../{}", "ab/cd/../../../../{}"])
def test_a_name_that_leaves_the_folder_is_neither_read_nor_removed(stored, open_tier, sql, tmp_path, up, restart):
    outside = tmp_path / "outside.val"
    outside.write_bytes(pack(KEY, b"planted"))
    name = up.format(outside.name, absolute=outside)
    sql("UPDATE Cache SET filename = ?, size = ?", (name, outside.stat().st_size))
    tier = open_tier() if restart else stored
    assert tier.get(KEY) is None
    assert tier.put(KEY, b"good")
    tier.clear()
    assert outside.exists()


def test_links_are_not_followed(stored, open_tier, tmp_path, values, folder):
    outside = tmp_path / "outside"
    outside.mkdir()
    (file,) = values()
    file.rename(outside / file.name)
    file.symlink_to(outside / file.name)
    assert stored.get(KEY) is None
    stored.put(KEY, b"value")
    (file,) = values()
    file.parent.rename(outside / "inner")
    file.parent.symlink_to(outside / "inner")
    assert stored.get(KEY) is None
    assert (outside / "inner" / file.name).exists()
    stored.clear()
    assert (outside / "inner" / file.name).exists()
    assert not folder.exists()


def test_a_pipe_in_place_of_a_file_does_not_block(stored, values):
    (file,) = values()
    file.unlink()
    os.mkfifo(file)
    assert stored.get(KEY) is None
    assert stored.stats()["corrupt"] == 1


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sqlite_journal_mode", "delete"),
        ("sqlite_mmap_size", 2**40),
        ("sqlite_temp_store_directory", "'/tmp'"),
        ("sqlite_user_version = 7; --", 1),
        ("disk_min_file_size", 2**30),
        ("disk_unknown", 1),
        ("eviction_policy", "least-recently-used"),
        ("eviction_policy", "unheard of"),
        ("cull_limit", 10**6),
        ("statistics", 1),
        ("size_limit", "many"),
        ("size", -(10**12)),
        ("count", "x"),
        ("get", 1),
        (b"blob", 1),
    ],
)
def test_planted_settings_do_not_count(stored, open_tier, sql, key, value, caplog):
    stored.close()
    sql("INSERT OR REPLACE INTO Settings VALUES (?, ?)", (key, value))
    tier = open_tier()
    assert tier.put(b"other", b"value")
    assert tier.get(b"other") == b"value"
    assert tier.get(KEY) is None
    assert tier.problem is None
    assert tier.stats()["rebuilt"] == 1
    assert caplog.text.count("begins anew") == 1
    assert (key, value) not in sql("SELECT key, value FROM Settings")
    assert sql("PRAGMA user_version") == [(0,)]
    assert sql("PRAGMA journal_mode") == [("wal",)]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER planted AFTER INSERT ON Cache BEGIN UPDATE Settings SET value = 0; END",
        "CREATE TABLE planted (x)",
        "CREATE VIEW planted AS SELECT 1",
        (
            "DROP TRIGGER Settings_size_insert; "
            "CREATE TRIGGER Settings_size_insert AFTER INSERT ON Cache BEGIN SELECT 1; END"
        ),
        "DROP TABLE Settings; CREATE VIEW Settings AS SELECT 'sqlite_user_version' AS key, 7 AS value",
    ],
)
def test_planted_tables_and_triggers_do_not_count(stored, open_tier, sql, statement):
    stored.close()
    for each in statement.split("; CREATE"):
        sql(each if each.startswith(("CREATE", "DROP")) else f"CREATE{each}")
    tier = open_tier()
    assert tier.get(KEY) is None
    assert tier.stats()["rebuilt"] == 1
    assert not sql("SELECT name FROM sqlite_master WHERE name = 'planted' OR type = 'view'")


def test_a_sound_database_is_kept(stored, open_tier):
    stored.close()
    tier = open_tier()
    assert tier.get(KEY) == b"value"
    assert tier.stats()["rebuilt"] == tier.stats()["swept"] == 0


@pytest.mark.parametrize("name", ["cache.db", "cache.db-wal", "cache.db-journal"])
@pytest.mark.parametrize("kind", ["link", "hard link", "folder"])
def test_a_database_that_is_no_file_of_ours_is_replaced(open_tier, folder, tmp_path, name, kind):
    outside = tmp_path / "outside"
    outside.write_bytes(b"precious")
    folder.mkdir(mode=0o700)
    (folder / "cache.db").touch()
    (folder / name).unlink(missing_ok=True)
    if kind == "link":
        (folder / name).symlink_to(outside)
    elif kind == "hard link":
        (folder / name).hardlink_to(outside)
    else:
        (folder / name).mkdir()
    tier = open_tier()
    assert tier.put(KEY, b"value")
    assert tier.get(KEY) == b"value"
    assert outside.read_bytes() == b"precious"


def test_a_row_that_could_never_be_evicted_does_not_stay(stored, open_tier, sql):
    sql("UPDATE Cache SET rowid = -1")  # diskcache walks from 1 on
    assert open_tier().get(KEY) is None


@pytest.mark.parametrize("size", [-(10**12), 10**15, 7])
def test_a_planted_size_does_not_count(stored, open_tier, sql, size):
    sql("UPDATE Cache SET size = ?", (size,))
    stored.close()
    sql("UPDATE Settings SET value = ? WHERE key = 'size'", (abs(size),))
    tier = open_tier()
    assert tier.put(b"other", b"value")
    tier.close()
    ((total,),) = sql("SELECT value FROM Settings WHERE key = 'size'")
    assert total == sql("SELECT SUM(size) FROM Cache")[0][0] == len(pack(b"other", b"value"))


def test_a_folder_of_another_user_is_refused(open_tier, folder, monkeypatch, caplog):
    folder.mkdir(mode=0o700)
    monkeypatch.setattr(folder_module.os, "getuid", lambda: folder.stat().st_uid + 1)
    tier = open_tier()
    assert not tier.put(KEY, b"value")
    assert tier.get(KEY) is None
    assert "belongs to another user" in tier.problem
    assert list(folder.iterdir()) == []
    assert len(caplog.records) == 1
    tier.clear()
    assert folder.exists()


def test_a_file_of_another_user_is_not_read(stored, monkeypatch):
    monkeypatch.setattr(folder_module, "is_ours", lambda _status: False)
    assert stored.get(KEY) is None
    assert stored.stats()["corrupt"] == 1


@pytest.mark.parametrize("value", ["text", 1, None, 1.5, bytearray(b"x"), [b"x"]])
def test_nothing_but_bytes_is_ever_written(tmp_path, value):
    disk = BytesDisk(str(tmp_path))
    with pytest.raises(ForeignEntryError):
        disk.store(value, read=False)
    with pytest.raises(ForeignEntryError):
        disk.store(b"x", read=True)
    with pytest.raises(ForeignEntryError):
        disk.put(value)
    assert list(tmp_path.iterdir()) == []
