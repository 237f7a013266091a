"""A thread that writes the feedback log, so that nobody waits for the disk."""

from __future__ import annotations

import logging
import threading
from datetime import datetime
from typing import TYPE_CHECKING

from pylot_ls.errors import FeedbackLogError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pylot_ls.features.feedback_log import FeedbackLog, FeedbackRow

_log = logging.getLogger(__name__)

MAX_WAITING = 1000
# Rows are written together: so many, or those of so long. It spares the disk.
_BATCH_ROWS = 50
_BATCH_S = 5.0
_CLOSE_TIMEOUT_S = 2.0


class FeedbackWriter:
    """Takes rows from any thread and writes them soon after. What does not fit in its queue is dropped.

    After a fault of the file nothing more is written.

    Args:
        log: the file.
        on_fault: called once, on the thread, with what is wrong.
    """

    def __init__(self, log: FeedbackLog, on_fault: Callable[[FeedbackLogError], None]) -> None:
        self._log = log
        self._on_fault = on_fault
        self._changed = threading.Condition()  # guards all below
        self._waiting: dict[int, FeedbackRow] = {}
        self._thread: threading.Thread | None = None
        self._is_closed = False
        self.n_dropped = 0

    def put(self, row: FeedbackRow) -> None:
        """Queue a row; returns at once. It replaces one of the same key."""
        with self._changed:
            if self._is_closed or (len(self._waiting) >= MAX_WAITING and row.key not in self._waiting):
                self.n_dropped += 1
                return
            self._waiting[row.key] = row
            if self._thread is None:
                # A daemon: a disk that hangs does not keep the process.
                self._thread = threading.Thread(target=self._write_forever, name="feedback-writer", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def close(self) -> None:
        """Have what waits written, and wait for that for at most 2 s."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(_CLOSE_TIMEOUT_S)

    def _write_forever(self) -> None:
        while rows := self._next():
            try:
                is_written = self._log.write(rows, datetime.now().astimezone().date())
            except FeedbackLogError as error:
                self._stop(error)
                return
            except Exception as error:  # noqa: BLE001 - whatever it is, completions go on
                self._stop(FeedbackLogError(f"{type(error).__name__}: {error}"))
                return
            if not is_written:
                _log.warning("%d rows of feedback were lost: another process holds the file", len(rows))

    def _next(self) -> list[FeedbackRow]:
        """Wait for a batch; empty at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_closed)
            self._changed.wait_for(lambda: len(self._waiting) >= _BATCH_ROWS or self._is_closed, _BATCH_S)
            rows = list(self._waiting.values())
            self._waiting.clear()
            return rows

    def _stop(self, error: FeedbackLogError) -> None:
        with self._changed:
            self._is_closed = True
            self._waiting.clear()
        self._on_fault(error)
