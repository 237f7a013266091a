"""Logging for the process: to standard error or a private file, and never with control characters in it.

What is logged may hold names and messages from a client, so no text can move the cursor of a terminal, reorder a line
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
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING

from pylot_ls.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

MAX_FILE_BYTES = 5 * 1024 * 1024
N_OLD_FILES = 2

_LEVELS = {
    "error": logging.ERROR,
    "warning": logging.WARNING,
    "info": logging.INFO,
    "debug": logging.DEBUG,
}
_HANDLER_NAME = "pylot-ls"
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
    """Set up logging for the process; called again, it replaces what it set up before.

    Args:
        level: "error", "warning", "info" or "debug". pygls logs whole messages, the user's code among them, so its
            loggers stay at "warning" or above unless the level is "debug".
        file: an absolute path, rotated at 5 MiB, readable by the user alone; None is standard error.

    Raises:
        SettingsError: the level is unknown or the file cannot be opened. What was set up before still stands.
    """
    number = _LEVELS.get(level)
    if number is None:
        raise SettingsError(f"log.level is {level[:40]!r}; accepted: {', '.join(_LEVELS)}.")
    handler = _stderr_handler() if file is None else _file_handler(file)
    handler.set_name(_HANDLER_NAME)
    handler.setFormatter(_SafeFormatter(_FORMAT))

    root = logging.getLogger()
    for old in [each for each in root.handlers if each.name == _HANDLER_NAME]:
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


class _PrivateFileHandler(RotatingFileHandler):
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


def _stderr_handler() -> logging.Handler:
    if sys.stderr is None:  # as under pythonw
        return logging.NullHandler()
    return logging.StreamHandler(sys.stderr)


def _file_handler(file: Path) -> logging.Handler:
    try:
        if file.exists() and not file.is_file():  # opening a FIFO would wait for a reader
            raise SettingsError(f"log.file is no regular file: {on_one_line(str(file))}. Name a file to write to.")
        _make_private_folders(file.parent)
        return _PrivateFileHandler(file, maxBytes=MAX_FILE_BYTES, backupCount=N_OLD_FILES)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SettingsError(
            f"log.file cannot be opened: {on_one_line(str(file))}: {reason}. Choose a file that you may write to."
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
