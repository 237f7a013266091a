"""In a real VS Code with the packaged extension, suggestions appear, are accepted, pause, and survive the server."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from asking import ask_shared

from .test_neovim import BASKET, PYLOT_LS, Unfinished
from .vscode import GhostTextError, VSCode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

pytestmark = pytest.mark.editor

RECORDER = Path(__file__).with_name("recording_server.py")
SCRIPTED = (*PYLOT_LS, "--scripted")
# The server as it would be if it were older than the extension.
OLD = "import pylot_ls; pylot_ls.__version__ = '0.0.9'; from pylot_ls.__main__ import main; main()"


class StandIn:
    """A program that stands for ``pylot-ls``, and writes down what it is asked.

    Args:
        folder: where it goes, with what it writes.
        command: what it runs.
    """

    def __init__(self, folder: Path, command: Sequence[str]) -> None:
        folder.mkdir(exist_ok=True)
        self.path = folder / "pylot-ls"
        self._asked = folder / "asked.jsonl"
        self._pids = folder / "pids"
        settings = folder / "settings.toml"
        # What the command line says to be suggested is said by hand, and is shown whole.
        settings.write_text("[completion]\nconfidence = 0\nanswer_after_ms = 0\n", encoding="utf-8")
        recorded = shlex.join([sys.executable, str(RECORDER), str(self._asked), *command])
        root = Path(__file__).parents[2]
        lines = (
            "#!/bin/sh",
            f"export PYLOT_LS_CONFIG={shlex.quote(str(settings))} PYTHONPATH={shlex.quote(str(root))}",
            f"echo $$ >>{shlex.quote(str(self._pids))}",
            f'exec {recorded} "$@"',
        )
        self.path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self.path.chmod(0o755)

    def pids(self) -> list[int]:
        """Of each time it was started."""
        return list(map(int, self._pids.read_text(encoding="utf-8").split()))

    def kill(self) -> None:
        """End it as a crash would."""
        os.kill(self.pids()[-1], signal.SIGKILL)

    def asked(self, method: str) -> list[dict[str, Any]]:
        """The parameters of each message with a method."""
        return [each["params"] for each in self._messages() if each.get("method") == method]

    def expect_another(self, vscode: VSCode, end: Callable[[], None], method: str = "textDocument/didOpen") -> None:
        """End the server of a window, and wait until another one has been told what a method tells.

        Which files are open it is told when it can be asked; the status bar may still show what the last one said.
        """
        n_told = len(self.asked(method))
        end()
        vscode.wait_until("a new server", lambda: len(self.asked(method)) > n_told)

    def _messages(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._asked.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def scripted(tmp_path_factory: pytest.TempPathFactory) -> StandIn:
    return StandIn(tmp_path_factory.mktemp("servers") / "scripted", SCRIPTED)


@pytest.fixture
def window(vscode: VSCode, scripted: StandIn, tmp_path_factory: pytest.TempPathFactory) -> VSCode:
    """One window for several tests, with an empty Python file and a server whose answers are known."""
    if vscode.screen().tab != "scripted.py":
        vscode.configure({"pylot-ls.serverPath": str(scripted.path)})
        file = tmp_path_factory.mktemp("files") / "scripted.py"
        file.write_text("", encoding="utf-8")
        vscode.open(file)
        vscode.expect_status("ready")
    vscode.clear()
    return vscode


def test_the_bundled_models_suggestion_appears_and_is_accepted_by_word_and_as_a_whole(
    vscode: VSCode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = StandIn(tmp_path / "server", PYLOT_LS)
    monkeypatch.setenv("PYLOT_LS_CONFIG", str(server.path.with_name("settings.toml")))
    file = Unfinished(tmp_path, BASKET)
    suggestion = file.suggestion_behind("item.")
    vscode.configure({"pylot-ls.serverPath": str(server.path)})
    vscode.open(file.path)
    vscode.expect_status("ready")
    vscode.go_to_end_of_line(file.line)
    vscode.type("item.")
    screen = vscode.expect_ghost_text(suggestion)
    vscode.keep("suggested")
    assert screen.lines[file.line - 1] == file.line_with("item."), "ghost text is not in the file yet"
    vscode.press("Control+ArrowRight")
    screen = vscode.wait_for("a word", lambda seen: seen.lines[file.line - 1] != file.line_with("item."))
    word = screen.lines[file.line - 1].removeprefix(file.line_with("item."))
    assert suggestion.startswith(word)
    assert len(word) < len(suggestion)
    vscode.expect_ghost_text(suggestion.removeprefix(word))
    vscode.keep("accepted a word")
    vscode.press("Tab")
    n_lines = suggestion.count("\n") + 1
    accepted = file.line_with("item." + suggestion).split("\n")
    vscode.wait_for("all of it", lambda seen: seen.lines[file.line - 1 :][:n_lines] == accepted)
    vscode.keep("accepted")


def test_a_window_joins_the_shared_server_where_that_is_set(vscode: VSCode, tmp_path: Path) -> None:
    place = {"XDG_RUNTIME_DIR": str(tmp_path)}
    server = StandIn(tmp_path / "server", ["env", f"XDG_RUNTIME_DIR={tmp_path}", *PYLOT_LS])

    file = tmp_path / "shared.py"
    file.write_text("", encoding="utf-8")
    vscode.configure({"pylot-ls.serverPath": str(server.path), "pylot-ls.shared": True})
    try:
        vscode.open(file)
        vscode.expect_status("ready")
        assert len(ask_shared("--status", place)["editors"]) == 1
    finally:
        vscode.configure({"pylot-ls.serverPath": str(server.path)})
        assert ask_shared("--stop", place)["was_running"]


def test_who_asks_by_hand_goes_through_several(window: VSCode) -> None:
    window.type("x = ")
    window.expect_ghost_text("scripted_suggestion")
    window.press("Alt+]")
    window.expect_ghost_text("another_suggestion")
    window.press("Alt+[")
    window.expect_ghost_text("scripted_suggestion")


def test_while_the_editors_list_is_open_the_suggestion_goes_on_behind_its_selected_entry(
    window: VSCode, scripted: StandIn
) -> None:
    window.type("quantity = 1\nquality = 2\nqua")
    window.expect_ghost_text("scripted_suggestion")
    window.press("Control+Space")
    window.wait_for("the list", lambda seen: seen.list == ["quality", "quantity"])
    window.expect_ghost_text("lityscripted_suggestion")
    window.press("ArrowDown")
    screen = window.expect_ghost_text("ntityscripted_suggestion")
    window.keep("behind the selected entry")
    assert screen.selected == "quantity"
    asked = [each["context"].get("selectedCompletionInfo") for each in scripted.asked("textDocument/inlineCompletion")]
    typed = {"start": {"line": 2, "character": 0}, "end": {"line": 2, "character": 3}}
    assert asked[-2:] == [{"range": typed, "text": "quality"}, {"range": typed, "text": "quantity"}]
    window.press("Tab")
    window.wait_for("the entry", lambda seen: seen.lines[2] == "quantity" and not seen.list)
    window.expect_ghost_text("scripted_suggestion")
    window.press("Tab")
    window.wait_for("the suggestion", lambda seen: seen.lines[2] == "quantityscripted_suggestion")


@pytest.mark.parametrize(
    ("entry", "scope"),
    [
        pytest.param("Pause everywhere", {}, id="everywhere"),
        pytest.param("Pause for python", {"languageId": "python"}, id="for a language"),
        pytest.param("Pause in this file", {"uri": "scripted.py"}, id="in a file"),
    ],
)
def test_what_is_paused_in_the_server_shows_nothing_until_it_is_resumed(
    window: VSCode, scripted: StandIn, entry: str, scope: dict[str, str]
) -> None:
    window.type("x = ")
    window.expect_ghost_text("scripted_suggestion")
    window.choose(entry)
    window.expect_status("paused")
    window.wait_for("the ghost text to go", lambda seen: not seen.ghost)
    asked = scripted.asked("workspace/executeCommand")[-1]
    assert (asked["command"], set(asked["arguments"][0])) == ("pylot.pause", set(scope))
    assert all(asked["arguments"][0][key].endswith(value) for key, value in scope.items())
    n_asked = len(scripted.asked("textDocument/inlineCompletion"))
    window.type("1\ny = ")
    window.wait_until("a question", lambda: len(scripted.asked("textDocument/inlineCompletion")) > n_asked)
    screen = window.wait_for("what was typed", lambda seen: seen.lines[:2] == ["x = 1", "y = "])
    window.keep(entry.lower())
    assert screen.ghost == []
    window.choose("Resume")
    window.expect_status("ready")
    window.type("2\nz = ")
    window.expect_ghost_text("scripted_suggestion")


def test_what_a_key_of_the_users_pauses_shows(vscode: VSCode, scripted: StandIn, tmp_path: Path) -> None:
    file = tmp_path / "key.py"
    file.write_text("", encoding="utf-8")
    vscode.bind("ctrl+alt+u", "pylot.pause")
    vscode.configure({"pylot-ls.serverPath": str(scripted.path)})
    vscode.open(file)
    vscode.expect_status("ready")
    vscode.clear()
    vscode.press("Control+Alt+u")
    vscode.expect_status("paused")
    vscode.choose("Resume")
    vscode.expect_status("ready")


def test_a_pause_outlives_the_server(window: VSCode, scripted: StandIn) -> None:
    window.choose("Pause everywhere")
    window.expect_status("paused")
    scripted.expect_another(window, scripted.kill, "workspace/executeCommand")
    window.expect_status("paused")
    window.choose("Resume")
    window.expect_status("ready")
    window.type("x = ")
    window.expect_ghost_text("scripted_suggestion")


def test_a_server_that_was_killed_comes_back(window: VSCode, scripted: StandIn) -> None:
    window.type("x = ")
    window.expect_ghost_text("scripted_suggestion")
    scripted.expect_another(window, scripted.kill)
    window.expect_status("ready")
    window.type("1\ny = ")
    window.expect_ghost_text("scripted_suggestion")


def test_a_hover_shows_what_the_text_says_of_a_name_and_what_a_model_says(window: VSCode) -> None:
    window.paste('def total(rate):\n"""Add the prices."""\nreturn rate\n')
    window.press("Control+Home", *["ArrowRight"] * 5, "Control+k", "Control+i")
    screen = window.wait_for("the hover", lambda seen: "scripted_suggestion" in "".join(seen.hover))
    window.keep("hover")
    assert "def total(rate)" in "".join(screen.hover)
    assert "Add the prices." in "".join(screen.hover)
    window.press("Escape")


def test_a_code_action_documents_a_function(window: VSCode) -> None:
    window.paste("def total(rate):\nreturn rate\n")
    window.press("Control+Home", *["ArrowRight"] * 5, "Control+.")
    screen = window.wait_for("the actions", lambda seen: seen.actions)
    window.keep("actions")
    assert screen.actions[0] == "Document total"
    window.press("Enter")
    window.click(".bulk-edit-panel .edit-checkbox")
    window.keep("action to confirm")
    window.click(".bulk-edit-panel .monaco-button", "Apply")
    window.wait_for("the documentation", lambda seen: '    """scripted_suggestion"""' in seen.lines)


def test_two_windows_have_a_server_each(window: VSCode, scripted: StandIn, tmp_path: Path) -> None:
    window.type("x = ")
    window.expect_ghost_text("scripted_suggestion")
    first = scripted.pids()
    file = tmp_path / "second.py"
    file.write_text("", encoding="utf-8")
    window.turn_to(1)
    window.open(file)
    window.expect_status("ready")
    assert scripted.pids()[:-1] == first
    window.clear()
    window.type("y = ")
    window.expect_ghost_text("scripted_suggestion")
    scripted.kill()
    window.turn_to(0)
    window.type("1\nz = ")
    window.expect_ghost_text("scripted_suggestion")
    window.keep("the first window")
    window.turn_to(1)
    window.wait_until("a new server in the other window", lambda: len(scripted.pids()) == len(first) + 2)
    window.expect_status("ready")
    window.keep("the second window")
    window.turn_to(0)


def test_the_check_fails_without_a_server_and_the_user_is_told_what_to_do(vscode: VSCode, tmp_path: Path) -> None:
    file, folder = tmp_path / "without.py", tmp_path / "server"
    file.write_text("", encoding="utf-8")
    vscode.configure({"pylot-ls.serverPath": str(folder / "pylot-ls")})
    vscode.open(file)
    vscode.expect_status("failed")
    screen = vscode.wait_for("the message", lambda seen: seen.notifications)
    assert screen.notifications == [
        f"There is no program {folder}/pylot-ls. Correct the setting pylot-ls.serverPath, or empty it."
    ]
    vscode.keep("no server")
    vscode.clear()
    vscode.type("x = ")
    with pytest.raises(GhostTextError, match="server is not running"):
        vscode.expect_ghost_text("scripted_suggestion")
    crashing = StandIn(folder, [sys.executable, "-c", "raise SystemExit('no memory')"])
    vscode.choose("Start the server")
    screen = vscode.wait_for("why", lambda seen: any("no memory" in each for each in seen.notifications))
    server = folder / "pylot-ls"
    advice = f'{server} does not start: no memory. Run "{server} doctor" in a terminal: it says what to do.'
    assert screen.notifications == [advice]
    vscode.keep("crashing server")
    assert len(crashing.pids()) == 1
    StandIn(folder, [sys.executable, "-c", OLD])
    vscode.choose("Start the server")
    screen = vscode.wait_for("why not", lambda seen: any("0.0.9" in each for each in seen.notifications))
    assert f"{server} is version 0.0.9; this extension needs 0.1.0 or newer." in screen.notifications[0]
    StandIn(folder, SCRIPTED)
    vscode.choose("Start the server")
    screen = vscode.wait_for("a server", lambda seen: "ready" in seen.status)
    assert len(screen.notifications) == 2, "what was wrong is said once"
    vscode.clear()
    vscode.type("x = ")
    vscode.expect_ghost_text("scripted_suggestion")
