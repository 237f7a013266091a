"""In a real Neovim the code actions are chosen, confirmed and made: with the bundled model, and with a scripted one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest

from pylot_ls.bundled import sample_path

from .neovim import Neovim

pytestmark = pytest.mark.editor

StartNeovim = Callable[[Sequence[str]], Neovim]

PYLOT_LS = (sys.executable, "-m", "pylot_ls")
SCRIPTED = Path(__file__).parents[1] / "support" / "scripted_server.py"


class Copy:
    """A copy of the bundled source file, in which something is missing.

    Attributes:
        path: of the file.
        line: of the definition, from 1.
        name: of what is defined.
    """

    def __init__(self, folder: Path, header: str, *, without: str = "", instead: str = "") -> None:
        source = sample_path().read_text(encoding="utf-8")
        assert not without or source.count(without) == 1
        self.source = source.replace(without, instead) if without else source
        self.path = folder / "inventory.py"
        self.path.write_text(self.source, encoding="utf-8")
        self.line = self.source[: self.source.index(header)].count("\n") + 1
        self.name = header.strip().removeprefix("def ").partition("(")[0]

    def asked(self, kind: str) -> str:
        """What the bundled model makes of it, asked on the command line and not in an editor; "" for nothing."""
        place = f"{self.path}:{self.line}:9"
        command = [*PYLOT_LS, "action", kind, place, "--json" if kind == "explain" else "--whole"]
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
        if "nothing to say" in done.stderr:
            return ""
        assert done.returncode == 0, done.stderr
        return str(json.loads(done.stdout)["text"]) if kind == "explain" else done.stdout


# Of each kind some, of which the one is taken of which the bundled model has something to say.
COPIES: dict[str, tuple[Callable[[Path], Copy], ...]] = {
    "docstring": tuple(
        partial(Copy, header=f"    def {name}(self") for name in ("total", "value", "by_price", "save", "load")
    ),
    "implement": (
        partial(
            Copy,
            header="    def __len__(self)",
            without="        return len(self.items)\n",
            instead="        pass\n",
        ),
        partial(
            Copy,
            header="    def value(self)",
            without="        return self.price * self.quantity\n",
            instead="        pass\n",
        ),
    ),
}


def copy_and_answer(kind: str, folder: Path, action: str = "") -> tuple[Copy, str]:
    """A copy, and what the bundled model makes of it by an action, which is that of the kind if not named."""
    for make in COPIES[kind]:
        copy = make(folder)
        answer = copy.asked(action or kind)
        if answer:
            return copy, answer
    raise AssertionError(f"the bundled model has nothing to say for {kind}")


@pytest.fixture
def dump(record_property: Callable[[str, object], None]) -> Callable[[Neovim], str]:
    """The screen, kept with the test's result."""

    def keep(editor: Neovim) -> str:
        screen = "\n".join(editor.screen()).rstrip()
        record_property("screen", screen)
        print(screen)
        return screen

    return keep


@pytest.mark.parametrize("kind", ["docstring", "implement"])
def test_the_bundled_models_edit_is_confirmed_and_made(
    start_neovim: StartNeovim, tmp_path: Path, dump: Callable[[Neovim], str], kind: str
) -> None:
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
    dump(editor)


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


def test_an_explanation_opens_beside_the_code(
    start_neovim: StartNeovim, tmp_path: Path, dump: Callable[[Neovim], str]
) -> None:
    file, answer = copy_and_answer("docstring", tmp_path, "explain")
    expected = answer.rstrip("\n")
    editor = start_neovim(PYLOT_LS)
    editor.open(file.path)
    editor.expect_server()
    editor.run_action("refactor.explain", file.line)
    editor.wait_until("the explanation", lambda: expected in editor.texts())
    assert expected.split("\n")[0] in dump(editor)
    assert "\n".join(editor.lines()) + "\n" == file.source


def start_scripted(start_neovim: StartNeovim, tmp_path: Path, answer: str, source: str) -> Neovim:
    """An editor with a file, and a server that answers each question with one text."""
    (tmp_path / "answer").write_text(answer, encoding="utf-8")
    path = tmp_path / "shop.py"
    path.write_text(source, encoding="utf-8")
    editor = start_neovim([sys.executable, str(SCRIPTED), str(tmp_path / "answer")])
    editor.open(path)
    editor.expect_server()
    return editor


LOOP = "def total(items):\n    result = 0\n    for item in items:\n        result += item\n    return result\n"
FENCED = "```python\n{}\n```\n"


@pytest.mark.parametrize(
    ("kind", "source", "answer", "expected"),
    [
        (
            "refactor.rewrite.simplify",
            LOOP,
            FENCED.format("def total(items):\n    return sum(items)"),
            "def total(items):\n    return sum(items)",
        ),
        (
            "refactor.rewrite.types",
            LOOP,
            FENCED.format(LOOP.replace("(items)", "(items: list[int]) -> int")),
            LOOP.replace("(items)", "(items: list[int]) -> int").rstrip(),
        ),
        (
            "refactor.rewrite.translate",
            "def f(x):\n    return x  # сам x\n",
            FENCED.format("def f(x):\n    return x  # x itself"),
            "def f(x):\n    return x  # x itself",
        ),
        ("refactor.rename", "def f(a):\n    x = a\n    f(x)\n", "total", "def f(a):\n    total = a\n    f(total)"),
    ],
)
def test_a_chat_models_edit_is_confirmed_and_made(
    start_neovim: StartNeovim,
    tmp_path: Path,
    dump: Callable[[Neovim], str],
    kind: str,
    source: str,
    answer: str,
    expected: str,
) -> None:
    editor = start_scripted(start_neovim, tmp_path, answer, source)
    editor.press("2G^")
    editor.run_action(kind, 2 if kind.endswith("rename") else 1)
    editor.wait_until("the change in the buffer", lambda: "\n".join(editor.lines()) == expected)
    assert expected.rsplit("\n", maxsplit=1)[-1].strip() in dump(editor)


def test_tests_come_in_a_file_of_their_own(start_neovim: StartNeovim, tmp_path: Path) -> None:
    code = "from shop import total\n\n\ndef test_total():\n    assert total([1]) == 1"
    editor = start_scripted(start_neovim, tmp_path, FENCED.format(code), LOOP)
    editor.run_action("refactor.tests", 1)
    editor.wait_until("the new file", lambda: any(code in text for text in editor.texts()))
    assert (tmp_path / "test_shop.py").exists()


def test_a_wrong_answer_is_said_and_changes_nothing(start_neovim: StartNeovim, tmp_path: Path) -> None:
    editor = start_scripted(start_neovim, tmp_path, "I would not change that.", LOOP)
    editor.run_action("refactor.rewrite.simplify", 1)
    editor.wait_until("the message", lambda: any("has no code" in line for line in editor.messages()))
    assert "\n".join(editor.lines()) + "\n" == LOOP
