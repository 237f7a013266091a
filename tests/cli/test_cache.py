from __future__ import annotations

import json
import os

import pytest

from pylot_ls.kvcache.disk import DiskTier

MB = 2**20


@pytest.fixture
def kv(tmp_path):
    """The folder that the command looks at; made here as a server would make it."""
    return tmp_path / "home" / "pylot-ls" / "kv"


@pytest.fixture
def server(kv, pylot):
    """A tier as a running server has it, with two values."""
    tier = DiskTier(kv, 64 * MB, 64 * MB)
    tier.put(b"a", bytes(MB))
    tier.put(b"b", bytes(MB))
    yield tier
    tier.close()


def test_info_says_what_is_on_disk_while_a_server_runs(pylot_inside, server, kv):
    done = pylot_inside("cache", "info")
    assert done.returncode == 0, done.stderr
    assert str(kv) in done.stdout
    assert "2 entries, 2." in done.stdout
    assert "the limit is 1024.0 MiB" in done.stdout
    assert "written today: 2.0 MiB of at most 2048.0 MiB" in done.stdout
    assert server.get(b"a") == bytes(MB)


def test_info_as_json_when_no_server_runs(pylot_inside, server, kv):
    server.close()
    before = {path: path.read_bytes() for path in kv.rglob("*") if path.is_file()}
    printed = json.loads(pylot_inside("cache", "info", "--json", PYLOT_LS_CACHE_DISK_LIMIT_MB="7").stdout)
    assert {path: path.read_bytes() for path in before} == before
    assert printed.pop("n_bytes") >= sum(map(len, before.values())) > 2 * MB
    assert printed.pop("bytes_written_today") > 2 * MB
    assert printed == {
        "folder": str(kv),
        "used": True,
        "limit_bytes": 7 * MB,
        "daily_write_bytes": 2048 * MB,
        "n_entries": 2,
        "problem": None,
    }


def test_info_of_nothing_makes_nothing(pylot_inside, kv):
    done = pylot_inside("cache", "info", PYLOT_LS_CACHE_ENABLED="off")
    assert done.returncode == 0
    assert "switched off in the settings" in done.stdout
    assert "0 entries, 0.0 MiB" in done.stdout
    assert not kv.exists()


def test_info_says_a_problem(pylot_inside, server, kv):
    server.close()
    (kv / "cache.db").write_bytes(os.urandom(5000))
    done = pylot_inside("cache", "info")
    assert done.returncode == 0
    assert "cache.db is damaged" in done.stderr
    assert "it will be made anew" in done.stderr


def test_clear_while_a_server_runs_removes_all_and_the_server_goes_on(pylot_inside, server, kv):
    done = pylot_inside("cache", "clear")
    assert done.returncode == 0, done.stderr
    assert "removed 2 entries, 2." in done.stdout
    assert {path.name for path in kv.rglob("*")} <= {"cache.db", "cache.db-wal", "cache.db-shm"}
    assert server.get(b"a") is None
    assert server.put(b"a", b"new")
    assert server.get(b"a") == b"new"
    assert server.problem is None


def test_clear_when_no_server_runs_leaves_no_folder(pylot_inside, server, kv):
    server.close()
    printed = json.loads(pylot_inside("cache", "clear", "--json").stdout)
    assert printed["n_entries"] == 2
    assert printed["n_bytes"] > 2 * MB
    assert not kv.exists()
    printed = json.loads(pylot_inside("cache", "clear", "--json").stdout)
    assert printed == {"folder": str(kv), "n_entries": 0, "n_bytes": 0}


def test_clear_removes_a_damaged_cache_too(pylot_inside, server, kv):
    server.close()
    (kv / "cache.db").write_bytes(os.urandom(5000))
    assert pylot_inside("cache", "clear").returncode == 0
    assert not kv.exists()


def test_what_cannot_be_cleared_is_said(pylot_inside, kv):
    kv.parent.mkdir(parents=True)
    kv.write_bytes(b"mine")
    done = pylot_inside("cache", "clear")
    assert done.returncode == 1
    assert "cannot be cleared" in done.stderr
    assert "Traceback" not in done.stderr
    assert kv.read_bytes() == b"mine"
