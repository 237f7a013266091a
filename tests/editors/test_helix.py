"""In a real Helix, set up as its page says, suggestions are entries of the completion menu."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from contextlib import ExitStack

import psutil
import pytest

if sys.platform == "win32":
    pytest.skip("a terminal is simulated on Unix only", allow_module_level=True)

from .setting_up import run_setup
from .terminal import ScreenError, Terminal
from .test_neovim import BASKET, PYLOT_LS, Unfinished

pytestmark = pytest.mark.editor

# Messages of the server are shown, and nothing is waited for that does not come.
CONFIG = """
[editor]
completion-timeout = 5
idle-timeout = 50
[editor.lsp]
display-messages = true
display-progress-messages = true
[keys.normal.space.l]
p = ":lsp-workspace-command pylot.pause"
r = ":lsp-workspace-command pylot.resume"
R = ":lsp-restart pylot"
"""


@pytest.fixture
def start_helix(helix_binary, tmp_path, screens, _no_settings):
    """Starts a Helix in a terminal, with a file and a server's command; it ends with the test."""
    with ExitStack() as stack:

        def start(file, server):
            names = ("CONFIG", "STATE", "DATA", "CACHE")
            home = {f"XDG_{name}_HOME": str(tmp_path / name.lower()) for name in names}
            run_setup("helix", home)
            languages = tmp_path / "config" / "helix" / "languages.toml"
            program, *arguments = server
            stand_in = f"command = {json.dumps(program)}\nargs = {json.dumps(arguments)}"
            text = re.sub(r"^command = .*$", lambda _found: stand_in, languages.read_text("utf-8"), flags=re.MULTILINE)
            languages.write_text(text, encoding="utf-8")
            languages.with_name("config.toml").write_text(CONFIG, encoding="utf-8")
            command = [helix_binary, f"{file.path}:{file.line}"]
            return stack.enter_context(Terminal(command, home, tmp_path, screens))

        yield start


def open_menu(terminal):
    """Ask for the completion menu, again until the server is there to answer."""
    terminal.expect("INS")
    terminal.press("C-x")


def leave_insert_mode(terminal):
    """The key is waited for: another behind it would be taken for one with Alt. It closes the menu as well."""
    terminal.press("Escape")
    terminal.expect(" NOR ")


def test_the_bundled_models_suggestion_is_in_the_menu_and_return_accepts_it(start_helix, tmp_path):
    file = Unfinished(tmp_path, BASKET)
    asked = ((typed, file.suggestion_behind(typed)) for typed in ("item.", "item.pr", "not ", "self.", "len("))
    # What stands in the file is on the screen without a menu, too.
    typed, suggestion = next(each for each in asked if each[1] and each[1].strip() not in BASKET)
    terminal = start_helix(file, PYLOT_LS)
    terminal.expect("pylot-tiny is ready")
    terminal.press("A", typed)
    open_menu(terminal)
    terminal.expect(suggestion.strip())
    terminal.keep("menu")
    terminal.press("C-n", "Return")
    leave_insert_mode(terminal)
    terminal.press(":w", "Return")
    accepted = file.line_with(typed) + suggestion
    terminal.expect(accepted.strip())
    terminal.expect("written")
    terminal.keep("accepted")
    assert accepted in file.path.read_text("utf-8").splitlines()


def test_paused_by_a_key_it_has_no_entry_until_it_is_resumed(start_helix, tmp_path):
    file = Unfinished(tmp_path, "▮\n")
    terminal = start_helix(file, [*PYLOT_LS, "--scripted"])
    terminal.expect("is ready")
    terminal.press(" ", "l", "p")
    terminal.expect("suggestions are paused everywhere")
    terminal.keep("paused")
    terminal.press("A", "x.")
    open_menu(terminal)
    leave_insert_mode(terminal)
    terminal.press(" ", "l", "r")
    terminal.expect("there are suggestions again")
    assert not any("scripted_suggestion" in row for row in terminal.rows())
    terminal.press("A", "y.")
    open_menu(terminal)
    terminal.expect("scripted_suggestion")


def test_a_server_that_was_killed_is_started_again_by_a_command(start_helix, tmp_path):
    file = Unfinished(tmp_path, "▮\n")
    terminal = start_helix(file, [*PYLOT_LS, "--scripted"])
    terminal.expect("is ready")
    (server,) = psutil.Process(terminal.pid).children()
    os.kill(server.pid, signal.SIGKILL)
    terminal.expect("Language server exited")
    terminal.press(" ", "l", "R")
    terminal.expect("is ready")
    terminal.press("A", "x.")
    open_menu(terminal)
    terminal.expect("scripted_suggestion")


def test_the_check_fails_without_a_server_and_typing_is_not_disturbed(start_helix, tmp_path):
    file = Unfinished(tmp_path, "▮\n")
    terminal = start_helix(file, ["pylot-ls-that-is-not-installed"])
    terminal.expect(" NOR ")
    terminal.press("A", "x.")
    open_menu(terminal)
    with pytest.raises(ScreenError):
        terminal.expect("scripted_suggestion", within_s=3)
    terminal.press("y")
    terminal.expect("x.y")
