"""In a real Neovim the code actions are chosen, confirmed and made: with the bundled model, and with a scripted one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import pytest

from .acting import CASES, EXPLAIN, FIX, PROBLEM, PYLOT_LS, SCRIPTED, TESTS, WRONG, Case, copy_and_answer
from .neovim import Neovim

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.editor

StartNeovim = Callable[[Sequence[str]], Neovim]


@pytest.mark.parametrize("kind", ["docstring", "implement"])
def test_the_bundled_models_edit_is_confirmed_and_made(start_neovim: StartNeovim, tmp_path: Path, kind: str) -> None:
    file, expected = copy_and_answer(kind, tmp_path)
    assert expected != file.source
    editor = start_neovim(PYLOT_LS)
    editor.open(file.path)
    editor.expect_server()
    editor.run_action(f"refactor.rewrite.{kind}", file.line)
    editor.wait_until("the change in the buffer", lambda: "\n".join(editor.lines()) + "\n" == expected)
    assert "Apply all changes?" in editor.question()
    added = next(line for line in expected.split("\n") if line not in file.source.split("\n")).strip()
    # It may stand below the screen's last row.
    editor.press("zz")
    editor.wait_until("the change on the screen", lambda: any(added in row for row in editor.screen()))
    editor.keep("action made")


def test_who_declines_keeps_the_text(start_neovim: StartNeovim, tmp_path: Path) -> None:
    file, _answer = copy_and_answer("docstring", tmp_path)
    editor = start_neovim(PYLOT_LS)
    editor.open(file.path)
    editor.expect_server()
    editor.answer_questions(2)
    editor.run_action("refactor.rewrite.docstring", file.line)
    editor.wait_until("the question", editor.question)
    assert f"Document {file.name}" in editor.question()
    assert "\n".join(editor.lines()) + "\n" == file.source


def start_scripted(start_neovim: StartNeovim, tmp_path: Path, case: Case) -> Neovim:
    """An editor with a file, and a server that answers each question with one text."""
    (tmp_path / "answer").write_text(case.answer, encoding="utf-8")
    path = tmp_path / case.name
    path.write_text(case.source, encoding="utf-8")
    editor = start_neovim([*SCRIPTED, str(tmp_path / "answer")])
    editor.open(path)
    editor.expect_server()
    return editor


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind.rpartition(".")[2])
def test_a_chat_models_edit_is_confirmed_and_made(start_neovim: StartNeovim, tmp_path: Path, case: Case) -> None:
    editor = start_scripted(start_neovim, tmp_path, case)
    editor.run_action(case.kind, case.line, case.column)
    editor.wait_until("the change in the buffer", lambda: "\n".join(editor.lines()) + "\n" == case.expected)
    assert case.expected.split("\n")[-2].strip() in editor.keep("action made")


def test_what_another_tool_finds_is_mended(start_neovim: StartNeovim, tmp_path: Path) -> None:
    editor = start_scripted(start_neovim, tmp_path, FIX)
    editor.find_problem(FIX.line, FIX.column, PROBLEM)
    assert PROBLEM in editor.keep("problem")
    editor.press("grf")
    editor.wait_until("the change in the buffer", lambda: "\n".join(editor.lines()) + "\n" == FIX.expected)
    assert FIX.expected.strip() in editor.keep("action made")


def test_tests_come_in_a_file_of_their_own(start_neovim: StartNeovim, tmp_path: Path) -> None:
    editor = start_scripted(start_neovim, tmp_path, TESTS)
    editor.run_action(TESTS.kind, TESTS.line)
    editor.wait_until("the new file", lambda: any(TESTS.expected.strip() in text for text in editor.texts()))
    assert (tmp_path / "test_shop.py").exists()
    editor.keep("action made")


def test_what_the_bundled_model_explains_opens_beside_the_code(start_neovim: StartNeovim, tmp_path: Path) -> None:
    file, answer = copy_and_answer("explain", tmp_path)
    expected = answer.rstrip("\n")
    editor = start_neovim(PYLOT_LS)
    editor.open(file.path)
    editor.expect_server()
    editor.run_action("refactor.explain", file.line)
    editor.wait_until("the explanation", lambda: expected in editor.texts())
    assert expected.split("\n")[0] in editor.keep("explained")
    assert "\n".join(editor.lines()) + "\n" == file.source


def test_an_explanation_opens_beside_the_code(start_neovim: StartNeovim, tmp_path: Path) -> None:
    editor = start_scripted(start_neovim, tmp_path, EXPLAIN)
    editor.run_action(EXPLAIN.kind, EXPLAIN.line)
    editor.wait_until("the explanation", lambda: any(EXPLAIN.answer in text for text in editor.texts()))
    assert EXPLAIN.answer.split("\n")[0] in editor.keep("action made")
    assert "\n".join(editor.lines()) + "\n" == EXPLAIN.source


def test_a_wrong_answer_is_said_and_changes_nothing(start_neovim: StartNeovim, tmp_path: Path) -> None:
    editor = start_scripted(start_neovim, tmp_path, WRONG)
    editor.run_action(WRONG.kind, WRONG.line)
    editor.wait_until("the message", lambda: any("has no code" in line for line in editor.messages()))
    editor.keep("wrong answer")
    assert "\n".join(editor.lines()) + "\n" == WRONG.source
