"""A program in a terminal: keys go in, the screen's rows come out. The terminal is pyte's, on a pseudo-terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self

import pyte

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

WAIT_S = 60.0
N_COLUMNS, N_ROWS = 100, 24

# The terminal becomes the program's own, which Emacs opens as /dev/tty, before the program takes the process over.
TAKE_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"
)

KEYS = {
    "Tab": "\t",
    "Return": "\r",
    "Escape": "\x1b",
    "Backspace": "\x7f",
    "Up": "\x1b[A",
    "Down": "\x1b[B",
}


class ScreenError(AssertionError):
    """The screen did not come to show what was waited for."""


class Screen(pyte.Screen):
    """pyte's, which knows no private questions of where the cursor is; such as that for the colours' mode."""

    def report_device_status(self, mode: int, *, private: bool = False) -> None:
        """Answer what is not private; terminals may leave such questions open."""
        if not private:
            super().report_device_status(mode)


class Terminal:
    """A program with a terminal of its own; it is ended with the terminal.

    Args:
        command: the program and its arguments.
        environment: beside ours.
        folder: where it runs.
        screens: the folder for dumps of the screen.
    """

    def __init__(
        self, command: Sequence[str | Path], environment: Mapping[str, str], folder: Path, screens: Path
    ) -> None:
        self._screens = screens
        self._screen = Screen(N_COLUMNS, N_ROWS)
        self._stream = pyte.ByteStream(self._screen)
        self._changed = threading.Condition()
        self._fd, theirs = pty.openpty()
        size = {"COLUMNS": str(N_COLUMNS), "LINES": str(N_ROWS)}
        with os.fdopen(theirs, "rb") as stream:
            os.set_blocking(self._fd, True)
            set_size(self._fd)
            self._process = subprocess.Popen(
                [sys.executable, "-c", TAKE_TERMINAL, *(str(part) for part in command)],
                stdin=stream,
                stdout=stream,
                stderr=stream,
                cwd=folder,
                env={**os.environ, "TERM": "xterm-256color", **size, **environment},
                start_new_session=True,
            )
        self._screen.write_process_input = self._answer
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        os.close(self._fd)

    def _answer(self, data: str) -> None:
        """What a program asks of its terminal, such as where the cursor is."""
        with suppress(OSError):
            os.write(self._fd, data.encode())

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._fd, 65536)
            except OSError:  # the other end is closed
                data = b""
            with self._changed:
                if data:
                    self._stream.feed(data)
                self._changed.notify_all()
            if not data:
                return

    def press(self, *keys: str) -> None:
        """Press keys: a name of ``KEYS``, ``C-x`` for Control, ``M-x`` for Alt, else text to type."""
        for key in keys:
            os.write(self._fd, encoded(key).encode())

    @property
    def pid(self) -> int:
        """Of the program."""
        return self._process.pid

    def rows(self) -> list[str]:
        """The screen's rows as text."""
        with self._changed:
            return self._rows()

    def keep(self, name: str) -> str:
        """Keep the screen as ``name.txt`` among the test's screens; what it shows."""
        shown, (row, column) = "\n".join(self.rows()).rstrip(), self.cursor()
        where = f"-- the cursor: row {row + 1}, column {column + 1}\n"
        (self._screens / f"{name}.txt").write_text(f"{shown}\n{where}", encoding="utf-8")
        return shown

    def _rows(self) -> list[str]:
        return [row.rstrip() for row in self._screen.display]

    def cursor(self) -> tuple[int, int]:
        """Row and column, from 0."""
        with self._changed:
            return self._screen.cursor.y, self._screen.cursor.x

    def colour(self, row: int, column: int) -> str:
        """The foreground of a cell, ``default`` for that of ordinary text."""
        with self._changed:
            return str(self._screen.buffer[row][column].fg)

    def wait_until(self, what: str, condition: Callable[[list[str]], object], within_s: float = WAIT_S) -> list[str]:
        """Wait until the rows are as wanted; they are returned.

        Raises:
            ScreenError: they were not in ``within_s`` seconds, or the program has ended; it says what they were.
        """
        deadline = time.monotonic() + within_s
        with self._changed:
            while not condition(rows := self._rows()):
                left_s = deadline - time.monotonic()
                if left_s <= 0 or not self._reader.is_alive():
                    raise ScreenError(f"waited for {what}; the screen:\n" + "\n".join(rows).rstrip())
                self._changed.wait(min(left_s, 1.0))
            return rows

    def expect(self, text: str, within_s: float = WAIT_S) -> list[str]:
        """Wait until a row has a text."""
        return self.wait_until(repr(text), lambda rows: any(text in row for row in rows), within_s)


def set_size(fd: int) -> None:
    """Tell the terminal how large it is."""
    import fcntl  # noqa: PLC0415 - where there is no Unix, nobody comes here
    import struct  # noqa: PLC0415
    import termios  # noqa: PLC0415

    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", N_ROWS, N_COLUMNS, 0, 0))


def encoded(key: str) -> str:
    """What a keyboard sends for a key."""
    if key in KEYS:
        return KEYS[key]
    if key.startswith("C-") and len(key) == 3:
        return chr(ord(key[2].upper()) & 0x1F)
    if key.startswith("M-") and len(key) == 3:
        return "\x1b" + key[2]
    return key
