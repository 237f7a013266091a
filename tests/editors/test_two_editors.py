"""Two editors at once, with one user's folders and one file: each has a server, and they share what is kept on disk.

A server that is started again stands on the prompt that was kept, and may say something else than one that begins anew.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from .test_neovim import BASKET, PYLOT_LS, Unfinished, type_and_expect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .emacs import Emacs
    from .helix import Helix
    from .neovim import Neovim

pytestmark = pytest.mark.editor

on_unix = pytest.mark.skipif(sys.platform == "win32", reason="a terminal is simulated on Unix only")


@pytest.fixture
def file(tmp_path: Path) -> Unfinished:
    return Unfinished(tmp_path, BASKET)


def typed_and_suggested(file: Unfinished) -> tuple[str, str]:
    """Something to type, and what the bundled model suggests behind it, which stands nowhere in the file."""
    asked = ((typed, file.suggestion_behind(typed)) for typed in ("item.", "item.pr", "not ", "self.", "len("))
    return next(each for each in asked if each[1] and each[1].strip() not in BASKET)


def kept(cache: Path) -> dict[str, Any]:
    """What ``pylot-ls cache info`` says of a user's cache folder."""
    command = [*PYLOT_LS, "cache", "info", "--json"]
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_in_two_neovims(start_neovim: Callable[..., Neovim], file: Unfinished, tmp_path: Path) -> None:
    typed, suggestion = typed_and_suggested(file)
    first, second = (start_neovim(PYLOT_LS, plugin=True) for _ in range(2))
    for editor in (first, second):
        type_and_expect(editor, file, typed, suggestion)
    killed = first.server_pid()
    assert killed != second.server_pid()
    os.kill(killed, signal.SIGKILL)
    second.press("<Tab>")
    second.wait_until("the suggestion", lambda: file.line_with(typed + suggestion) in second.lines())
    first.wait_until("another server", lambda: first.server_pid() != killed)
    first.expect_server()
    first.press("<Esc>u")
    first.go_to_end_of_line(file.line)
    first.type(typed)
    first.wait_until("a suggestion", first.ghost_text)
    first.keep("the first window")
    second.keep("the second window")
    for editor in (first, second):
        editor.stop_server()
    first.wait_until("what is kept", lambda: kept(tmp_path / "home" / "cache")["n_entries"])


@on_unix
def test_in_two_helixes(start_helix: Callable[..., Helix], file: Unfinished, tmp_path: Path) -> None:
    typed, suggestion = typed_and_suggested(file)
    first, second = (start_helix(file.place, PYLOT_LS) for _ in range(2))
    for editor in (first, second):
        editor.expect("pylot-tiny is ready")
        editor.press("A", typed)
        editor.open_menu()
        editor.expect(suggestion.strip())
    first.kill_server()
    second.press("C-n", "Return")
    second.leave_insert_mode()
    second.expect(file.line_with(typed + suggestion).strip())
    first.leave_insert_mode()
    first.press("u", " ", "l", "R")
    first.expect("pylot-tiny is ready")
    first.press("A", typed)
    first.open_menu()
    first.wait_until("an entry", lambda rows: ": text" in rows[11])
    first.keep("the first window")
    second.keep("the second window")


@on_unix
def test_in_two_emacsen(start_emacs: Callable[..., Emacs], file: Unfinished, tmp_path: Path) -> None:
    typed, suggestion = typed_and_suggested(file)
    first, second = (start_emacs(file.path, PYLOT_LS) for _ in range(2))
    for editor in (first, second):
        editor.go_there(file)
        editor.press(typed)
        editor.expect(typed + suggestion)
    server = first.kill_server()
    second.press("Tab", "#")
    second.expect(file.line_with(typed + suggestion) + "#")
    first.call("pylot-restart")
    first.expect_another(server)
    first.press("x", "Backspace")
    first.wait_until("a suggestion", lambda rows: any(re.search(rf"if {re.escape(typed)}\s*\S", row) for row in rows))
    first.keep("the first window")
    second.keep("the second window")
