"""Nobody waits for the log."""

import threading
from dataclasses import replace
from datetime import date

import pytest

from pylot_ls.errors import FeedbackLogError
from pylot_ls.features import feedback_writer
from pylot_ls.features.feedback import Verdict
from pylot_ls.features.feedback_log import FeedbackRow
from pylot_ls.features.feedback_writer import MAX_WAITING, FeedbackWriter

ROW = FeedbackRow(1, date(2025, 3, 1), "python", Verdict.TYPED, 0.5, 20)


class SlowLog:
    """Writes when it may."""

    def __init__(self, error=None, answer=True):
        self.may_write = threading.Event()
        self.is_writing = threading.Event()
        self.batches = []
        self._error = error
        self._answer = answer

    def write(self, rows, _today):
        self.is_writing.set()
        assert self.may_write.wait(60)
        if self._error is not None:
            raise self._error
        self.batches.append(list(rows))
        return self._answer


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(feedback_writer, "_BATCH_S", 0)


def test_rows_are_written_at_the_latest_when_it_closes(monkeypatch):
    monkeypatch.setattr(feedback_writer, "_BATCH_S", 600)
    log = SlowLog()
    log.may_write.set()
    writer = FeedbackWriter(log, pytest.fail)
    writer.put(ROW)
    writer.put(replace(ROW, key=2))
    writer.put(replace(ROW, n_typed=3))
    writer.close()
    assert log.batches == [[replace(ROW, n_typed=3), replace(ROW, key=2)]]


def test_a_slow_disk_drops_rows_and_holds_nobody_up():
    log = SlowLog()
    writer = FeedbackWriter(log, pytest.fail)
    writer.put(ROW)
    assert log.is_writing.wait(60)
    for key in range(MAX_WAITING + 7):
        writer.put(replace(ROW, key=key))
    writer.put(replace(ROW, key=5, n_typed=1))
    assert writer.n_dropped == 7
    log.may_write.set()
    writer.close()
    assert sum(map(len, log.batches)) == 1 + MAX_WAITING


def test_a_hanging_disk_does_not_keep_the_session(monkeypatch):
    monkeypatch.setattr(feedback_writer, "_CLOSE_TIMEOUT_S", 0)
    log = SlowLog()
    writer = FeedbackWriter(log, pytest.fail)
    writer.put(ROW)
    writer.close()
    log.may_write.set()


@pytest.mark.parametrize("error", [FeedbackLogError("the disk is full"), RuntimeError("unforeseen")])
def test_a_fault_is_told_once_and_nothing_more_is_written(error):
    log, faults = SlowLog(error), []
    writer = FeedbackWriter(log, faults.append)
    log.may_write.set()
    writer.put(ROW)
    writer._thread.join(60)
    writer.put(replace(ROW, key=2))
    writer.close()
    (fault,) = faults
    assert str(error) in str(fault)
    assert writer.n_dropped == 1


def test_rows_that_could_not_be_written_for_another_process_are_logged(caplog):
    log = SlowLog(answer=False)
    log.may_write.set()
    writer = FeedbackWriter(log, pytest.fail)
    writer.put(ROW)
    writer.close()
    assert "1 rows of feedback were lost" in caplog.text


def test_a_writer_that_was_never_used_has_no_thread():
    writer = FeedbackWriter(SlowLog(), pytest.fail)
    writer.close()
    assert writer._thread is None
