"""In a real Neovim a hover shows what the text says of a name, and what a model says."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import pytest

from .neovim import Neovim

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.editor

StartNeovim = Callable[[Sequence[str]], Neovim]

PYLOT_LS = (sys.executable, "-m", "pylot_ls")

SOURCE = '''class Basket:
    def total(self, rate: float) -> float:
        """Add the prices, "привет 🙂" included.

        With tax.
        """
        return sum(self.prices) * rate


print(Basket().total(1.2))
'''


def opened(editor: Neovim, folder: Path) -> None:
    path = folder / "basket.py"
    path.write_text(SOURCE, encoding="utf-8")
    editor.open(path)
    editor.expect_server()


def hovered(editor: Neovim, keys: str, expected: str) -> list[str]:
    """The rows below the text once something expected stands there, after some keys and a request for a hover."""

    def below() -> list[str]:
        return editor.screen()[SOURCE.count("\n") :]

    def is_shown() -> bool:
        return any(expected in row for row in below())

    assert not is_shown()
    editor.press(keys + "<Cmd>lua vim.lsp.buf.hover()<CR>")
    editor.wait_until(f"{expected!r} on the screen", is_shown)
    editor.keep("hover")
    return below()


def test_the_text_is_shown_with_the_bundled_model(start_neovim: StartNeovim, tmp_path: Path) -> None:
    editor = start_neovim(PYLOT_LS)
    opened(editor, tmp_path)
    screen = "\n".join(hovered(editor, "10Gfl", "def total(self, rate: float) -> float:"))
    assert 'Add the prices, "привет 🙂" included.' in screen
    assert "With tax" not in screen


def test_a_models_explanation_is_shown_below_it(start_neovim: StartNeovim, tmp_path: Path) -> None:
    editor = start_neovim([*PYLOT_LS, "--scripted"])
    opened(editor, tmp_path)
    screen = hovered(editor, "10Gfl", "scripted_suggestion")
    (signature,) = [number for number, row in enumerate(screen) if "def total(self" in row]
    (said,) = [number for number, row in enumerate(screen) if "scripted_suggestion" in row]
    assert signature < said


def test_a_bracket_is_explained_by_the_call_that_it_is_of(start_neovim: StartNeovim, tmp_path: Path) -> None:
    editor = start_neovim([*PYLOT_LS, "--scripted"])
    opened(editor, tmp_path)
    hovered(editor, "10Gf(", "scripted_suggestion")


def test_where_nothing_has_a_value_nothing_is_shown(start_neovim: StartNeovim, tmp_path: Path) -> None:
    editor = start_neovim([*PYLOT_LS, "--scripted"])
    opened(editor, tmp_path)
    hovered(editor, "2Gf(", "No information available")
