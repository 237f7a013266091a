"""A real Neovim, driven over its RPC: keys go in, the screen's cells come out."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import pynvim

from .setting_up import run_setup

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

HERE = Path(__file__).parent
DROP_IN = HERE.parents[1] / "editors" / "neovim"
OBSERVER = HERE / "observer.lua"
POLL_MS = 20
WAIT_S = 60.0

CHILD = "vim.api.nvim_get_proc_children(vim.fn.getpid())[1] or 0"

T = TypeVar("T")


class NeovimError(AssertionError):
    """Neovim did not come to what was waited for."""


class GhostTextError(NeovimError):
    """The ghost text did not come, is not on the screen, or is not the expected one."""


@dataclass(frozen=True)
class GhostText:
    """A suggestion as Neovim shows it.

    Attributes:
        text: all its lines.
        line, column: where it stands; from 0, the column in bytes.
        cursor: the cursor's line and column, counted in the same way.
    """

    text: str
    line: int
    column: int
    cursor: tuple[int, int]


def documented_setup() -> str:
    """The lines that README.md tells a user to put into init.lua, and those that a user may."""
    page = (DROP_IN / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^ *```lua\n(.*?)^ *```$", page, flags=re.DOTALL | re.MULTILINE)
    assert sum("vim.lsp.enable('pylot')" in block for block in blocks) == 1
    return "\n".join(map(str, blocks))


def write_config(folder: Path, server_command: Sequence[str], more: str) -> Path:
    """A user's configuration folder, with what stands for ``pylot-ls``."""
    folder.mkdir(parents=True, exist_ok=True)  # another window may have it
    as_json = json.dumps({"cmd": list(server_command)})
    stand_in = f"vim.lsp.config('pylot', vim.json.decode([==[{as_json}]==]))"
    (folder / "init.lua").write_text(f"{stand_in}\n{more}", encoding="utf-8")
    return folder


def set_up_without_plugin(folder: Path) -> list[str]:
    """Do what README.md says of a setup with the drop-in alone; Neovim's arguments."""
    (folder / "lsp").mkdir(exist_ok=True)
    shutil.copy(DROP_IN / "lsp" / "pylot.lua", folder / "lsp")
    # Nothing but this: no package folders of the machine's either.
    return ["--clean", "-u", str(folder / "init.lua"), "--cmd", f"let &runtimepath = '{folder},' .. &runtimepath"]


def set_up_plugin(environment: Mapping[str, str]) -> list[str]:
    """Do what README.md says first, so that Neovim loads the plugin by itself; Neovim's arguments."""
    run_setup("neovim", environment)
    return []


class Neovim:
    """One Neovim with nothing in its configuration but pylot-ls, set up as its README says.

    Args:
        binary: the executable of Neovim 0.12 or later.
        server_command: what stands for ``pylot-ls``.
        home: everything that Neovim and the server store goes there; another one may run there already.
        plugin: with the plugin; else with the drop-in alone, and the lines that the README has for that.
        init: more lines of the user's, in Lua.
        screens: the folder for dumps of the screen.
    """

    def __init__(
        self,
        binary: Path,
        server_command: Sequence[str],
        home: Path,
        *,
        screens: Path,
        plugin: bool = False,
        init: str = "",
    ) -> None:
        self._screens = screens
        more = init if plugin else f"{documented_setup()}\n{init}"
        config = write_config(home / "config" / "nvim", server_command, more)
        self._log = home / "state" / "nvim" / "lsp.log"
        self._stderr = home / "nvim.stderr"
        self._sockets = tempfile.TemporaryDirectory(prefix="nvim-")  # a socket's path must be short
        socket = str(Path(self._sockets.name) / "s")
        folders = {f"XDG_{name}_HOME": str(home / name.lower()) for name in ("CONFIG", "DATA", "STATE", "CACHE")}
        arguments = ["-n", "--headless", "--listen", socket]
        arguments += set_up_plugin(folders) if plugin else set_up_without_plugin(config)
        for command in ("set columns=110 lines=30", f"luafile {OBSERVER}"):
            arguments += ["--cmd", command]
        with self._stderr.open("ab") as stderr:
            self._process = subprocess.Popen(
                [binary, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                cwd=home,
                env={**os.environ, **folders, "NVIM_LOG_FILE": str(home / "nvim.log")},
            )
        assert self._process.stdout is not None
        if self._process.stdout.readline() != b"ready\n":  # blocks until Neovim is up, or has ended
            self._end_process()
            raise NeovimError(f"Neovim did not start:\n{self._stderr.read_text(errors='replace')}")
        self._nvim = pynvim.attach("socket", path=socket)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end_process()
        with suppress(OSError, EOFError):
            self._nvim.command("qall!")  # nobody is there: pynvim notices, and lets go of its socket
        self._nvim.close()

    def _end_process(self) -> None:
        """Close its input, on which it ends itself and the server; kill this one process if it does not."""
        with self._process as process:
            try:
                process.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
        self._sockets.cleanup()

    # --- what a user does

    def open(self, path: Path) -> None:
        """Open a file, on which Neovim starts the server."""
        self._nvim.command(f"edit {path}")

    def go_to_end_of_line(self, line: int) -> None:
        """Enter insert mode behind the last character of a line, counted from 1."""
        self.press(f"<Esc>{line}GA")

    def type(self, text: str) -> None:
        """Type characters, then wait until they are all in the buffer."""
        before = self.line_before_cursor()
        self.press(text.replace("<", "<lt>"))
        self.wait_until(f"{text!r} in the buffer", lambda: self.line_before_cursor() == before + text)

    def press(self, keys: str) -> None:
        """Press keys in Neovim's notation, such as ``<Tab>``."""
        self._nvim.input(keys)

    def run_action(self, kind: str, line: int, column: int = 1) -> None:
        """Choose the code action of a kind at a place, counted from 1."""
        self.press(f"<Esc>{line}G{column}|")
        self.wait_until("the cursor there", lambda: self._nvim.current.window.cursor[0] == line)
        self._nvim.exec_lua(
            "vim.lsp.buf.code_action({ apply = true, context = { only = { ... }, diagnostics = {} } })", kind
        )

    def find_problem(self, line: int, column: int, message: str) -> None:
        """Have another tool find a problem, which Neovim shows behind the line, and go there; counted from 1."""
        self._nvim.exec_lua(
            "vim.diagnostic.config({ virtual_text = true })\n"
            "local line, column, message = ...\n"
            "local found = { lnum = line - 1, col = column - 1, message = message }\n"
            "vim.diagnostic.set(vim.api.nvim_create_namespace('another tool'), 0, { found })",
            line,
            column,
            message,
        )
        self.press(f"<Esc>{line}G{column}|")

    def answer_questions(self, reply: int) -> None:
        """From here on answer what Neovim asks, as whether to apply a change, with the number of a choice."""
        self._nvim.exec_lua("pylot_observer.reply = ...", reply)

    def question(self) -> str:
        """What Neovim has asked last, "" for nothing."""
        return str(self._nvim.exec_lua("return pylot_observer.question"))

    def texts(self) -> list[str]:
        """What is in each buffer, be it in a window or not."""
        return ["\n".join(buffer[:]) for buffer in self._nvim.buffers]

    def command(self, command: str) -> str:
        """Run an Ex command; what it printed."""
        return str(self._nvim.command_output(command))

    def lua(self, expression: str) -> Any:
        """The value of an expression in Lua."""
        return self._nvim.exec_lua(f"return {expression}")

    def server_pid(self) -> int:
        """The server's process: Neovim's only child, by its plugin; waited for."""
        return int(self.wait_until("a server", lambda: self.lua(CHILD)))

    def stop_server(self) -> None:
        """End the server as Neovim does when it ends."""
        self._nvim.command("lua for _, client in ipairs(vim.lsp.get_clients()) do client:stop() end")

    # --- what a user sees

    def lines(self) -> list[str]:
        """The buffer."""
        return list(self._nvim.current.buffer[:])

    def line_before_cursor(self) -> str:
        """The text between the start of the line and the cursor."""
        _, column = self._nvim.current.window.cursor
        return str(self._nvim.current.line.encode()[:column].decode())

    def screen(self) -> list[str]:
        """The screen's rows as text."""
        return ["".join(row).rstrip() for row in self._ask("screen")]

    def keep(self, name: str) -> str:
        """Keep the screen as ``name.txt`` among the test's screens; what it shows."""
        shown, (row, column) = "\n".join(self.screen()).rstrip(), self._ask("cursor_cell")
        where = f"-- the cursor: row {row + 1}, column {column + 1}\n"
        (self._screens / f"{name}.txt").write_text(f"{shown}\n{where}", encoding="utf-8")
        return shown

    def ghost_text(self) -> GhostText | None:
        """The ghost text as it is now, if there is one."""
        found = self._ask("ghost_text")
        if found is None:
            return None
        line, column, text, cursor_line, cursor_column = found
        return GhostText(text, line, column, (cursor_line, cursor_column))

    def messages(self) -> list[str]:
        """What the user was told, oldest first."""
        return str(self._nvim.command_output("messages")).splitlines()

    def is_waiting_for_return(self) -> bool:
        """Whether a message keeps the user from typing."""
        return bool(self._nvim.api.get_mode()["blocking"])

    def n_suggestions(self) -> int:
        """How many Neovim has to choose from."""
        return int(self._ask("n_suggestions"))

    def expect_server(self) -> None:
        """Wait until the server knows of the file: what is typed before then is not asked about.

        Raises:
            GhostTextError: there is no server, so there will be no ghost text.
        """
        self._wait_for_server("the server to attach", "attached")

    def expect_ghost_text(self, expected: str) -> GhostText:
        """Wait for the answer to what was typed last; it must be ``expected``, and on the screen at the cursor.

        Raises:
            GhostTextError: it did not come, or it differs.
        """
        assert expected.strip(), "an empty suggestion cannot be told from none"
        self._wait_for_server("the answer", "answered_here")
        ghost = self.ghost_text()
        if ghost is None:
            raise self._failure("ghost text did not come: the server suggested nothing")
        if ghost.text != expected:
            raise self._failure(f"ghost text differs: {ghost.text!r}, expected {expected!r}")
        if (ghost.line, ghost.column) != ghost.cursor:
            raise self._failure(f"ghost text is not at the cursor: {ghost}")
        self._expect_on_screen(ghost.text.split("\n"))
        return ghost

    def expect_no_ghost_text(self) -> None:
        """Wait for the answer to what was typed last; nothing may be shown then.

        Raises:
            GhostTextError: there is ghost text.
        """
        self._wait_for_server("the answer", "answered_here")
        ghost = self.ghost_text()
        if ghost is not None:
            raise self._failure(f"there is ghost text: {ghost}")

    def _expect_on_screen(self, lines: Sequence[str]) -> None:
        """The ghost text's first line begins in the cursor's cell, its others fill the rows below."""
        cells, (row, column) = self._ask("screen"), self._ask("cursor_cell")
        shown = ["".join(cells[row][column:]), *("".join(below) for below in cells[row + 1 : row + len(lines)])]
        for line, on_screen in zip(lines, shown, strict=True):
            if not on_screen.startswith(line):
                raise self._failure(f"ghost text is not on the screen: {on_screen.rstrip()!r}, expected {line!r}")

    # --- how it waits

    def _wait_for_server(self, what: str, condition: str) -> None:
        def is_there() -> bool:
            if self._ask("gone"):
                raise self._failure("ghost text did not come: the server is not running")
            return bool(self._ask(condition))

        self.wait_until(what, is_there)

    def wait_until(self, what: str, condition: Callable[[], T], within_s: float = WAIT_S) -> T:
        """Ask ``condition`` until it gives something true.

        Raises:
            NeovimError: it did not in ``within_s`` seconds; the note has the screen and the logs.
        """
        deadline = time.monotonic() + within_s
        while not (value := condition()):
            if time.monotonic() > deadline:
                raise self._failure(f"waited {within_s:.0f} s for {what}", NeovimError)
            self._nvim.exec_lua("vim.wait(...)", POLL_MS)  # Neovim handles its events meanwhile
        return value

    def _failure(self, message: str, kind: type[NeovimError] = GhostTextError) -> NeovimError:
        """An error with what helps to understand it."""
        error = kind(message)
        error.add_note(self.diagnosis())
        return error

    def diagnosis(self) -> str:
        """The screen, Neovim's messages and the log of its LSP client."""
        log = self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""
        log = log.replace("\\n", "\n")  # Neovim writes the server's lines as Lua strings
        screen = "\n".join(self.screen()).rstrip()
        messages = self._nvim.command_output("messages")
        return f"--- screen\n{screen}\n--- messages\n{messages}\n--- LSP log\n{log[-4000:]}"

    def _ask(self, name: str) -> Any:
        return self._nvim.exec_lua(f"return pylot_observer.{name}()")
