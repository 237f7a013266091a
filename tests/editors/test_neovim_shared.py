"""Two Neovims and one server: started with ``--shared``, each shows the suggestion of its own file."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from asking import ask_shared

from .neovim import Neovim
from .test_neovim import BASKET, NAMES, PYLOT_LS, Unfinished, type_and_expect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.editor

StartNeovim = Callable[..., Neovim]
SHARED = [*PYLOT_LS, "--shared"]


@pytest.fixture(autouse=True)
def _own_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        yield
        ask_shared("--stop")


@pytest.mark.skipif(sys.platform == "win32", reason="its folder is not chosen by the environment")
def test_two_editors_on_one_server_show_their_own_suggestions(
    start_neovim: StartNeovim, neovim_binary: Path, tmp_path: Path, screens: Path
) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    basket, names = Unfinished(tmp_path / "one", BASKET), Unfinished(tmp_path / "two", NAMES)
    suggestions = basket.suggestion_behind("item."), names.suggestion_behind("names[")
    one = start_neovim(SHARED)
    type_and_expect(one, basket, "item.", suggestions[0])
    with Neovim(neovim_binary, SHARED, tmp_path / "other-home", screens=screens) as two:
        type_and_expect(two, names, "names[", suggestions[1])
        found = ask_shared("--status")
        assert [each["n_documents"] for each in found["editors"]] == [1, 1]
        one.press("<Tab>")
        accepted = basket.line_with("item." + suggestions[0]).split("\n")
        one.wait_until("it in the buffer", lambda: one.lines()[basket.line - 1 :][: len(accepted)] == accepted)
        two.expect_ghost_text(suggestions[1])
    one.wait_until("the other one gone", lambda: len(ask_shared("--status")["editors"]) == 1)
    assert ask_shared("--status")["pid"] == found["pid"]
