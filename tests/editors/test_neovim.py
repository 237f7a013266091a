"""In a real Neovim, set up as the documentation says, the bundled model's suggestions appear and are accepted."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

import pytest

from pylot_ls.features.feedback import Verdict
from pylot_ls.features.feedback_log import FeedbackLog

from .neovim import GhostTextError, Neovim

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.editor

StartNeovim = Callable[..., Neovim]

PYLOT_LS = (sys.executable, "-m", "pylot_ls")

BASKET = '''"""A shopping basket."""

from dataclasses import dataclass, field


@dataclass
class Item:
    name: str
    price: float
    quantity: int = 1

    def total(self) -> float:
        return self.price * self.quantity


@dataclass
class Basket:
    items: list[Item] = field(default_factory=list)

    def add(self, item: Item) -> None:
        if ▮

    def total(self) -> float:
        return sum(item.total() for item in self.items)
'''

NAMES = '''"""Привет 🙂: имена из файла."""

from pathlib import Path


def read_names(path: Path) -> list[str]:
    # имена по одному в строке 🙂
    names = []
    print("имя 🙂:", ▮
    return names
'''


class Unfinished:
    """A file with an unfinished line, at whose end (``▮``) the user will type.

    Attributes:
        path: of the file.
        line: of the unfinished line, from 1.
    """

    def __init__(self, folder: Path, marked: str) -> None:
        self._before, self._after = marked.split("▮")
        self._folder = folder
        self.line = self._before.count("\n") + 1
        self.path = folder / "module.py"
        self.path.write_text(self._before + self._after, encoding="utf-8")

    @property
    def place(self) -> str:
        """The file and the line, as on a command line."""
        return f"{self.path}:{self.line}"

    def line_with(self, typed: str) -> str:
        """The unfinished line with something typed at its end."""
        return self._before.split("\n")[-1] + typed

    def suggestion_behind(self, typed: str) -> str:
        """What the bundled model suggests behind something typed, asked on the command line and not in an editor."""
        copy = self._folder / "asked" / self.path.name
        copy.parent.mkdir(exist_ok=True)
        copy.write_text(self._before + typed + self._after, encoding="utf-8")
        place = f"{copy}:{self.line}:{len(self.line_with(typed)) + 1}"
        done = subprocess.run(
            [*PYLOT_LS, "complete", place, "--json"],
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            cwd=self._folder,
        )
        assert done.returncode == 0, done.stderr
        return str(json.loads(done.stdout)["text"])


def type_and_expect(editor: Neovim, file: Unfinished, typed: str, expected: str) -> None:
    """The check: opening the file and typing brings the expected ghost text behind the cursor."""
    editor.open(file.path)
    editor.expect_server()
    editor.go_to_end_of_line(file.line)
    editor.type(typed)
    editor.expect_ghost_text(expected)


def test_the_bundled_models_suggestion_appears_as_ghost_text_and_tab_accepts_it(
    start_neovim: StartNeovim, tmp_path: Path
) -> None:
    file = Unfinished(tmp_path, BASKET)
    suggestion = file.suggestion_behind("item.")
    editor = start_neovim(PYLOT_LS)
    type_and_expect(editor, file, "item.", suggestion)
    editor.keep("ghost text")
    assert editor.lines()[file.line - 1] == file.line_with("item."), "ghost text is not in the buffer yet"
    editor.press("<Tab>")
    n_lines = suggestion.count("\n") + 1
    accepted = file.line_with("item." + suggestion).split("\n")
    editor.wait_until("the suggestion in the buffer", lambda: editor.lines()[file.line - 1 :][:n_lines] == accepted)
    editor.keep("accepted")


def test_what_tab_accepts_is_logged_as_accepted(start_neovim: StartNeovim, tmp_path: Path) -> None:
    file = Unfinished(tmp_path, BASKET)
    suggestion = file.suggestion_behind("item.")
    editor = start_neovim(PYLOT_LS)
    type_and_expect(editor, file, "item.", suggestion)
    editor.press("<Tab>")
    editor.wait_until("the suggestion in the buffer", lambda: editor.lines()[file.line - 1] != file.line_with("item."))
    editor.stop_server()
    log = FeedbackLog(tmp_path / "home" / "state" / "pylot-ls" / "feedback" / "feedback.db")
    totals = editor.wait_until("a log", lambda: log.totals(date.min))
    accepted = [total for total in totals if total.verdict is Verdict.ACCEPTED]
    assert [(each.language, each.n_suggestions, each.n_accepted) for each in accepted] == [
        ("python", 1, len(suggestion))
    ]


def test_typing_what_is_suggested_leaves_the_rest_of_it(start_neovim: StartNeovim, tmp_path: Path) -> None:
    file = Unfinished(tmp_path, BASKET)
    suggestion = file.suggestion_behind("item.")
    editor = start_neovim(PYLOT_LS)
    type_and_expect(editor, file, "item.", suggestion)
    # Half a name, of which the model may think otherwise; but it is not asked.
    n_typed = suggestion.index("(") // 2
    editor.type(suggestion[:n_typed])
    editor.expect_ghost_text(suggestion[n_typed:])


def test_ghost_text_stands_at_the_cursor_behind_letters_of_two_bytes_and_an_emoji(
    start_neovim: StartNeovim, tmp_path: Path
) -> None:
    file = Unfinished(tmp_path, NAMES)
    type_and_expect(start_neovim(PYLOT_LS), file, "names[", file.suggestion_behind("names["))


def test_the_check_fails_with_a_server_that_is_not_the_bundled_model(start_neovim: StartNeovim, tmp_path: Path) -> None:
    file = Unfinished(tmp_path, BASKET)
    suggestion = file.suggestion_behind("item.")
    editor = start_neovim([*PYLOT_LS, "--scripted"])
    with pytest.raises(GhostTextError, match="ghost text differs"):
        type_and_expect(editor, file, "item.", suggestion)


@pytest.mark.parametrize(
    "no_server",
    [
        pytest.param([sys.executable, "-c", "raise SystemExit(0)"], id="it ends at once"),
        pytest.param(["pylot-ls-that-is-not-installed"], id="it cannot be started"),
    ],
)
def test_the_check_fails_without_a_server(start_neovim: StartNeovim, tmp_path: Path, no_server: list[str]) -> None:
    file = Unfinished(tmp_path, BASKET)
    editor = start_neovim(no_server)
    with pytest.raises(GhostTextError, match="ghost text did not come"):
        type_and_expect(editor, file, "item.", "any text")


def test_tab_stays_a_tab_where_nothing_is_suggested(start_neovim: StartNeovim, tmp_path: Path) -> None:
    file = Unfinished(tmp_path, BASKET)
    editor = start_neovim(["pylot-ls-that-is-not-installed"])
    editor.open(file.path)
    editor.go_to_end_of_line(file.line)
    editor.type("item")
    editor.press("<Tab>")
    typed = file.line_with("item")
    longer = editor.wait_until("white space", lambda: editor.line_before_cursor().removeprefix(typed))
    assert not longer.strip()


def test_where_nothing_is_suggested_any_more_nothing_is_shown(start_neovim: StartNeovim, tmp_path: Path) -> None:
    file = Unfinished(tmp_path, "▮\n")
    editor = start_neovim([*PYLOT_LS, "--scripted"])
    type_and_expect(editor, file, "x = ", "scripted_suggestion")
    editor.type("1")
    editor.expect_no_ghost_text()


def test_who_asks_by_hand_goes_through_several_and_accepts_the_one_that_is_shown(
    start_neovim: StartNeovim, tmp_path: Path
) -> None:
    file = Unfinished(tmp_path, "▮\n")
    editor = start_neovim([*PYLOT_LS, "--scripted"])
    type_and_expect(editor, file, "x = ", "scripted_suggestion")
    editor.press("<M-n>")
    editor.wait_until("three suggestions", lambda: editor.n_suggestions() == 3)
    editor.expect_ghost_text("scripted_suggestion")
    editor.press("<M-n>")
    editor.wait_until("the second one", lambda: shown(editor) == "another_suggestion (2/3)")
    editor.press("<Tab>")
    editor.wait_until("it in the buffer", lambda: editor.lines()[0] == "x = another_suggestion")
    editor.stop_server()
    log = FeedbackLog(tmp_path / "home" / "state" / "pylot-ls" / "feedback" / "feedback.db")
    totals = editor.wait_until("a log", lambda: log.totals(date.min))
    accepted = [each.n_accepted for each in totals if each.verdict is Verdict.ACCEPTED]
    assert accepted == [len("another_suggestion")]


def shown(editor: Neovim) -> str:
    """The ghost text, with what Neovim writes behind it."""
    ghost = editor.ghost_text()
    return ghost.text if ghost else ""
