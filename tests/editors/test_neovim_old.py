"""In a real Neovim 0.10 the plugin says once what it needs, and is in nobody's way."""

from __future__ import annotations

import sys

import pytest

if sys.platform == "win32":
    pytest.skip("a terminal is simulated on Unix only", allow_module_level=True)

from .setting_up import run_setup
from .terminal import Terminal

pytestmark = pytest.mark.editor


def test_it_says_what_it_needs_and_typing_is_not_disturbed(old_neovim_binary, tmp_path, screens):
    home = {f"XDG_{name}_HOME": str(tmp_path / name.lower()) for name in ("CONFIG", "DATA", "STATE", "CACHE")}
    run_setup("neovim", home)
    file = tmp_path / "module.py"
    with Terminal([old_neovim_binary, "-n", file], home, tmp_path, screens) as neovim:
        neovim.expect("pylot-ls needs Neovim 0.11 or newer")
        neovim.keep("told")
        neovim.press("i", "x = 1")
        neovim.expect("x = 1")
        neovim.press("Escape")
        neovim.wait_until("it to be left", lambda rows: "INSERT" not in rows[-1])
        neovim.press(":w", "Return")
        neovim.expect("written")
        neovim.press(":e other.py", "Return")
        rows = neovim.wait_until("the other file", lambda rows: rows[-2].startswith("other.py"))
        neovim.keep("another file")
    assert file.read_text("utf-8") == "x = 1\n"
    assert not any("pylot-ls" in row for row in rows)
