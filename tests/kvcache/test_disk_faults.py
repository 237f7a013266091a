"""A disk that fails, is full or read-only, and files that are not as they were written."""

from __future__ import annotations

import errno
import os
import sqlite3

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pylot_ls.kvcache import folder as folder_module
from pylot_ls.kvcache.disk import DiskTier

KEY, OTHER = b"key", b"other"
MB = 2**20


@pytest.fixture
def stored(open_tier):
    tier = open_tier()
    tier.put(KEY, b"value" * 100)
    tier.put(OTHER, b"other" * 100)
    return tier


def file_of(sql, folder, key):
    ((name,),) = sql("SELECT filename FROM Cache WHERE key = ?", (key,))
    return folder / name


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_an_altered_value_is_a_miss_and_can_be_stored_again(open_tier, folder, sql, data):
    tier = open_tier()
    tier.put(KEY, b"value" * 20)
    before = tier.stats()["corrupt"]
    file = file_of(sql, folder, KEY)
    content = bytearray(file.read_bytes())
    if data.draw(st.booleans(), label="cut short"):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    else:
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    file.write_bytes(content)
    assert tier.get(KEY) is None
    assert tier.stats()["corrupt"] == before + 1
    assert not file.exists()
    assert tier.put(KEY, b"value" * 20)
    assert tier.get(KEY) == b"value" * 20
    tier.close()


def test_exchanged_files_are_a_miss_for_both(stored, folder, sql):
    one, other = file_of(sql, folder, KEY), file_of(sql, folder, OTHER)
    one_content, other_content = one.read_bytes(), other.read_bytes()
    one.write_bytes(other_content)
    other.write_bytes(one_content)
    assert stored.get(KEY) is None
    assert stored.get(OTHER) is None
    assert stored.stats()["foreign"] == 2


def test_a_lost_file_is_a_miss_and_can_be_stored_again(stored, values):
    for file in values():
        file.unlink()
    assert stored.get(KEY) is None
    assert stored.put(KEY, b"new")
    assert stored.get(KEY) == b"new"
    assert stored.problem is None


def test_a_file_that_is_larger_than_the_limit_is_not_read(stored, folder, sql):
    os.truncate(file_of(sql, folder, KEY), 2**40)
    assert stored.get(KEY) is None
    assert stored.stats()["corrupt"] == 1


@pytest.mark.parametrize("part", ["value", "budget"])
def test_a_full_disk_turns_the_tier_off_with_one_warning(stored, values, folder, monkeypatch, caplog, part):
    n_left = 1 if part == "value" else 0  # the budget is written first
    n_files = len(values())
    real_write = os.write

    def write(descriptor, content):
        nonlocal n_left
        if n_left > 0:
            n_left -= 1
            return real_write(descriptor, content)
        real_write(descriptor, bytes(content)[:10])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(folder_module.os, "write", write)
    assert not stored.put(b"new", b"value")
    assert not stored.put(b"newer", b"value")
    assert stored.get(KEY) is None
    assert "No space left on device" in stored.problem
    assert str(folder) in stored.problem
    assert [record.message for record in caplog.records] == [stored.problem]
    assert stored.stats()["write_errors"] == 1
    assert len(values()) == n_files
    assert not list(folder.glob("*.new"))


def test_after_a_full_disk_the_next_start_finds_what_was_there(stored, open_tier, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(folder_module, "write_all", _no_space)
        stored.put(b"new", b"value")
    tier = open_tier()
    assert tier.get(KEY) == b"value" * 100
    assert tier.get(b"new") is None
    assert tier.put(b"new", b"value")


def test_a_disk_that_is_full_at_the_start_costs_nothing_of_what_is_there(stored, open_tier, monkeypatch, caplog):
    """Even to read a database SQLite makes a file beside it."""
    stored.close()

    def full(*_args, **_others):
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR_SHMSIZE
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", full)
        tier = open_tier()
        assert tier.get(KEY) is None
        assert not tier.put(b"new", b"value")
        assert [record.message for record in caplog.records] == [tier.problem]
    assert open_tier().get(KEY) == b"value" * 100


def _no_space(_descriptor, _content):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_turns_the_tier_off(open_tier, folder):
    folder.mkdir(mode=0o500)
    tier = open_tier()
    assert not tier.put(KEY, b"value")
    assert "cannot be written to" in tier.problem
    folder.chmod(0o700)


def test_a_folder_that_denies_access_turns_the_tier_off_with_one_warning(open_tier, monkeypatch, caplog):
    monkeypatch.setattr(folder_module.os, "access", lambda *_: False)
    tier = open_tier()
    tier.open()
    assert not tier.put(KEY, b"value")
    assert tier.get(KEY) is None
    assert KEY not in tier
    assert "cannot be written to" in tier.problem
    assert len(caplog.records) == 1


def test_a_file_where_the_folder_should_be_turns_the_tier_off(open_tier, folder):
    folder.write_bytes(b"mine")
    tier = open_tier()
    assert not tier.put(KEY, b"value")
    assert tier.problem is not None
    tier.clear()
    assert folder.read_bytes() == b"mine"


def test_a_folder_with_a_dollar_is_refused_before_diskcache_expands_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PLACE", "elsewhere")
    tier = DiskTier(tmp_path / "$PLACE", MB, MB)
    assert not tier.put(KEY, b"value")
    assert "holds a variable" in tier.problem
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("damage", ["random", "short", "empty", "page"])
@pytest.mark.parametrize("log", ["kept", "removed"])
def test_a_damaged_database_is_rebuilt(stored, open_tier, folder, sql, values, damage, log):
    for n in range(50):  # so that there are pages to damage
        stored.put(bytes([n]), b"value")
    stored.close()
    database = folder / "cache.db"
    content = database.read_bytes()
    half = len(content) // 2
    database.write_bytes(
        {
            "random": os.urandom(len(content)),
            "short": content[:half],
            "empty": b"",
            "page": content[:4096] + os.urandom(len(content) - 4096),
        }[damage]
    )
    if log == "kept":
        (folder / "cache.db-wal").write_bytes(os.urandom(5000))
    tier = open_tier()
    tier.open()
    assert values() == []
    assert tier.put(KEY, b"new")
    assert tier.get(KEY) == b"new"
    assert tier.problem is None
    assert sql("PRAGMA integrity_check") == [("ok",)]


def test_a_database_damaged_while_it_is_open_is_rebuilt_and_never_raises(stored, folder, sql):
    sql("PRAGMA wal_checkpoint(TRUNCATE)")
    size = (folder / "cache.db").stat().st_size
    with (folder / "cache.db").open("r+b") as file:
        file.seek(0)
        file.write(os.urandom(size))
    for n in range(10):
        stored.put(bytes([n]), b"value")
        assert stored.get(bytes([n])) in {None, b"value"}
    assert stored.get(KEY) in {None, b"value" * 100}
    assert stored.stats()["rebuilt"] or stored.problem


def test_a_database_damaged_again_and_again_turns_the_tier_off(open_tier, folder, caplog):
    tier = open_tier()
    for _ in range(5):
        tier.put(KEY, b"value")
        tier.close()
        if folder.exists():
            (folder / "cache.db").write_bytes(b"damaged" * 1000)
    assert tier.problem is not None
    assert [tier.problem in record.message for record in caplog.records].count(True) == 1


def test_whatever_diskcache_raises_is_a_miss(stored, monkeypatch):
    class SurpriseError(Exception):
        pass

    def surprise(*_):
        raise SurpriseError

    monkeypatch.setattr(type(stored._cache), "get", surprise)
    assert stored.get(KEY) is None
    assert stored.problem is None
    monkeypatch.undo()
    assert stored.put(KEY, b"new")
    assert stored.get(KEY) == b"new"
