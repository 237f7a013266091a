"""In a real Emacs with lsp-mode, set up as the page says, its own inline completion shows what is suggested."""

from __future__ import annotations

import re
import sys

import pytest

if sys.platform == "win32":
    pytest.skip("a terminal is simulated on Unix only", allow_module_level=True)

from .terminal import ScreenError
from .test_emacs import PACKAGE
from .test_neovim import PYLOT_LS, Unfinished

pytestmark = pytest.mark.editor

# lsp-mode asks about a file's project, and offers to install other servers; who tries one server wants neither.
INIT = """
(setq package-directory-list '("{packages}"))
(package-initialize)
(add-to-list 'load-path "{ours}")
(setq lsp-auto-guess-root t lsp-enable-suggest-server-download nil)
{page}
(add-hook 'python-mode-hook #'lsp)
"""


def documented() -> str:
    """The lines that the page has for lsp-mode."""
    section = (PACKAGE / "README.md").read_text("utf-8").split("## lsp-mode", 1)[1]
    found = re.search(r"```elisp\n(.*?)```", section, flags=re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def start(start_emacs, lsp_mode, tmp_path):
    """Starts an Emacs whose lsp-mode has a server's command; with the file that it opens."""

    def start(server):
        file = Unfinished(tmp_path, "▮\n")
        init = INIT.format(packages=lsp_mode, ours=PACKAGE, page=documented())
        return file, start_emacs(file.path, server, init=init)

    return start


def test_what_is_suggested_shows_and_is_accepted(start):
    file, emacs = start([*PYLOT_LS, "--scripted"])
    emacs.expect("initialized successfully")
    emacs.press("x = ")
    emacs.expect("x = scripted_suggestion")
    emacs.keep("suggested")
    emacs.press("Tab")
    emacs.wait_until("the cursor behind it", lambda rows: rows[emacs.cursor()[0]][: emacs.cursor()[1]].endswith("tion"))
    emacs.keep("accepted")
    assert emacs.saved(file) == "x = scripted_suggestion\n"


def test_the_check_fails_without_a_server_and_typing_is_not_disturbed(start):
    file, emacs = start(["pylot-ls-that-is-not-installed"])
    emacs.wait_until("the file", lambda rows: any("module.py" in row for row in rows))
    emacs.press("x = ")
    with pytest.raises(ScreenError):
        emacs.expect("x = scripted_suggestion", within_s=4)
    emacs.keep("no server")
    emacs.press("1")
    assert emacs.saved(file) == "x = 1\n"
