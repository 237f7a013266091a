"""In a real Emacs, set up as its page says, suggestions stand behind the cursor and are accepted by keys."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil
import pytest

if sys.platform == "win32":
    pytest.skip("a terminal is simulated on Unix only", allow_module_level=True)

from pylot_ls.editors import emacs

from .setting_up import run_setup
from .terminal import ScreenError, Terminal
from .test_neovim import BASKET, PYLOT_LS, Unfinished

pytestmark = pytest.mark.editor

PACKAGE = Path(__file__).parents[2] / "editors" / "emacs"
SERVER = (sys.executable, str(Path(__file__).with_name("scripted_server.py")))
BODY = "def area(width, height):\n    ▮\n"
LINES = "size = width * height\n    return size"

# In the mode line, and neither loading nor off.
READY = re.compile(r"\(\w[\w ]* pylot(?! off| \d| paused)")

# Nothing that asks or blinks, and what stands for pylot-ls.
MORE = """
(setq make-backup-files nil auto-save-default nil create-lockfiles nil inhibit-startup-screen t
      ring-bell-function #'ignore native-comp-jit-compilation nil eglot-report-progress nil)
(setq pylot-command '({command}))
{more}
"""


def emacs_says(binary, expression, *arguments):
    """What a lisp expression prints; stderr counts where it fails."""
    done = subprocess.run(
        [binary, "--batch", "-Q", *arguments, "--eval", expression], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def start_emacs(emacs_binary, tmp_path, screens, _no_settings):
    """Starts an Emacs in a terminal, with a file and a server's command; it ends with the test."""
    with ExitStack() as stack:

        def start(file, server, more=""):
            home = {name: str(tmp_path / name.lower()) for name in ("XDG_STATE_HOME", "XDG_DATA_HOME")}
            home |= {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")}
            run_setup("emacs", home)
            init = tmp_path / ".emacs.d" / "init.el"
            command = " ".join(json.dumps(part) for part in server)
            init.write_text(init.read_text("utf-8") + MORE.format(command=command, more=more), encoding="utf-8")
            terminal = Terminal([emacs_binary, "-nw", file.path], home, tmp_path, screens)
            return stack.enter_context(terminal)

        yield start


def go_there(terminal, file):
    """Wait for the server, then go to the end of the unfinished line, and type something that is taken back."""
    terminal.wait_until("the server", lambda rows: any(READY.search(row) for row in rows))
    terminal.press("M-x", "goto-line", "Return", str(file.line), "Return", "C-e", "x", "Backspace")


def expect_ghost(terminal, shown, row):
    """Wait for a suggestion behind the cursor, in another colour than what was typed."""

    def is_there(rows):
        line, column = terminal.cursor()
        return line == row and rows[row][column:].startswith(shown)

    terminal.wait_until(f"{shown!r} behind the cursor, in row {row}", is_there)
    row, column = terminal.cursor()
    first = column + len(shown) - len(shown.lstrip())
    assert terminal.colour(row, first) != "default"


def with_ghost(start_emacs, file, more=""):
    """An Emacs that shows a suggestion of two lines behind the unfinished one."""
    terminal = start_emacs(file, [*SERVER, LINES], more)
    go_there(terminal, file)
    expect_ghost(terminal, "size = width", 2)
    return terminal


def saved(terminal, file):
    """The text after saving it."""
    terminal.press("C-x", "C-s")
    terminal.wait_until("it to be saved", lambda rows: "Wrote" in rows[-1])
    return file.path.read_text(encoding="utf-8")


def servers_of(terminal):
    """The servers' processes; Emacs may have others that compile, and some that have ended."""
    found = []
    for child in psutil.Process(terminal.pid).children():
        with suppress(psutil.Error):
            found += [child] if SERVER[1] in child.cmdline() else []
    return found


def kill_server(terminal):
    """End the server as a lack of memory would; its process."""
    (server,) = servers_of(terminal)
    os.kill(server.pid, signal.SIGKILL)
    return server


def expect_another(terminal, server):
    """Wait until another server than that one serves the buffer: in between its mode line says that none does."""

    def is_there(rows):
        is_served = any(map(READY.search, rows)) and any("Connected!" in row for row in rows)
        return is_served and any(each.pid != server.pid for each in servers_of(terminal))

    terminal.wait_until("another server", is_there)


@pytest.fixture
def place(tmp_path):
    return Unfinished(tmp_path, BODY)


def test_the_bundled_models_suggestion_shows_and_tab_accepts_all_of_it(start_emacs, tmp_path):
    file = Unfinished(tmp_path, BASKET)
    suggestion = file.suggestion_behind("item.")
    terminal = start_emacs(file, PYLOT_LS)
    go_there(terminal, file)
    terminal.press("item.")
    terminal.expect("item." + suggestion)
    terminal.keep("ghost text")
    terminal.press("Tab")
    accepted = file.line_with("item.") + suggestion
    assert accepted in saved(terminal, file).splitlines()
    terminal.keep("accepted")


def test_tab_accepts_all_lines(start_emacs, place):
    terminal = start_emacs(place, [*SERVER, LINES])
    go_there(terminal, place)
    expect_ghost(terminal, "size = width * height", 2)
    terminal.press("Tab")
    assert saved(terminal, place) == "def area(width, height):\n    " + LINES + "\n"


def test_words_are_accepted_one_by_one_and_the_rest_stays(start_emacs, place):
    terminal = with_ghost(start_emacs, place)
    terminal.press("M-f")
    expect_ghost(terminal, " = width", 2)
    terminal.keep("accepted a word")
    terminal.press("M-f")
    expect_ghost(terminal, " width", 2)
    assert saved(terminal, place) == "def area(width, height):\n    size =\n"


def test_a_line_is_accepted_and_the_next_one_stays(start_emacs, place):
    terminal = with_ghost(start_emacs, place)
    terminal.press("C-e")
    line = "size = width * height"

    def is_behind(rows):
        # Flymake has a margin of its own beside the text.
        return line in rows[2] and terminal.cursor() == (2, rows[2].index(line) + len(line))

    terminal.wait_until("the cursor behind it", is_behind)
    terminal.keep("accepted a line")
    assert "return size" in terminal.rows()[3]
    assert saved(terminal, place) == "def area(width, height):\n    size = width * height\n"


def test_typing_along_leaves_the_rest_and_typing_something_else_hides_it(start_emacs, place):
    terminal = with_ghost(start_emacs, place)
    terminal.press("si")
    expect_ghost(terminal, "ze = width", 2)
    terminal.press("C-g")
    terminal.wait_until("nothing", lambda rows: rows[2].endswith(" si"))


def test_who_only_moves_about_is_shown_nothing(start_emacs, place):
    terminal = start_emacs(place, [*SERVER, LINES])
    terminal.wait_until("the server", lambda rows: any(READY.search(row) for row in rows))
    terminal.press("M-x", "goto-line", "Return", str(place.line), "Return", "C-e")
    with pytest.raises(ScreenError):
        terminal.expect("size = width", within_s=2)
    terminal.press("x", "Backspace")
    expect_ghost(terminal, "size = width", 2)


def test_tab_indents_where_nothing_is_suggested(start_emacs, place):
    terminal = start_emacs(place, [*SERVER, ""])
    go_there(terminal, place)
    terminal.press("C-a", "x", "Tab", "y")
    terminal.expect("    xy")


def test_other_suggestions_are_shown_in_turn(start_emacs, tmp_path):
    file = Unfinished(tmp_path, "▮\n")
    terminal = start_emacs(file, [*PYLOT_LS, "--scripted"])
    go_there(terminal, file)
    terminal.press("x = ")
    expect_ghost(terminal, "scripted_suggestion", 1)
    terminal.press("M-n")
    terminal.expect("Suggestion 1 of 3")
    terminal.press("M-n")
    terminal.expect("Suggestion 2 of 3")
    expect_ghost(terminal, "another_suggestion", 1)
    terminal.press("Tab")
    assert saved(terminal, file) == "x = another_suggestion\n"


def test_what_is_paused_shows_nothing_until_it_is_resumed(start_emacs, place):
    terminal = with_ghost(start_emacs, place)
    terminal.press("M-x", "pylot-pause", "Return", "everywhere", "Return")
    terminal.expect("pylot paused")
    terminal.keep("paused")
    terminal.press("s")
    terminal.expect("    s")
    assert "ize = width" not in terminal.rows()[2]
    terminal.press("M-x", "pylot-resume", "Return", "everywhere", "Return", "i")
    expect_ghost(terminal, "ze = width", 2)


def test_completion_at_point_has_what_is_shown(start_emacs, place):
    terminal = start_emacs(place, [*SERVER, "size = 1"])
    go_there(terminal, place)
    expect_ghost(terminal, "size = 1", 2)
    terminal.press("M-x", "completion-at-point", "Return")
    terminal.expect("size = 1")


def test_where_emacs_previews_a_completion_that_goes_first(start_emacs, tmp_path):
    file = Unfinished(tmp_path, "width_of_it = 1\n▮\n")
    more = """
    (defun words-of-test ()
      (let ((start (save-excursion (skip-chars-backward "a-z_") (point))))
        (list start (point) '("width_of_it") :exclusive 'no)))
    (add-hook 'pylot-mode-hook
              (lambda () (add-hook 'completion-at-point-functions #'words-of-test -20 t) (completion-preview-mode 1)))
    """
    terminal = start_emacs(file, [*SERVER, "h = 2"], more)
    go_there(terminal, file)
    expect_ghost(terminal, "h = 2", 2)
    terminal.press("wid")
    expect_ghost(terminal, "th_of_it", 2)
    assert "h = 2" not in terminal.rows()[2]
    terminal.press("Tab")
    terminal.expect("width_of_ith = 2")


@pytest.mark.parametrize(
    ("setting", "keys"),
    [
        # By default it does so where the server has run for three seconds.
        pytest.param("(setq eglot-autoreconnect t)", [], id="by Eglot"),
        pytest.param("(setq eglot-autoreconnect nil)", ["M-x", "pylot-restart", "Return"], id="by hand"),
    ],
)
def test_a_server_that_was_killed_is_started_again(start_emacs, place, setting, keys):
    terminal = with_ghost(start_emacs, place, setting)
    server = kill_server(terminal)
    terminal.press(*keys)
    expect_another(terminal, server)
    terminal.press("x", "Backspace")
    expect_ghost(terminal, "size = width", 2)


def test_without_a_server_one_message_says_so_and_typing_is_not_disturbed(start_emacs, place):
    terminal = start_emacs(place, ["pylot-ls-that-is-not-installed"])
    terminal.expect("is not installed")
    terminal.press("M-x", "goto-line", "Return", str(place.line), "Return", "C-e", "abc")
    terminal.expect("    abc")
    terminal.press("C-x", "C-f", "other.py", "Return", "x = 1")
    terminal.expect("x = 1")
    assert "is not installed" not in terminal.rows()[-1]


def test_the_check_fails_with_a_server_that_ends(start_emacs, place):
    terminal = start_emacs(place, [sys.executable, "-c", "raise SystemExit(3)"])
    terminal.press("M-x", "goto-line", "Return", str(place.line), "Return", "C-e", "s")
    terminal.expect("    s")
    with pytest.raises(ScreenError):
        terminal.expect("size = width", within_s=3)


@pytest.mark.parametrize("file", emacs.FILES)
def test_it_compiles_without_warnings_and_passes_checkdoc(emacs_binary, tmp_path, file):
    shutil.copytree(PACKAGE, tmp_path, dirs_exist_ok=True)
    copy = tmp_path / file
    expression = (
        "(progn (setq byte-compile-error-on-warn t) (require 'checkdoc)"
        f' (unless (byte-compile-file "{copy}") (kill-emacs 1))'
        " (setq checkdoc-create-error-function (lambda (text &rest _) (princ text) nil))"
        f' (checkdoc-file "{copy}"))'
    )
    assert emacs_says(emacs_binary, expression, "-L", tmp_path) == ""


def test_no_file_of_the_package_is_left_out():
    assert {path.name for path in PACKAGE.glob("*.el")} == set(emacs.FILES)
