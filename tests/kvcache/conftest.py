"""Tiers on a folder of the test's own, and a look at the folder past them."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pylot_ls.kvcache.disk import DiskTier

MB = 2**20


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "kv"


@pytest.fixture
def open_tier(folder):
    """Make a tier; its database is closed at the test's end. Each stands for a process of its own."""
    tiers = []

    def make(limit_bytes=64 * MB, daily_write_bytes=1024 * MB, **options):
        tiers.append(DiskTier(folder, limit_bytes, daily_write_bytes, **options))
        return tiers[-1]

    yield make
    for tier in tiers:
        tier.close()


@pytest.fixture
def sql(folder):
    """Run SQL on the database of the folder, as somebody else would."""

    def run(statement, parameters=()):
        with closing(sqlite3.connect(folder / "cache.db", isolation_level=None)) as database:
            return database.execute(statement, parameters).fetchall()

    return run


@pytest.fixture
def values(folder):
    """The files of values that lie in the folder."""
    return lambda: sorted(Path(inner, name) for inner, _, names in os.walk(folder) for name in names if ".val" in name)
