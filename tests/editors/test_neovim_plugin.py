"""The plugin for Neovim: accepting in parts, pausing, a server that ends, one that is not there."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from pylot_ls.features.feedback import Verdict
from pylot_ls.features.feedback_log import FeedbackLog

from .neovim import DROP_IN, GhostTextError, Neovim
from .test_neovim import BASKET, PYLOT_LS, Unfinished, type_and_expect

pytestmark = pytest.mark.editor

StartNeovim = Callable[..., Neovim]

SERVER = (sys.executable, str(Path(__file__).with_name("scripted_server.py")))
BODY = "def area(width, height):\n    ▮\n"
LINES = "size = width * height\n    return size"


class Place(Unfinished):
    """An empty body of a function, where a suggestion may have several lines; the cursor stands in it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, BODY)

    def show(self, editor: Neovim, expected: str = LINES) -> None:
        """Open it and ask by typing nothing but a space that is taken back."""
        editor.open(self.path)
        editor.expect_server()
        editor.go_to_end_of_line(self.line)
        editor.expect_ghost_text(expected)


def kill_and_see_it_come_back(editor: Neovim, starts: Path) -> None:
    """End the server as a lack of memory would, and wait for the next one."""
    n_before = len(starts.read_bytes())
    os.kill(editor.server_pid(), signal.SIGKILL)
    editor.wait_until("another start", lambda: len(starts.read_bytes()) > n_before)
    editor.expect_server()


def test_the_bundled_models_suggestion_shows_and_tab_accepts_all_of_it(
    start_neovim: StartNeovim, tmp_path: Path
) -> None:
    file = Unfinished(tmp_path, BASKET)
    suggestion = file.suggestion_behind("item.")
    editor = start_neovim(PYLOT_LS, plugin=True)
    type_and_expect(editor, file, "item.", suggestion)
    editor.press("<Tab>")
    accepted = file.line_with("item.") + suggestion
    editor.wait_until("it in the buffer", lambda: editor.lines()[file.line - 1] == accepted)


def test_words_are_accepted_one_by_one_and_the_rest_stays(start_neovim: StartNeovim, tmp_path: Path) -> None:
    editor = start_neovim([*SERVER, LINES], plugin=True)
    Place(tmp_path).show(editor)
    for word, rest in (
        ("    size", " = width * height\n    return size"),
        ("    size =", " width * height\n    return size"),
    ):
        editor.press("<M-Right>")
        editor.wait_until(f"{word!r}", lambda word=word: editor.lines()[1] == word)
        editor.expect_ghost_text(rest)
        editor.keep(f"accepted {word.strip()}")
    editor.stop_server()
    log = FeedbackLog(tmp_path / "home" / "state" / "pylot-ls" / "feedback" / "feedback.db")
    totals = editor.wait_until("a log", lambda: log.totals(date.min))
    assert [each.n_accepted for each in totals if each.verdict is Verdict.ACCEPTED_WORD] == [len("size =")]


def test_a_line_is_accepted_and_the_next_one_stays(start_neovim: StartNeovim, tmp_path: Path) -> None:
    editor = start_neovim([*SERVER, LINES], plugin=True)
    Place(tmp_path).show(editor)
    editor.press("<M-Down>")
    editor.wait_until("the line", lambda: editor.lines()[1] == "    size = width * height")
    editor.expect_ghost_text("\n    return size")
    editor.keep("accepted a line")
    editor.press("<M-Down>")
    editor.wait_until("the other", lambda: editor.lines()[1:] == ["    size = width * height", "    return size"])


# A suggestion, its next word, its next line.
PARTS = [
    ("total(self)", "total", "total(self)"),
    (" + b", " +", " + b"),
    ("):\n    pass", "):", "):"),
    ("\n    return x", "\n    return", "\n    return x"),
    ("\n    a\n    b", "\n    a", "\n    a"),
    ("имя.длина", "имя", "имя.длина"),
    ("  ", "  ", "  "),
]


def test_words_and_lines_of_a_suggestion(start_neovim: StartNeovim) -> None:
    editor = start_neovim(["pylot-ls-that-is-not-installed"], plugin=True)
    for text, word, line in PARTS:
        quoted = "[==[" + ("\n" if text.startswith("\n") else "") + text + "]==]"  # Lua drops a first line's end
        assert editor.lua(f"require('pylot.accepting').next_word({quoted})") == word
        assert editor.lua(f"require('pylot.accepting').next_line({quoted})") == line


def test_tab_indents_where_nothing_is_suggested(start_neovim: StartNeovim, tmp_path: Path) -> None:
    file = Place(tmp_path)
    editor = start_neovim([*SERVER, ""], plugin=True)
    editor.open(file.path)
    editor.expect_server()
    editor.go_to_end_of_line(file.line)
    editor.expect_no_ghost_text()
    editor.press("<Tab>x")
    editor.wait_until("a longer line", lambda: editor.lines()[1].endswith("x"))
    assert editor.lines()[1].removesuffix("x").strip() == ""
    assert len(editor.lines()[1]) > len("    x")


def test_a_mapping_of_the_users_stays_and_checkhealth_says_what_to_do(start_neovim: StartNeovim) -> None:
    editor = start_neovim([*SERVER, LINES], plugin=True, init="vim.keymap.set('i', '<Tab>', 'mine')")
    editor.press("i<Tab>")
    editor.wait_until("the user's own", lambda: editor.lines() == ["mine"])
    editor.press("<Esc>")
    editor.command("checkhealth pylot")
    assert "<Tab> is mapped by your configuration" in "\n".join(editor.lines())


@pytest.mark.parametrize("scope", ["here", "language", "everywhere", ""])
def test_what_is_paused_shows_nothing_until_it_is_resumed(
    start_neovim: StartNeovim, tmp_path: Path, scope: str
) -> None:
    file = Place(tmp_path)
    editor = start_neovim([*SERVER, LINES], plugin=True)
    file.show(editor)
    editor.press("<Esc>")
    editor.command(f"Pylot pause {scope}")
    assert editor.lua("require('pylot').status()") == "pylot paused"
    editor.go_to_end_of_line(file.line)
    editor.type("s")
    assert editor.lua("vim.lsp.inline_completion.is_enabled({ bufnr = 0 })") is False
    assert editor.ghost_text() is None
    editor.keep("paused")
    editor.press("<Esc>")
    editor.command(f"Pylot resume {scope}")
    editor.go_to_end_of_line(file.line)
    editor.type("i")
    editor.expect_ghost_text(LINES.removeprefix("si"))
    assert editor.lua("require('pylot').status()") == "pylot"


def test_a_pause_for_a_language_leaves_the_others(start_neovim: StartNeovim, tmp_path: Path) -> None:
    file = Place(tmp_path)
    other = tmp_path / "notes.txt"
    other.write_text("\n", encoding="utf-8")
    editor = start_neovim([*SERVER, "words"], plugin=True)
    editor.open(file.path)
    editor.expect_server()
    editor.command("Pylot pause language")
    editor.open(other)
    editor.expect_server()
    editor.go_to_end_of_line(1)
    editor.expect_ghost_text("words")


def test_a_server_that_was_killed_comes_back(start_neovim: StartNeovim, tmp_path: Path) -> None:
    file = Place(tmp_path)
    editor = start_neovim([*SERVER, LINES, str(tmp_path / "starts")], plugin=True)
    file.show(editor)
    kill_and_see_it_come_back(editor, tmp_path / "starts")
    editor.press("<Esc>")
    editor.go_to_end_of_line(file.line)
    editor.wait_until("ghost text of the new server", editor.ghost_text)
    editor.expect_ghost_text(LINES)
    assert not [line for line in editor.messages() if "pylot" in line]


def test_what_was_paused_is_paused_when_the_server_comes_back(start_neovim: StartNeovim, tmp_path: Path) -> None:
    editor = start_neovim([*SERVER, LINES, str(tmp_path / "starts")], plugin=True)
    Place(tmp_path).show(editor)
    editor.press("<Esc>")
    editor.command("Pylot pause here")
    kill_and_see_it_come_back(editor, tmp_path / "starts")
    assert editor.lua("require('pylot').status()") == "pylot paused"
    assert editor.lua("vim.lsp.inline_completion.is_enabled({ bufnr = 0 })") is False
    editor.command("checkhealth pylot")
    assert "module.py (paused here)" in "\n".join(editor.lines())


def test_a_server_that_is_killed_again_and_again_is_given_up_with_one_message(
    start_neovim: StartNeovim, tmp_path: Path
) -> None:
    starts = tmp_path / "starts"
    file = Place(tmp_path)
    editor = start_neovim([*SERVER, LINES, str(starts)], plugin=True, init="vim.g.pylot = { restarts = 1 }")
    file.show(editor)
    kill_and_see_it_come_back(editor, starts)
    os.kill(editor.server_pid(), signal.SIGKILL)
    editor.wait_until("giving up", lambda: editor.lua("require('pylot').status()") == "pylot failed")
    told = editor.wait_until("a message", lambda: [line for line in editor.messages() if "pylot" in line])
    assert told == ["pylot-ls: the server ended 2 times (signal 9), see :checkhealth pylot"]
    assert not editor.is_waiting_for_return()
    editor.press("<Esc>")
    editor.command("Pylot restart")
    editor.wait_until("a third start", lambda: starts.read_bytes() == b"...")
    editor.wait_until("it to be ready", lambda: editor.lua("require('pylot').status()") == "pylot")


@pytest.mark.parametrize(
    ("no_server", "message", "advice"),
    [
        pytest.param(
            ["pylot-ls-that-is-not-installed"], "no server is installed", "pip install pylot-ls", id="it is missing"
        ),
        pytest.param(
            [sys.executable, "-c", "raise SystemExit(3)"],
            "the server ended at start (exit 3)",
            "pylot-ls doctor",
            id="it ends at once",
        ),
    ],
)
def test_without_a_server_one_message_says_so_and_typing_is_not_disturbed(
    start_neovim: StartNeovim, tmp_path: Path, no_server: list[str], message: str, advice: str
) -> None:
    file = Unfinished(tmp_path, BASKET)
    editor = start_neovim(no_server, plugin=True)
    with pytest.raises(GhostTextError, match="ghost text did not come"):
        type_and_expect(editor, file, "item.", "any text")
    for name in ("a.py", "b.py"):
        editor.open(tmp_path / name)
        editor.press("i")
        editor.type("x = 1")
        assert editor.lines() == ["x = 1"]
        editor.press("<Esc>")
        editor.command("write")
    assert not editor.is_waiting_for_return()
    told = [line for line in editor.messages() if line.startswith("pylot-ls")]
    assert told == [f"pylot-ls: {message}, see :checkhealth pylot"]
    assert not [line for line in editor.messages() if re.search(r"quit with|Spawning|Error", line)]
    editor.command("checkhealth pylot")
    report = "\n".join(editor.lines())
    assert message in report
    assert advice in report


def test_neovim_without_inline_completion_gets_entries_of_its_menu(start_neovim: StartNeovim, tmp_path: Path) -> None:
    """As Neovim 0.11 does: neither the module nor the capability."""
    file = Place(tmp_path)
    as_before = """
        local made = vim.lsp.protocol.make_client_capabilities
        vim.lsp.protocol.make_client_capabilities = function()
          local capabilities = made()
          capabilities.textDocument.inlineCompletion = nil
          return capabilities
        end
        vim.lsp.inline_completion = false
        vim.o.completeopt = 'menuone,noinsert'
    """
    editor = start_neovim([*SERVER, "size()"], plugin=True, init=as_before)
    editor.open(file.path)
    editor.wait_until("a server", lambda: editor.lua("require('pylot').status()") == "pylot")
    editor.go_to_end_of_line(file.line)
    editor.type("w.")
    editor.wait_until("the menu", lambda: editor.lua("vim.fn.pumvisible()") == 1)
    editor.keep("menu")
    assert any("size()" in row for row in editor.screen())


def test_the_log_opens(start_neovim: StartNeovim, tmp_path: Path) -> None:
    editor = start_neovim([*SERVER, LINES], plugin=True)
    Place(tmp_path).show(editor)
    editor.press("<Esc>")
    editor.command("Pylot log")
    assert editor.lua("vim.fn.expand('%:t')") == "lsp.log"


def test_commands_complete_and_wrong_ones_say_which_there_are(start_neovim: StartNeovim) -> None:
    editor = start_neovim([*SERVER, LINES], plugin=True)
    assert editor.lua("vim.fn.getcompletion('Pylot re', 'cmdline')") == ["restart", "resume"]
    assert editor.lua("vim.fn.getcompletion('Pylot pause ', 'cmdline')") == ["here", "language", "everywhere"]
    for command, problem in (
        ("Pylot sleep", "no command 'sleep'"),
        ("Pylot pause there", "no scope 'there'"),
        ("Pylot log now", "'now' is one word too many"),
    ):
        editor.lua(f"pcall(vim.cmd, '{command}')")
        assert any(problem in line for line in editor.messages())


def test_the_help_has_its_tags_and_names_every_public_function(start_neovim: StartNeovim, tmp_path: Path) -> None:
    editor = start_neovim(["pylot-ls-that-is-not-installed"], plugin=True)
    editor.command("help :Pylot")
    assert editor.lua("vim.fn.expand('%:t')") == "pylot.txt"
    (tags,) = tmp_path.rglob("doc/tags")
    by_setup = tags.read_bytes()
    editor.command(f"helptags {tags.parent}")
    assert tags.read_bytes() == by_setup
    page = (DROP_IN / "doc" / "pylot.txt").read_text(encoding="utf-8")
    for name in re.findall(r"^function M\.(\w+)\(", (DROP_IN / "lua/pylot/init.lua").read_text("utf-8"), re.MULTILINE):
        assert f"{name}(" in page
    assert not [line for line in page.splitlines() if len(line.expandtabs(8)) > 80]


def test_the_plugin_has_the_version_of_the_server(start_neovim: StartNeovim, tmp_path: Path) -> None:
    editor = start_neovim([*SERVER, LINES], plugin=True)
    Place(tmp_path).show(editor)
    assert editor.lua("require('pylot').version") == editor.lua("require('pylot.status').of().version")


def test_an_older_server_is_told_of_once(start_neovim: StartNeovim, tmp_path: Path) -> None:
    editor = start_neovim([*SERVER, LINES], plugin=True, init="require('pylot').version = '99.0.0'")
    Place(tmp_path).show(editor)
    told = editor.wait_until("a message", lambda: [line for line in editor.messages() if "older" in line])
    assert len(told) == 1
