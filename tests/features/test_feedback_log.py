"""The log's file: whose it is, what is in it, how large it gets, and what a fault of it is called."""

import contextlib
import os
import sqlite3
import stat
from dataclasses import replace
from datetime import date, timedelta

import pytest

from pylot_ls.errors import FeedbackLogError
from pylot_ls.features.feedback import Verdict
from pylot_ls.features.feedback_log import KEPT_DAYS, FeedbackLog, FeedbackRow, FeedbackTotal

TODAY = date(2025, 3, 1)
LONG_AGO = date(1, 1, 1)
ROW = FeedbackRow(1, TODAY, "python", Verdict.ACCEPTED, 0.5, 20, n_accepted=10, n_kept=8)

posix_only = pytest.mark.skipif(os.name != "posix", reason="owners and modes are POSIX's")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "feedback" / "feedback.db"


@pytest.fixture
def log(path):
    return FeedbackLog(path)


def sql(path, statement):
    with contextlib.closing(sqlite3.connect(path)) as database:
        found = database.execute(statement).fetchall()
        database.commit()
    return found


def n_rows(path):
    return sql(path, "SELECT COUNT(*) FROM suggestions")[0][0]


def test_what_is_written_is_added_up_by_day_language_and_verdict(log):
    assert log.write(
        [
            ROW,
            replace(ROW, key=2, n_kept=0),
            replace(ROW, key=3, language="go"),
            replace(ROW, key=4, verdict=Verdict.TYPED, n_accepted=0, n_kept=0),
            replace(ROW, key=5, day=TODAY - timedelta(days=1)),
        ],
        TODAY,
    )
    assert log.totals(TODAY) == [
        FeedbackTotal(TODAY, "go", Verdict.ACCEPTED, 1, 20, 10, 8),
        FeedbackTotal(TODAY, "python", Verdict.ACCEPTED, 2, 40, 20, 8),
        FeedbackTotal(TODAY, "python", Verdict.TYPED, 1, 20, 0, 0),
    ]
    assert len(log.totals(LONG_AGO)) == 4


def test_a_later_row_of_the_same_key_replaces_it(log):
    log.write([replace(ROW, verdict=Verdict.REJECTED)], TODAY)
    log.write([ROW], TODAY)
    assert log.totals(LONG_AGO) == [FeedbackTotal(TODAY, "python", Verdict.ACCEPTED, 1, 20, 10, 8)]


def test_a_missing_log_holds_nothing_and_is_not_made_by_looking(log, path):
    assert log.totals(LONG_AGO) == []
    assert not log.clear()
    assert not path.parent.exists()


def test_an_empty_file_holds_nothing(log, path):
    path.parent.mkdir(parents=True)
    path.touch()
    assert log.totals(LONG_AGO) == []


@posix_only
def test_folder_and_file_are_the_users_alone(log, path):
    log.write([ROW], TODAY)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.parent.chmod(0o755)
    path.chmod(0o644)
    log.write([ROW], TODAY)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_rows_of_more_than_a_year_ago_are_added_up(log, path):
    old = TODAY - timedelta(days=KEPT_DAYS)
    log.write([replace(ROW, key=key, day=old, text="secret_text") for key in (1, 2)], old)
    log.write([replace(ROW, key=3, day=old)], old)
    assert n_rows(path) == 3
    log.write([replace(ROW, key=4)], TODAY)
    assert n_rows(path) == 1
    assert b"secret_text" not in path.read_bytes()
    assert log.totals(LONG_AGO) == [
        FeedbackTotal(old, "python", Verdict.ACCEPTED, 3, 60, 30, 24),
        FeedbackTotal(TODAY, "python", Verdict.ACCEPTED, 1, 20, 10, 8),
    ]
    log.write([replace(ROW, key=5, day=old)], TODAY)
    log.write([ROW], TODAY)
    assert log.totals(LONG_AGO)[0].n_suggestions == 4


def test_the_file_stays_below_its_limit_and_no_day_is_lost(path):
    limit_bytes = 200_000
    log = FeedbackLog(path, limit_bytes)
    for n in range(40):
        day = TODAY + timedelta(days=n)
        rows = [replace(ROW, key=1000 * n + key, day=day, text="x" * 300) for key in range(50)]
        assert log.write(rows, day)
        assert path.stat().st_size <= limit_bytes
    assert 0 < n_rows(path) < 2000
    assert [total.n_suggestions for total in log.totals(LONG_AGO)] == [50] * 40


def test_where_days_alone_fill_the_file_the_oldest_go(path):
    limit_bytes = 100_000
    log = FeedbackLog(path, limit_bytes)
    for n in range(60):
        rows = [replace(ROW, key=key, day=TODAY - timedelta(days=1000 - n), language=str(key)) for key in range(50)]
        assert log.write(rows, TODAY)
        assert path.stat().st_size <= limit_bytes
    days = {total.day for total in log.totals(LONG_AGO)}
    assert 0 < len(days) < 60
    assert max(days) == TODAY - timedelta(days=941)


def test_a_full_disk_is_a_fault(path):
    log = FeedbackLog(path, 50_000)
    with pytest.raises(FeedbackLogError, match="full"):
        log.write([replace(ROW, key=key, text="x" * 2000) for key in range(100)], TODAY)
    assert log.totals(LONG_AGO) == []


def test_text_and_language_of_a_client_may_be_anything(log, path):
    log.write([replace(ROW, language="a\ud800\x1b[31m\n" + "b" * 100, text="\ud800 漢\0😀" + "x" * 5000)], TODAY)
    (total,) = log.totals(LONG_AGO)
    assert total.language == "a[31m " + "b" * 34
    assert sql(path, "SELECT length(CAST(text AS BLOB)) FROM suggestions")[0][0] < 2100


def test_a_damaged_file_is_a_fault_and_is_left_alone(log, path):
    path.parent.mkdir(parents=True)
    garbage = os.urandom(5000)
    path.write_bytes(garbage)
    for use in (lambda: log.write([ROW], TODAY), lambda: log.totals(LONG_AGO)):
        with pytest.raises(FeedbackLogError, match="not a database"):
            use()
    assert path.read_bytes() == garbage


def test_damaged_pages_are_a_fault(log, path):
    log.write([replace(ROW, key=key) for key in range(2000)], TODAY)
    content = bytearray(path.read_bytes())
    content[8192:20000] = bytes(20000 - 8192)
    path.write_bytes(content)
    with pytest.raises(FeedbackLogError):
        FeedbackLog(path).write([ROW], TODAY)


@pytest.mark.parametrize(
    "planted",
    [
        "CREATE TABLE suggestions (key INTEGER PRIMARY KEY)",
        "CREATE TABLE other (a)",
        "CREATE VIEW days AS SELECT 1",
    ],
)
def test_a_planted_database_is_a_fault(log, path, planted):
    path.parent.mkdir(parents=True)
    sql(path, planted)
    for use in (lambda: log.write([ROW], TODAY), lambda: log.totals(LONG_AGO)):
        with pytest.raises(FeedbackLogError, match="not the log's"):
            use()


def test_a_planted_trigger_does_not_run(log, path):
    log.write([ROW], TODAY)
    sql(path, "CREATE TRIGGER t AFTER INSERT ON suggestions BEGIN DELETE FROM suggestions; END")
    with pytest.raises(FeedbackLogError, match="not the log's"):
        log.write([replace(ROW, key=2)], TODAY)
    assert n_rows(path) == 1


@pytest.mark.parametrize(
    "change", ["verdict = 'loved'", "day = 'yesterday'", "day = 'é'", "n_kept = -1", "n_kept = 'a'", "language = x'00'"]
)
def test_rows_that_no_log_of_ours_has_are_a_fault(log, path, change):
    log.write([ROW], TODAY)
    sql(path, f"UPDATE suggestions SET {change}")
    with pytest.raises(FeedbackLogError, match="not the log's"):
        log.totals(LONG_AGO)


@posix_only
@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_a_link_to_another_file_is_a_fault(log, path, tmp_path, link):
    path.parent.mkdir(parents=True)
    (tmp_path / "other").touch()
    link(tmp_path / "other", path)
    with pytest.raises(FeedbackLogError, match="no file of yours"):
        log.write([ROW], TODAY)
    assert (tmp_path / "other").read_bytes() == b""


@posix_only
def test_a_folder_of_somebody_else_is_a_fault(log, path, monkeypatch):
    log.write([ROW], TODAY)
    before = path.read_bytes()
    monkeypatch.setattr(os, "getuid", lambda: path.stat().st_uid + 1)
    for use in (lambda: log.write([ROW], TODAY), lambda: log.totals(LONG_AGO), log.clear):
        with pytest.raises(FeedbackLogError, match="belongs to another user"):
            use()
    assert path.read_bytes() == before


@posix_only
@pytest.mark.skipif(os.name == "posix" and os.getuid() == 0, reason="root may write everywhere")
def test_a_read_only_file_is_a_fault_and_can_be_read(log, path):
    log.write([ROW], TODAY)
    path.chmod(0o400)
    path.parent.chmod(0o500)
    assert len(log.totals(LONG_AGO)) == 1
    with pytest.raises(FeedbackLogError, match=r"written to|readonly"):
        log.write([ROW], TODAY)
    path.parent.chmod(0o700)


def test_a_folder_that_cannot_be_made_is_a_fault(log, path):
    path.parent.parent.mkdir()
    path.parent.touch()
    with pytest.raises(FeedbackLogError):
        log.write([ROW], TODAY)
    with pytest.raises(FeedbackLogError, match="no folder"):
        log.totals(LONG_AGO)


def test_while_another_process_holds_the_file_rows_are_not_written_and_nothing_is_wrong(log, path, monkeypatch):
    monkeypatch.setattr("pylot_ls.features.feedback_log._TIMEOUT_S", 0)
    log.write([ROW], TODAY)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert not log.write([replace(ROW, key=2)], TODAY)
        with pytest.raises(FeedbackLogError, match="try again"):
            log.totals(LONG_AGO)
    assert log.write([replace(ROW, key=2)], TODAY)


def test_clearing_leaves_nothing(log, path):
    log.write([ROW], TODAY)
    path.with_name(path.name + "-journal").touch()
    assert log.clear()
    assert not path.parent.exists()
    assert log.write([ROW], TODAY)


def test_clearing_removes_a_damaged_file_and_nothing_of_others(log, path):
    path.parent.mkdir(parents=True)
    path.write_bytes(b"garbage")
    (path.parent / "mine").touch()
    assert log.clear()
    assert [each.name for each in path.parent.iterdir()] == ["mine"]
