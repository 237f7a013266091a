"""In a real VS Code a model's answer is seen beside the code while it is being given."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .halting_server import FIRST, REST
from .test_vscode import StandIn

if TYPE_CHECKING:
    from .vscode import Screen, VSCode

pytestmark = [
    pytest.mark.editor,
    pytest.mark.skipif(sys.platform == "win32", reason="the stand-in waits at a FIFO"),
]

HALTING = Path(__file__).with_name("halting_server.py")
SOURCE = "def add(a, b):\n    return a + b\n"


def beside(screen: Screen) -> str:
    return " ".join(" ".join(screen.beside).split())


@pytest.fixture
def opened(vscode: VSCode, tmp_path: Path) -> VSCode:
    """A window with a function, and a server that halts in the middle of each answer."""
    os.mkfifo(tmp_path / "fifo")
    server = StandIn(tmp_path / "server", [sys.executable, str(HALTING), str(tmp_path / "fifo")])
    file = tmp_path / "sums.py"
    file.write_text(SOURCE, encoding="utf-8")
    vscode.configure({"pylot-ls.serverPath": str(server.path)})
    vscode.open(file)
    vscode.expect_status("ready")
    vscode.click(".editor-instance .view-lines")
    vscode.press("Control+Home")
    return vscode


def test_what_is_selected_is_explained_beside_it_while_the_model_speaks(opened: VSCode, tmp_path: Path) -> None:
    opened.choose("Explain what is selected")
    opened.wait_for("the first words", lambda seen: FIRST.split(",")[0] in beside(seen))
    opened.keep("while the model speaks")
    assert REST not in beside(opened.screen())
    (tmp_path / "fifo").write_bytes(b"go on")
    screen = opened.wait_for("the rest", lambda seen: beside(seen) == FIRST + REST)
    opened.keep("explained")
    assert screen.lines == [*SOURCE.split("\n")], "the code stands where it stood"
    opened.type("#")
    opened.wait_for("who types to be in the code", lambda seen: seen.lines[0] == "#def add(a, b):")


def test_a_question_is_answered_beside_the_code(opened: VSCode, tmp_path: Path) -> None:
    opened.choose("Ask about what is selected")
    opened.wait_for("the question's box", lambda seen: seen.asks)
    opened.type("What is it?")
    opened.keep("asking")
    opened.press("Enter")
    opened.wait_for("the first words", lambda seen: FIRST.split(",")[0] in beside(seen))
    (tmp_path / "fifo").write_bytes(b"go on")
    opened.wait_for("the answer", lambda seen: beside(seen) == FIRST + REST)
    opened.keep("answered")
