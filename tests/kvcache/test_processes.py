"""Processes that are killed, and several that use one folder."""

from __future__ import annotations

import runpy
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from pylot_ls.kvcache.memory import MemoryTier
from pylot_ls.kvcache.store import PrefixStore

WRITER = Path(__file__).with_name("writer.py")
NAMES = runpy.run_path(str(WRITER))
key_of, value_of = NAMES["key_of"], NAMES["value_of"]
_HANG_S = 60


@pytest.fixture
def start_writer(folder):
    writers = []

    def start(*arguments):
        command = (sys.executable, WRITER, folder, *map(str, arguments))
        writers.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        return writers[-1]

    yield start
    for writer in writers:
        writer.kill()
        writer.wait(_HANG_S)
        writer.stdout.close()


def stored_keys(sql):
    return [key for (key,) in sql("SELECT key FROM Cache")]


def referenced(sql, folder):
    return sorted(folder / name for (name,) in sql("SELECT filename FROM Cache"))


def assert_sound(open_tier, sql, folder, values):
    """The next start finds no wrong value, and removes what belongs to nothing."""
    tier = open_tier()
    tier.open()
    assert tier.problem is None
    assert tier.stats()["rebuilt"] == 0
    assert values() == referenced(sql, folder)
    assert not list(folder.glob("*.new"))
    keys = stored_keys(sql)
    assert keys
    assert all(tier.get(key) == value_of(key) for key in keys)
    assert tier.stats()["corrupt"] == tier.stats()["foreign"] == 0
    assert sql("SELECT SUM(size) FROM Cache") == sql("SELECT value FROM Settings WHERE key = 'size'")
    tier.close()


def test_a_process_killed_in_the_middle_of_its_writes_leaves_no_wrong_value_and_no_orphan(
    start_writer, open_tier, sql, folder, values
):
    for seed in range(5):
        writer = start_writer(seed)
        for n in range(2 + seed * 50):  # every time further on, up to where it evicts at each put
            assert writer.stdout.readline() == f"{n}\n"
        writer.kill()
        writer.wait(_HANG_S)
        assert_sound(open_tier, sql, folder, values)


@pytest.mark.parametrize("moment", ["value", "row", "budget"])
def test_a_process_that_ends_at_the_worst_moment_leaves_nothing_behind(open_tier, sql, folder, values, moment):
    patches = {
        "value": "folder.write_all = lambda d, c: (os.write(d, bytes(c)[: len(c) // 2]), os._exit(9))",
        "row": "diskcache.Cache._row_insert = lambda *_: os._exit(9)",
        "budget": "pathlib.Path.replace = lambda *_: os._exit(9)",
    }
    key = key_of(0, 0)
    open_tier().put(key, value_of(key))
    program = "\n".join(
        [
            "import os, pathlib, sys, diskcache",
            "from pylot_ls.kvcache import folder",
            "from pylot_ls.kvcache.disk import DiskTier",
            f"tier = DiskTier(pathlib.Path({str(folder)!r}), 2**20, 2**40)",
            "tier.open()",
            patches[moment],
            "tier.put(b'new', b'value' * 1000)",
        ]
    )
    assert subprocess.run((sys.executable, "-c", program), check=False, timeout=_HANG_S).returncode == 9
    assert_sound(open_tier, sql, folder, values)


def test_what_a_killed_process_left_is_swept_beside_the_caller_before_anything_is_asked(open_tier, values):
    before = open_tier()
    before.put(b"key", b"value")
    before.close()
    (value,) = values()
    value.with_name(f"{0:030x}.val").write_bytes(b"of no row")
    tier, threads = open_tier(), []
    opened = tier.open
    tier.open = lambda: threads.append(threading.get_ident()) or opened()
    store = PrefixStore(MemoryTier(2**20), tier)
    assert store.flush(_HANG_S)
    store.close()
    assert values() == [value]
    assert tier.stats()["swept"] == 1
    assert threads == [store._thread.ident]


def test_two_processes_use_one_folder(start_writer, open_tier, sql, folder, values):
    writers = [start_writer(seed, 60) for seed in (0, 1)]
    for writer in writers:
        output = writer.communicate(timeout=_HANG_S)[0]
        assert writer.returncode == 0, output
        assert "'rebuilt': 0" in output
        assert "'corrupt': 0" in output
        assert "'foreign': 0" in output
    assert_sound(open_tier, sql, folder, values)


def test_a_folder_cleared_under_a_writing_process_stays_usable(start_writer, open_tier, sql, folder):
    writer = start_writer(0, 150)
    assert writer.stdout.readline() == "0\n"
    tier = open_tier()
    while writer.poll() is None:
        tier.clear()
        with suppress(FileNotFoundError):
            list(folder.iterdir())
    output = writer.communicate(timeout=_HANG_S)[0]
    assert writer.returncode == 0, output
    assert tier.problem is None
    tier.clear()
    assert not folder.exists()
