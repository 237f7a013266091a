from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from collections import OrderedDict
from contextlib import closing

import diskcache
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pylot_ls.kvcache.disk import DiskTier
from pylot_ls.kvcache.entry import entry_bytes

MB = 2**20
keys = st.sampled_from([b"a", b"b", b"c", bytes(32)])


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(st.sampled_from(["put", "get", "reopen", "clear"]), keys, st.binary(max_size=9)), max_size=25)
)
def test_it_is_a_dict_that_keeps_the_first_value_of_a_key(tmp_path_factory, steps):
    folder = tmp_path_factory.mktemp("oracle") / "kv"
    tier, oracle = DiskTier(folder, MB, MB), {}
    for action, key, value in steps:
        if action == "put":
            assert tier.put(key, value)
            oracle.setdefault(key, value)
        elif action == "get":
            assert tier.get(key) == oracle.get(key)
            assert (key in tier) == (key in oracle)
        elif action == "clear":
            tier.clear()
            oracle.clear()
        else:
            tier.close()
            tier = DiskTier(folder, MB, MB)
    assert tier.problem is None
    tier.close()


def test_the_longest_stored_go_first_whatever_was_read_since(open_tier):
    limit, size = MB, 100_000
    tier, oracle = open_tier(limit), OrderedDict()
    for n in range(30):
        key, value = bytes([n]), bytes([n]) * (size + 1000 * (n % 7))
        assert tier.put(key, value)
        oracle[key] = value
        tier.get(bytes([0]))
    kept = [key for key in oracle if key in tier]
    assert kept == list(oracle)[-len(kept) :]
    assert limit - 2 * size < sum(entry_bytes(key, oracle[key]) for key in kept) < limit
    assert all(tier.get(key) == oracle[key] for key in kept)


def test_the_folder_never_holds_more_than_the_limit(open_tier, folder):
    tier = open_tier(MB)
    for n in range(20):
        tier.put(bytes([n]), bytes(200_000))
        files = [*folder.glob("??/*.val"), folder / "cache.db"]
        assert sum(file.stat().st_size for file in files) <= MB


def test_a_value_over_the_limit_is_refused_and_costs_the_others_nothing(open_tier):
    tier = open_tier(MB)
    tier.put(b"a", b"value")
    assert not tier.put(b"b", bytes(MB))
    assert tier.get(b"a") == b"value"
    assert tier.stats()["dropped"] == 1


def test_a_key_that_is_there_is_not_written_again(open_tier, values):
    tier = open_tier()
    tier.put(b"a", b"value")
    before = tier.stats()["bytes_written_today"]
    assert tier.put(b"a", b"value")
    assert tier.stats()["bytes_written_today"] == before == entry_bytes(b"a", b"value")
    assert len(values()) == 1


def test_only_the_user_can_read_what_is_there(open_tier, folder):
    umask = os.umask(0)
    try:
        open_tier().put(b"a", b"value")
    finally:
        os.umask(umask)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.rglob("*"))}
    assert all(mode == (0o700 if path.is_dir() else 0o600) for path, mode in modes.items()), modes
    assert {path.name for path in modes} >= {"cache.db", "cache.db-wal", "cache.db-shm", "written-today"}


def test_a_folder_and_a_database_open_to_others_are_closed_to_them(open_tier, folder):
    tier = open_tier()
    tier.put(b"a", b"value")
    tier.close()
    folder.chmod(0o755)
    (folder / "cache.db").chmod(0o644)
    assert open_tier().get(b"a") == b"value"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "cache.db").stat().st_mode) == 0o600


def test_the_budget_of_a_day_survives_a_restart_and_ends_with_the_day(open_tier):
    size, day = 1000, 1
    first = open_tier(daily_write_bytes=2 * entry_bytes(b"a", bytes(size)), today=lambda: day)
    assert first.put(b"a", bytes(size))
    first.close()
    later = open_tier(daily_write_bytes=first.daily_write_bytes, today=lambda: day)
    assert later.put(b"b", bytes(size))
    assert not later.put(b"c", bytes(size))
    assert later.stats()["dropped"] == 1
    assert later.get(b"a") == later.get(b"b") == bytes(size)
    day = 2
    assert later.put(b"c", bytes(size))


def test_a_spent_budget_evicts_nothing(open_tier):
    tier = open_tier(MB, daily_write_bytes=950_000)
    assert all(tier.put(bytes([n]), bytes(300_000)) for n in range(3))
    assert not tier.put(b"x", bytes(300_000))
    assert all(bytes([n]) in tier for n in range(3))


def test_stats_count_what_happened(open_tier):
    tier = open_tier()
    tier.put(b"a", b"value")
    tier.get(b"a")
    tier.get(b"b")
    stats = tier.stats()
    assert {name for name, count in stats.items() if count} == {"stored", "hits", "misses", "bytes_written_today"}
    assert stats["hits"] == stats["misses"] == stats["stored"] == 1


def test_clear_leaves_nothing_and_the_tier_goes_on(open_tier, folder):
    tier = open_tier()
    tier.put(b"a", b"value")
    (folder / "ab").mkdir(exist_ok=True)
    (folder / "ab" / "stray").write_bytes(b"x")
    tier.clear()
    assert not folder.exists()
    assert tier.get(b"a") is None
    assert tier.put(b"a", b"value")
    assert tier.get(b"a") == b"value"


@pytest.mark.parametrize("other_is_open", [True, False])
def test_clear_beside_another_user_of_the_folder(open_tier, folder, values, other_is_open):
    one, other = open_tier(), open_tier()
    other.put(b"a", b"value")
    if not other_is_open:
        other.close()
    one.clear()
    assert values() == []
    assert folder.exists() == other_is_open
    assert other.get(b"a") is None
    assert other.put(b"a", b"new")
    assert one.get(b"a") == b"new"
    assert one.problem is other.problem is None


def test_a_folder_removed_under_a_running_tier_is_made_anew(open_tier, folder):
    tier = open_tier()
    tier.put(b"a", b"value")
    shutil.rmtree(folder)
    assert tier.get(b"a") is None
    assert tier.put(b"a", b"new")
    assert tier.get(b"a") == b"new"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    tier.close()
    assert open_tier().get(b"a") == b"new"


@pytest.mark.parametrize("what", ["folder", "database"])
def test_a_folder_cleared_in_the_middle_of_opening_it_is_a_miss(open_tier, folder, monkeypatch, caplog, what):
    real_close = diskcache.Cache.close

    def close(cache):
        """Diskcache closes its connection once while it opens a folder, and connects again."""
        was_connected = getattr(cache._local, "con", None) is not None
        real_close(cache)
        if not was_connected:
            return
        monkeypatch.undo()
        if what == "folder":
            shutil.rmtree(folder)
        else:
            (folder / "cache.db").unlink()

    tier = open_tier()
    monkeypatch.setattr(diskcache.Cache, "close", close)
    assert not tier.put(b"a", b"value")
    assert tier.put(b"a", b"value")
    assert tier.get(b"a") == b"value"
    assert tier.problem is None
    assert not caplog.records
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "cache.db").stat().st_mode) == 0o600


def test_a_lock_held_elsewhere_is_a_miss(open_tier):
    tier, starting = open_tier(), open_tier()
    tier.put(b"a", b"value")
    with closing(sqlite3.connect(tier.folder / "cache.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert not tier.put(b"b", b"value")
        assert tier.get(b"a") == b"value"
        assert starting.get(b"a") is None
        other.execute("ROLLBACK")
    assert starting.get(b"a") == b"value"
    assert tier.put(b"b", b"value")
    assert tier.stats()["busy"] == starting.stats()["busy"] == 1
    assert tier.problem is starting.problem is None


def test_a_replaced_value_is_the_newest_one_and_leaves_no_file(open_tier, values):
    tier = open_tier()
    assert tier.replace(b"a", b"first")
    assert tier.put(b"b", b"value")
    assert tier.replace(b"a", b"second")
    assert tier.get(b"a") == b"second"
    assert len(values()) == 2
    assert list(tier._opened()) == [b"b", b"a"]


def test_a_value_stays_where_there_is_no_room_for_the_one_that_replaces_it(open_tier):
    tier = open_tier(daily_write_bytes=200)
    assert tier.replace(b"a", b"first")
    assert not tier.replace(b"a", bytes(200))
    assert tier.get(b"a") == b"first"
