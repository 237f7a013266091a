"""A real Emacs in a terminal, set up as its page says: keys go in, the screen comes out."""

from __future__ import annotations

import json
import os
import re
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil

from .setting_up import run_setup
from .terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from .test_neovim import Unfinished

# In the mode line, and neither loading nor off.
READY = re.compile(r"\(\w[\w ]* pylot(?! off| \d| paused)")

# Each test has a home of its own, in which nothing is compiled yet, and nothing shall be.
EARLY = "(setq native-comp-jit-compilation nil native-comp-enable-subr-trampolines nil)"
# Nothing that asks or blinks, and what stands for pylot-ls.
MORE = """
(setq make-backup-files nil auto-save-default nil create-lockfiles nil inhibit-startup-screen t
      ring-bell-function #'ignore eglot-report-progress nil)
(setq pylot-command '({command}))
{more}
"""


class Emacs(Terminal):
    """An Emacs with nothing in its init file but what ``pylot-ls setup`` writes.

    Args:
        binary: of Emacs 30 or later.
        home: the user's folder, where another one may run already.
        file: is opened.
        server_command: what stands for ``pylot-ls``.
        screens: the folder for dumps of the screen.
        more: more lines of the user's, in lisp.
        init: the user's init file, "" for what setup writes.
    """

    def __init__(
        self,
        binary: Path,
        home: Path,
        file: Path,
        server_command: Sequence[str],
        *,
        screens: Path,
        more: str = "",
        init: str = "",
    ) -> None:
        folders = {name: str(home / name.lower()) for name in ("XDG_STATE_HOME", "XDG_DATA_HOME")}
        folders |= {"HOME": str(home), "XDG_CONFIG_HOME": str(home / "config")}
        folders["XDG_CACHE_HOME"] = str(home / "cache")
        path = home / ".emacs.d" / "init.el"
        if not path.exists():
            if not init:
                run_setup("emacs", folders)
                init = path.read_text("utf-8")
            command = " ".join(json.dumps(part) for part in server_command)
            path.parent.mkdir(exist_ok=True)
            path.with_name("early-init.el").write_text(EARLY, encoding="utf-8")
            path.write_text(init + MORE.format(command=command, more=more), encoding="utf-8")
        self._command = list(server_command)
        super().__init__([binary, "-nw", file], folders, home, screens)

    def expect_server(self) -> None:
        """Wait until it serves the buffer, with its model."""
        self.wait_until("the server", lambda rows: any(map(READY.search, rows)))

    def call(self, command: str, *answers: str) -> None:
        """Run a command by its name, and answer what it asks."""
        self.press("M-x", command, "Return")
        for answer in answers:
            self.press(answer, "Return")

    def go_there(self, file: Unfinished) -> None:
        """Wait for the server, then go to the end of the unfinished line, and type something that is taken back."""
        self.expect_server()
        self.call("goto-line", str(file.line))
        self.press("C-e", "x", "Backspace")

    def expect_ghost(self, shown: str, row: int) -> None:
        """Wait for a suggestion behind the cursor, in another colour than what was typed."""

        def is_there(rows: list[str]) -> bool:
            line, column = self.cursor()
            return line == row and rows[row][column:].startswith(shown)

        self.wait_until(f"{shown!r} behind the cursor, in row {row}", is_there)
        row, column = self.cursor()
        first = column + len(shown) - len(shown.lstrip())
        assert self.colour(row, first) != "default"

    def saved(self, file: Unfinished) -> str:
        """The text after saving it."""
        self.press("C-x", "C-s")
        self.wait_until("it to be saved", lambda rows: "Wrote" in rows[-1])
        return file.path.read_text(encoding="utf-8")

    def servers(self) -> list[psutil.Process]:
        """Their processes; Emacs may have others that compile, and some that have ended."""
        found: list[psutil.Process] = []
        for child in psutil.Process(self.pid).children():
            with suppress(psutil.Error):
                found += [child] if child.cmdline() == self._command else []
        return found

    def kill_server(self) -> psutil.Process:
        """End the server as a lack of memory would; its process."""
        (server,) = self.servers()
        os.kill(server.pid, signal.SIGKILL)
        return server

    def expect_another(self, server: psutil.Process) -> None:
        """Wait until another server than that one serves the buffer: in between its mode line says that none does."""

        def is_there(rows: list[str]) -> bool:
            is_served = any(map(READY.search, rows)) and any("onnected!" in row for row in rows)
            return is_served and any(each.pid != server.pid for each in self.servers())

        self.wait_until("another server", is_there)
