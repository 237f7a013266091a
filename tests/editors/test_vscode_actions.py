"""In a real VS Code code actions are chosen, confirmed and made: with the bundled model, and with a scripted one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .acting import CASES, EXPLAIN, FIX, PYLOT_LS, SCRIPTED, TESTS, TITLES, WRONG, Case, copy_and_answer
from .test_vscode import StandIn

if TYPE_CHECKING:
    from pathlib import Path

    from .vscode import VSCode

pytestmark = pytest.mark.editor


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that is open, which has a file for each case."""
    found = tmp_path_factory.mktemp("project")
    (found / "begin.py").write_text("", encoding="utf-8")
    return found


@pytest.fixture
def window(vscode: VSCode, folder: Path) -> VSCode:
    """One window for several tests, with a server whose answers are what ``folder / "answer"`` holds."""
    begin = folder / "begin.py"
    if not (folder / "server").exists():
        server = StandIn(folder / "server", [*SCRIPTED, str(folder / "answer")])
        vscode.configure({"pylot-ls.serverPath": str(server.path)})
        vscode.open(begin)
        vscode.expect_status("ready")
    return vscode


def choose(window: VSCode, folder: Path, case: Case, stem: str) -> Path:
    """Open the case's text in a file of its own, and choose its action where it is asked for; the file."""
    (folder / "answer").write_text(case.answer, encoding="utf-8")
    file = (folder / case.name).with_stem(stem)
    file.write_text(case.source, encoding="utf-8")
    window.show(file)
    if case.has_problem:
        window.wait_for("the problem", lambda seen: seen.n_problems)
    window.act(case.line, case.column, case.title)
    return file


@pytest.mark.parametrize("case", [*CASES, FIX], ids=lambda case: case.kind.rpartition(".")[2])
def test_a_chat_models_edit_is_confirmed_and_made(window: VSCode, folder: Path, case: Case) -> None:
    file = choose(window, folder, case, case.kind.rpartition(".")[2])
    window.confirm()
    window.wait_for("the change", lambda seen: "\n".join(seen.lines).strip() == case.expected.strip())
    window.keep("made")
    window.press("Control+s")
    window.wait_until("the file", lambda: file.read_text(encoding="utf-8") == case.expected)


def test_tests_come_in_a_file_of_their_own(window: VSCode, folder: Path) -> None:
    file = choose(window, folder, TESTS, "shop")
    window.confirm()
    made = file.with_name("test_shop.py")
    window.wait_until("the new file", lambda: made.exists() and made.read_text(encoding="utf-8") == TESTS.expected)
    window.show(made)
    window.keep("made")
    assert file.read_text(encoding="utf-8") == TESTS.source


def test_an_explanation_opens_as_a_document(window: VSCode, folder: Path) -> None:
    file = choose(window, folder, EXPLAIN, "explained")
    window.wait_for("the explanation", lambda seen: EXPLAIN.answer in "\n".join(seen.lines))
    window.keep("explained")
    assert file.read_text(encoding="utf-8") == EXPLAIN.source


def test_a_wrong_answer_is_said_and_changes_nothing(window: VSCode, folder: Path) -> None:
    file = choose(window, folder, WRONG, "wrong")
    window.wait_for("the message", lambda seen: any("has no code" in each for each in seen.notifications))
    window.keep("wrong answer")
    assert "\n".join(window.screen().lines).strip() == WRONG.source.strip()
    assert file.read_text(encoding="utf-8") == WRONG.source


@pytest.mark.parametrize("kind", ["docstring", "implement"])
def test_the_bundled_models_edit_is_confirmed_and_made(
    vscode: VSCode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    server = StandIn(tmp_path / "server", PYLOT_LS)
    monkeypatch.setenv("PYLOT_LS_CONFIG", str(server.path.with_name("settings.toml")))
    file, expected = copy_and_answer(kind, tmp_path)
    assert expected != file.source
    vscode.configure({"pylot-ls.serverPath": str(server.path)})
    vscode.open(file.path)
    vscode.expect_status("ready")
    vscode.act(file.line, 9, TITLES[kind].format(name=file.name))
    vscode.confirm()
    added = next(line for line in expected.split("\n") if line not in file.source.split("\n"))
    vscode.wait_for("the change", lambda seen: added in seen.lines)
    vscode.keep("made")
    vscode.press("Control+s")
    vscode.wait_until("the file", lambda: file.path.read_text(encoding="utf-8") == expected)
