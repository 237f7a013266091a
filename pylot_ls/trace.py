"""Logging for the process: to standard error or a private file, and never with control characters in it.

Whoever logs never waits: a thread writes, and what finds too much waiting for it is dropped and counted. What is logged
may hold names and messages from a client, so no text can move the cursor of a terminal, reorder a line
or pose as a record of its own.
"""

from __future__ import annotations

import contextlib
import faulthandler
import io
import logging
import os
import re
import sys
import threading
from collections import deque
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING, TextIO

from pylot_ls.errors import SettingsError
from pylot_ls.language import Message

if TYPE_CHECKING:
    from pathlib import Path

MAX_FILE_BYTES = 5 * 1024 * 1024
N_OLD_FILES = 2
MAX_WAITING_CHARACTERS = 4 * 1024 * 1024
FLUSH_S = 0.5  # at the process's end; whoever does not read standard error must not hold it up

_LEVELS = {
    "error": logging.ERROR,
    "warning": logging.WARNING,
    "info": logging.INFO,
    "debug": logging.DEBUG,
}
_STDERR = 2
_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"

# C0 (but tab and newline), DEL, C1, the two Unicode line separators, the marks that change the direction of text, and
# lone surrogates, which no encoder takes.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def without_control_characters(text: str) -> str:
    """Return ``text`` without C0 and C1 controls and marks of direction; tabs and newlines stay."""
    return _UNSAFE.sub("", text)


def on_one_line(text: str) -> str:
    """Return ``text`` without control characters, its lines and tabs joined by single spaces."""
    return " ".join(without_control_characters(text).split())


def configure(level: str, file: Path | None) -> None:
    """Set up logging for the process; called again, it replaces what it set up before. Records are written soon after.

    Args:
        level: "error", "warning", "info" or "debug". pygls logs whole messages, the user's code among them, so its
            loggers stay at "warning" or above unless the level is "debug".
        file: an absolute path, rotated at 5 MiB, readable by the user alone; None is standard error.

    Raises:
        SettingsError: the level is unknown or the file cannot be opened. What was set up before still stands.
    """
    number = _LEVELS.get(level)
    if number is None:
        raise SettingsError(
            Message("log.level is {level}; accepted: {levels}.", level=repr(level[:40]), levels=", ".join(_LEVELS))
        )
    root = logging.getLogger()
    destination = sys.stderr if file is None else file
    current = [each for each in root.handlers if isinstance(each, _BackgroundHandler)]
    if [each.destination for each in current] != [destination]:
        handler = _BackgroundHandler(_stderr_handler() if file is None else _file_handler(file), destination)
        handler.setFormatter(_SafeFormatter(_FORMAT))
        for old in current:
            root.removeHandler(old)
            old.close()
        root.addHandler(handler)
    root.setLevel(number)
    logging.getLogger("pygls").setLevel(number if number == logging.DEBUG else max(number, logging.WARNING))
    _enable_faulthandler()


class _SafeFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        # Lines after the first are indented, so that none of them can pose as a record.
        return without_control_characters(super().format(record)).replace("\n", "\n    ")


class _BackgroundHandler(logging.Handler):
    """Has a thread of its own write the lines; bounded, and nobody who logs waits.

    logging itself flushes and closes it at the process's end. Closing does not wait: the thread writes what is left.

    Args:
        target: writes; its ``emit`` may block and may raise, and is called from that thread alone.
        destination: what it writes to, to tell it from another.
    """

    def __init__(self, target: logging.Handler, destination: object) -> None:
        super().__init__()
        self.destination = destination
        self._target = target
        self._changed = threading.Condition()  # guards all below
        self._waiting: deque[tuple[str, int]] = deque()  # lines, and how many records each stands for
        self._n_characters = 0  # of what waits and what is being written
        self._n_dropped = 0
        self._is_closed = False
        # A daemon: a write that blocks for ever does not keep the process.
        threading.Thread(target=self._write_forever, name="log-writer", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception as error:  # noqa: BLE001 - what is logged may be anything, and whoever logs does not fail
            line = self.format(_note(f"a record of {record.name} cannot be formatted: {type(error).__name__}"))
        with self._changed:
            if self._n_characters and self._n_characters + len(line) > MAX_WAITING_CHARACTERS:
                self._n_dropped += 1
                return
            if self._n_dropped:
                note = f"{self._n_dropped} records were lost: they could not be written, or not as fast as they came"
                self._append(self.format(_note(note)), self._n_dropped)
                self._n_dropped = 0
            self._append(line, 1)

    def flush(self) -> None:
        """Wait until all is written, for at most ``FLUSH_S``."""
        with self._changed:
            self._changed.wait_for(lambda: not self._n_characters, FLUSH_S)

    def close(self) -> None:
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        super().close()

    def _append(self, line: str, n_records: int) -> None:
        self._waiting.append((line, n_records))
        self._n_characters += len(line)
        self._changed.notify_all()

    def _write_forever(self) -> None:
        while (following := self._next()) is not None:
            line, n_records = following
            try:
                # Not handle(): it takes a lock, which logging asks for at the process's end.
                self._target.emit(logging.makeLogRecord({"msg": line}))
                n_records = 0  # none is lost
            except (OSError, ValueError):  # closed, or the disk is full: the next line may get through
                pass
            with self._changed:
                self._n_dropped += n_records
                self._n_characters -= len(line)
                self._changed.notify_all()
        self._target.close()

    def _next(self) -> tuple[str, int] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_closed)
            return self._waiting.popleft() if self._waiting else None


def _note(message: str) -> logging.LogRecord:
    return logging.makeLogRecord({"name": __name__, "levelname": "WARNING", "msg": message})


class _RaisingHandler(logging.Handler):
    """Raises what goes wrong where logging would print it on standard error."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - logging's names
        raise  # noqa: PLE0704 - called while the error is handled; it is counted by the thread that writes


class _StreamHandler(_RaisingHandler, logging.StreamHandler[TextIO]):
    """Writes to a stream."""


class _PrivateFileHandler(_RaisingHandler, RotatingFileHandler):
    """Writes to a file that is the user's alone."""

    def _open(self) -> io.TextIOWrapper:
        raw = io.FileIO(self.baseFilename, self.mode, opener=_open_private)
        return io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8", errors="backslashreplace")


def _open_private(path: str, flags: int) -> int:
    descriptor = os.open(path, flags, 0o600)
    if sys.platform != "win32":
        try:
            os.fchmod(descriptor, 0o600)  # the file may have been there, open to others
        except OSError:
            os.close(descriptor)
            raise
    return descriptor


class _DescriptorHandler(logging.Handler):
    """Writes to a descriptor and not to its stream.

    The lock of a stream, held by a thread that blocks, ends the interpreter badly.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor

    def emit(self, record: logging.LogRecord) -> None:
        rest = memoryview((self.format(record) + "\n").encode("utf-8", errors="backslashreplace"))
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]


def _stderr_handler() -> logging.Handler:
    if sys.stderr is None:  # as under pythonw
        return logging.NullHandler()
    with contextlib.suppress(OSError, ValueError):  # it is no real file
        if sys.stderr.fileno() == _STDERR:
            return _DescriptorHandler(_STDERR)
    return _StreamHandler(sys.stderr)


def _file_handler(file: Path) -> logging.Handler:
    try:
        if file.exists() and not file.is_file():  # opening a FIFO would wait for a reader
            raise SettingsError(
                Message("log.file is no regular file: {file}. Name a file to write to.", file=on_one_line(str(file)))
            )
        _make_private_folders(file.parent)
        return _PrivateFileHandler(file, maxBytes=MAX_FILE_BYTES, backupCount=N_OLD_FILES)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SettingsError(
            Message(
                "log.file cannot be opened: {file}: {reason}. Choose a file that you may write to.",
                file=on_one_line(str(file)),
                reason=reason,
            )
        ) from error


def _make_private_folders(folder: Path) -> None:
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)


def _enable_faulthandler() -> None:
    """Have the stacks of all threads printed when native code ends the process."""
    # A standard error that is closed or no real file cannot take them; the server runs without.
    with contextlib.suppress(AttributeError, RuntimeError, OSError, ValueError):
        if not faulthandler.is_enabled():
            faulthandler.enable()
