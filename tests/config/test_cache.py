from __future__ import annotations

import pytest

from pylot_ls.config import cache
from pylot_ls.config.cache import make_prefix_store
from pylot_ls.config.settings import CacheSettings, Settings

_HANG_S = 60


@pytest.fixture(autouse=True)
def cache_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "cache_folder", lambda: tmp_path)
    return tmp_path


def test_by_default_values_outlive_the_store(cache_folder):
    store = make_prefix_store(Settings())
    store.put(b"key", b"value")
    assert store.flush(_HANG_S)
    assert store.problem is None
    store.close()
    assert list((cache_folder / "kv").glob("??/*.val"))


def test_limits_are_taken_in_mebibytes():
    store = make_prefix_store(Settings(cache=CacheSettings(memory_limit_mb=1, disk_limit_mb=1, daily_write_mb=0)))
    store.put(b"large", bytes(2**20 + 1))
    assert store.get(b"large") is None
    store.put(b"small", bytes(1000))
    assert store.get(b"small") == bytes(1000)
    assert store.flush(_HANG_S)
    assert store.stats()["disk_dropped"] == 2
    store.close()


def test_without_a_disk_limit_there_is_memory_alone(cache_folder):
    store = make_prefix_store(Settings(cache=CacheSettings(disk_limit_mb=0)))
    store.put(b"key", b"value")
    assert store.flush(_HANG_S)
    assert store.get(b"key") == b"value"
    store.close()
    assert list(cache_folder.iterdir()) == []


def test_switched_off_there_is_no_store(cache_folder):
    assert make_prefix_store(Settings(cache=CacheSettings(enabled=False))) is None
    assert list(cache_folder.iterdir()) == []
