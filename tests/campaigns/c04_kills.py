"""Processes that are killed while they write snapshots, and what the next start finds."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from campaign import Campaign, Trial
from oracle import TESTS, names_of

from pylot_ls.kvcache import disk
from pylot_ls.kvcache.disk import DiskTier
from pylot_ls.kvcache.folder import value_files

if TYPE_CHECKING:
    from pathlib import Path

WRITER = TESTS / "kvcache" / "writer.py"
NAMES = names_of("kvcache/writer.py")
key_of, value_of = NAMES["key_of"], NAMES["value_of"]
_HANG_S = 60
_MOST_WRITES = 120  # far enough to have evicted
# Where a kill hurts most; else it comes wherever the writer is.
_MOMENTS = {
    "in a value": "folder.write_all = lambda d, c: (os.write(d, bytes(c)[: len(c) // 2]), die())",
    "before its row": "diskcache.Cache._row_insert = die",
    "in the budget": "pathlib.Path.replace = die",
}


def kill_at(moment: str, folder: Path) -> int:
    """Let a process die at a moment of its write; its exit code."""
    program = f"""
import os, pathlib, signal, diskcache
from pylot_ls.kvcache import folder
from pylot_ls.kvcache.disk import DiskTier
tier = DiskTier(pathlib.Path({str(folder)!r}), 2**23, 2**40)
tier.open()
die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
{_MOMENTS[moment]}
tier.put(b'new', b'value' * 1000)
"""
    return subprocess.run((sys.executable, "-c", program), check=False, timeout=_HANG_S).returncode


def kill_somewhere(trial: Trial, folder: Path, seed: int) -> int:
    """Let a writer write until it is killed; its exit code."""
    command = (sys.executable, WRITER, folder, str(seed))
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        for _ in range(trial.rng.randint(1, _MOST_WRITES)):
            writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
    return writer.returncode


def look(trial: Trial, folder: Path, what: str) -> None:
    """Start anew, and compare all that is there with what was written."""
    tier = DiskTier(folder, 2**23, 2**40)
    tier.open()
    with closing(sqlite3.connect(folder / "cache.db")) as database:
        rows = dict(database.execute("SELECT key, filename FROM Cache").fetchall())
    orphans = value_files(folder).keys() - set(rows.values())
    trial.check(not orphans and not list(folder.glob("*.new")), "orphans", f"{what}: {len(orphans)}")
    for key in rows:
        trial.count("values read back")
        trial.check(tier.get(key) == value_of(key), "wrong restores", f"{what}: {key!r}")
    stats = tier.stats()
    trial.check(tier.problem is None and not stats["rebuilt"], "caches lost", f"{what}: {tier.problem}, {stats}")
    tier.close()


def run(trial: Trial) -> None:
    if sys.platform == "win32":
        pytest.skip("nothing there is like kill -9")
    folder, moments = trial.folder / "kv", list(_MOMENTS)
    kill_somewhere(trial, folder, 0)
    for number in trial.rounds():
        moment = moments[number // 2 % len(moments)] if number % 2 == 0 else ""
        code = kill_at(moment, folder) if moment else kill_somewhere(trial, folder, number)
        trial.count("kills", int(code == -signal.SIGKILL))
        look(trial, folder, f"kill {number} {moment or 'somewhere'}")


def plant(patch) -> None:
    """What killed processes leave is not swept."""
    patch.setattr(disk, "sweep", lambda *_: 0)


CAMPAIGN = Campaign(
    number=4,
    title="kill -9 during snapshot writes, half of them where it hurts most",
    goal="0 wrong restores; 0 orphans after the next start",
    unit="kills",
    short=6,
    full=200,
    run=run,
    plant=plant,
    faults=("wrong restores", "orphans", "caches lost"),
)
